"""The parameter files against the parameters of main.bicep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.infra.bicep_reader import BicepFile, Infra, meaningful_children, text

FILES = ("main.parameters.json", "main.dev.parameters.json", "main.prod.parameters.json")
FROM_ENVIRONMENT = re.compile(r"\$\{[A-Z_]+(?:=(?P<default>[^}]*))?\}")
"""What azd replaces by a variable of its environment."""
KINDS = {"string": "str", "int": "int", "bool": "bool", "array": "list", "object": "dict"}
"""Bicep's names of types, and Python's."""


def problems(infra: Infra) -> list[str]:
    """What is wrong, one line for each."""
    lines: list[str] = []
    for name in FILES:
        values = given(infra.folder / name)
        declared = declarations(infra.main)
        lines += [f"{name}: there is no {each}" for each in sorted(set(values) - set(declared))]
        needed = {each for each, must in infra.main.parameters.items() if must}
        lines += [f"{name}: lacks {each}" for each in sorted(needed - set(values))]
        faults = [
            f"{name}: {each}: {fault}"
            for each in sorted(set(values) & set(declared))
            for fault in _faults(values[each], declared[each])
        ]
        # What is wrong by itself cannot be compared.
        lines += faults or [f"{name}: {fault}" for fault in _together({**defaults(infra.main), **values})]
    return lines


def given(path: Path) -> dict[str, Any]:
    """Name and value. Of a variable of azd's environment it is the default."""
    content = json.loads(path.read_text())
    return {name: _value(entry["value"]) for name, entry in content["parameters"].items()}


def _value(value: Any) -> Any:
    found = FROM_ENVIRONMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    default = found["default"]
    # azd makes what a parameter of another kind than text needs out of the text.
    return {"true": True, "false": False}.get(default, default) if default is not None else "a-value"


def declarations(file: BicepFile) -> dict[str, tuple[Node, str]]:
    """By name: the declaration, and the source of its decorators."""
    nodes = [node for node in file.root.named_children if node.type != "comment"]
    pairs = pairwise(nodes)
    found = ((before, node) for before, node in pairs if node.type == "parameter_declaration")
    return {text(meaningful_children(node)[0]): (node, text(before)) for before, node in found}


@cache
def _numbers(decorators: str, name: str) -> int | None:
    found = re.search(rf"@{name}\((\d+)\)", decorators)
    return int(found[1]) if found else None


def _faults(value: Any, declaration: tuple[Node, str]) -> Iterator[str]:
    node, decorators = declaration
    kind = text(meaningful_children(node)[1])
    if type(value).__name__ != KINDS[kind]:
        yield f"{value!r} is no {kind}"
        return
    listed = re.search(r"@allowed\(\[(.*?)\]\)", decorators, re.DOTALL)
    if listed and str(value) not in listed[1].replace("'", "").split():
        yield f"{value!r} is none of those allowed"
    size = len(value) if kind == "string" else value
    for name in ("Value", "Length"):
        least, most = _numbers(decorators, f"min{name}"), _numbers(decorators, f"max{name}")
        if (least is not None and size < least) or (most is not None and size > most):
            yield f"{value!r} is not from {least} to {most}"


def defaults(file: BicepFile) -> dict[str, Any]:
    """The values of parameters that are left out; only those that are written out."""
    found: dict[str, Any] = {}
    for name, (node, _) in declarations(file).items():
        parts = meaningful_children(node)
        if len(parts) == 3:
            found[name] = _default(parts[2])
    return found


def _default(node: Node) -> Any:
    match node.type:
        case "string":
            return text(node)
        case "number" | "boolean":
            return json.loads(text(node))
        case "array":
            return []
        case _:
            return {}


def _together(values: Mapping[str, Any]) -> Iterator[str]:
    """What one parameter asks of another; Azure would say so only in the middle of a deployment."""
    throughput, library = values["cosmosMaxThroughput"], values["cosmosLibraryMaxThroughput"]
    if values["standbyLocations"] and (values["frontDoorSku"] == "none" or throughput == 0):
        yield "several regions need a Front Door and autoscale"
    if throughput % 1000 or library % 1000 or (throughput and not library):
        yield "throughput comes in thousands"
    if values["signalRSku"] == "Free_F1" and (values["privateNetworking"] or values["signalRUnits"] > 1):
        yield "the free SignalR Service has one unit and no private endpoints"
    if values["monthlyBudget"] and not values["alertEmails"]:
        yield "nobody is told of the budget"
    deployed = {deployment["name"] for deployment in values["modelDeployments"]}
    if deployed and {values["modelName"], values["embeddingModel"]} - deployed - {""}:
        yield "a model is named that is not deployed"
    for deployment in values["modelDeployments"]:
        if set(deployment) != {"name", "model", "version", "sku", "capacity"}:
            yield f"a deployment has {sorted(deployment)}"
