"""Values from the command line: an execution's input, outputs of steps, what an event brings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from meta_agents.cli.documents import parse, read_text
from meta_agents.cli.exits import BadInput
from meta_agents.results import Json

_DATA_SUFFIXES = {".json", ".yaml", ".yml"}


def read_input(given: str | None, settings: Iterable[str], option: str = "--input") -> Json:
    """The value of `--input` (or of another `option`) with each `--set` put into it; `{}` when nothing is given.

    Raises `BadInput`.
    """
    return with_settings({} if given is None else _read_given(given, option), read_settings(settings))


def read_settings(settings: Iterable[str]) -> dict[str, Json]:
    """What each `--set` gives, by key. Raises `BadInput`."""
    return _assignments(settings, "--set", "key")


def with_settings(value: Json, settings: Mapping[str, Json]) -> Json:
    """An input with these values put into it. Raises `BadInput`."""
    if not settings:
        return value
    if not isinstance(value, dict):
        raise BadInput("--set needs an input that is an object.", "Leave out --set, or give an object as --input.")
    return {**value, **settings}


def read_outputs(outputs: Iterable[str]) -> dict[str, Json]:
    """What each `--output PATH=VALUE` gives to a step, by path. Raises `BadInput`."""
    return _assignments(outputs, "--output", "step")


def read_value(given: str) -> Json:
    """One value: of standard input (`-`), of a file (`@file`), or as it is written. Raises `BadInput`."""
    return _one_value(sys.stdin.read(), Path("standard input")) if given == "-" else _written(given)


def read_definition(path: Path) -> dict[str, Json]:
    """The one definition of a file. Raises `BadInput`."""
    value = _one_value(read_text(path), path)
    if not isinstance(value, dict):
        raise BadInput(f"{path} holds no definition.", "Write the workflow as keys and values.")
    return value


def _read_given(given: str, option: str) -> Json:
    if given == "-":
        return _one_value(sys.stdin.read(), Path("standard input"))
    if given.startswith("@"):
        path = Path(given[1:])
        return _one_value(read_text(path), path)
    try:
        return json.loads(given, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        action = f"Give JSON, a file ({option} @input.yaml), or single values (--set key=value)."
        raise BadInput(f"{option} is not JSON: {error}.", action) from error


def _assignments(texts: Iterable[str], option: str, what: str) -> dict[str, Json]:
    values = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInput(f"{option} {text} sets nothing.", f"Write {option} {what}=value.")
        values[key] = _written(value)
    return values


def _written(text: str) -> Json:
    """What reads as JSON is JSON, `@file` is that file's content, and the rest is text."""
    if text.startswith("@"):
        path = Path(text[1:])
        content = read_text(path)
        return _one_value(content, path) if path.suffix in _DATA_SUFFIXES else content
    try:
        return json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return text


def _one_value(text: str, path: Path) -> Json:
    documents = parse(text, path)
    if len(documents) != 1:
        raise BadInput(f"{path} holds {len(documents)} documents.", "Keep exactly one in it.")
    return documents[0].content


def _not_json(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
