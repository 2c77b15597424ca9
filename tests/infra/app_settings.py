"""The settings that the deployed app finds, gathered from where the Bicep files put them together."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.bicep_reader import BicepFile, Block, Infra, properties, text, variable, walk

IN_EVERY_REGION = "sharedSettings"
WHERE_WORK_STARTS = "startSettings"


def app_settings(infra: Infra) -> dict[str, Node]:
    """Every setting and its value; of two with the same name the later."""
    region, main = infra.file("region.bicep"), infra.main
    shared = [_param(_module(main, "regions"), name) for name in (IN_EVERY_REGION, WHERE_WORK_STARTS)]
    own = _param(_module(region, "functionApp"), "appSettings")
    found = [pair for node in shared for pair in _settings(main, node)]
    return dict([*found, *_settings(region, own)])


def standby_settings(infra: Infra) -> dict[str, Node]:
    """Those that only an app that stands by has."""
    value = variable(infra.file("region.bicep"), "standbySettings")
    return properties(value) if value is not None else {}


def expression(infra: Infra, name: str) -> str:
    """How `name`, a parameter of the modules `functionApp` or `regions`, is put together."""
    for file, symbol in ((infra.file("region.bicep"), "functionApp"), (infra.main, "regions")):
        found = _module(file, symbol).value("params", name)
        if found is not None:
            return text(found)
    raise ValueError(f"no module is given {name}")


def _module(file: BicepFile, symbol: str) -> Block:
    return next(module for module in file.modules if module.symbol == symbol)


def _param(module: Block, name: str) -> Node:
    found = module.value("params", name)
    if found is None:
        raise ValueError(f"{module.symbol} is given no {name}")
    return found


def _settings(file: BicepFile, node: Node) -> Iterator[tuple[str, Node]]:
    for inner in walk(node):
        if inner.type == "object":
            yield from properties(inner).items()
        elif inner.type == "identifier" and (value := variable(file, text(inner))) is not None:
            yield from _settings(file, value)
