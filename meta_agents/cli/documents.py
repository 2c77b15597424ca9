"""Definitions in files: YAML (several documents a file) or JSON, read into JSON values that remember their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meta_agents.cli.exits import BadInput
from meta_agents.results import Json

_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
SUFFIXES = {".yaml", ".yml", ".json"}
_TESTS = (".test.yaml", ".test.yml", ".test.json")
"""Tests of workflows, which may lie beside them, and are no definitions."""
_MODELS = ("models.yaml", "models.yml", "models.json")
"""Models of a deployment, which are none either: `model apply` takes them."""


@dataclass(frozen=True)
class Document:
    """One value of a file."""

    path: Path
    content: Json
    node: yaml.Node | None = None
    """Where its parts are; None when that is not known."""

    def place(self, pointer: str) -> str:
        """`file:line:column` of the spot that an RFC 6901 pointer leads to, or of the nearest one above."""
        if self.node is None:
            return str(self.path)
        node, spot = self.node, self.node.start_mark
        for part in _parts(pointer):
            key, child = _child(node, part)
            if child is None:
                continue  # the server speaks of a key that is missing, or that a shorter way of writing leaves out
            # What begins below its key is found by the key.
            below = key is not None and key.start_mark.line < child.start_mark.line
            node, spot = child, key.start_mark if key is not None and below else child.start_mark
        return f"{self.path}:{spot.line + 1}:{spot.column + 1}"

    def told(self, pointer: str, message: str) -> str:
        """The message, with the pointer where the place does not say as much."""
        return message if self.node is not None else f"{pointer or '/'}: {message}"


def read_documents(paths: Iterable[Path]) -> list[Document]:
    """Every document of these files, and of the YAML and JSON files in these folders and below, in name order.

    Raises `BadInput` for a path that is missing and a file that cannot be read.
    """
    return [document for path in paths for file in _files(path) for document in parse(read_text(file), file)]


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(f"{path} cannot be read: {reason}.", "Check the path.") from error


def parse(text: str, path: Path) -> list[Document]:
    """The documents of a text; `path` says whether it is JSON, and what to call it in errors."""
    try:
        if path.suffix == ".json":
            return [Document(path, json.loads(text, parse_constant=_refuse_constant), _places_in(text))]
        return list(_yaml_documents(text, path))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        reason = error.problem or error.context
        raise BadInput(f"{place} is not YAML: {reason}.", "Correct the file; nothing was sent.") from error
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise BadInput(f"{path} cannot be used: {error}.", "Correct the file; nothing was sent.") from error


def to_yaml(value: Json) -> str:
    """A JSON value as YAML for people: keys in their order, texts of several lines as blocks."""
    text: str = yaml.dump(value, Dumper=_BlockDumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.suffix in SUFFIXES and not file.name.endswith(_TESTS))
    found = sorted(file for file in files if file.is_file() and file.name not in _MODELS)
    if not found:
        raise BadInput(f"{path} holds no YAML or JSON file.", "Name a file, or a folder with definitions.")
    return found


def _yaml_documents(text: str, path: Path) -> Iterator[Document]:
    loader = _JsonLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            content = loader.construct_document(node)
            if content is not None:
                # Through JSON, which refuses what it cannot say.
                yield Document(path, json.loads(json.dumps(content, allow_nan=False)), node)
    finally:
        loader.dispose()


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _child(node: yaml.Node, part: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The key, if there is one, and what stands there."""
    if isinstance(node, yaml.MappingNode):
        found: tuple[yaml.Node | None, yaml.Node | None]
        found = next(((key, value) for key, value in node.value if key.value == part), (None, None))
        return found
    if isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return None, node.value[int(part)]
    return None, None


def _places_in(text: str) -> yaml.Node | None:
    """Where the parts of a JSON text are: it is YAML, too, but for tabs, which JSON has only between its parts."""
    try:
        node: yaml.Node | None = yaml.compose(text.replace("\t", " "), Loader=_JsonLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    return node


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


class _JsonLoader(yaml.SafeLoader):
    """YAML that means what its JSON look-alike means: no dates, no `yes` for true, keys are texts and there once."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as PyYAML has it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            if key.value in seen:
                problem = f"the key {key.value!r} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
            # As in JSON; else Python would take `1` and `true` for one key.
            key.tag = _TEXT
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789")),
    ("merge", r"^<<$", ["<"]),
):
    _JsonLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


class _BlockDumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as people do."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _represent_text)
