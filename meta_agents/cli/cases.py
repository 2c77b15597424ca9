"""Cases of data sets from files: YAML, JSON, JSON Lines and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from meta_agents.cli.documents import parse, read_text
from meta_agents.cli.exits import BadInput
from meta_agents.results import Json

_OWN = ("id", "input", "expected")
"""Columns and keys of a case; others, where there is no `input`, are keys of it."""


def read_cases(path: Path) -> list[dict[str, Json]]:
    """The cases of a file, each `{id?, input, expected?}`. Raises `BadInput`.

    In CSV a column `input.product` (or `product`, where none is called `input`) is a key of the input, and
    `expected.price` one of what is expected; a cell that reads as a JSON number, true, false or null is that.
    """
    text = read_text(path)
    match path.suffix.lower():
        case ".csv" | ".tsv":
            cases = list(_of_table(text, path))
        case ".jsonl" | ".ndjson":
            cases = [_case(_json(line, path, number), path) for number, line in _lines(text)]
        case ".json" | ".yaml" | ".yml":
            cases = [_case(item, path) for item in _items(text, path)]
        case _:
            raise BadInput(f"{path} is no kind of file that holds cases.", "Name a .yaml, .json, .jsonl or .csv file.")
    if not cases:
        raise BadInput(f"{path} holds no case.", "Write at least one.")
    return cases


def read_dataset(path: Path) -> dict[str, Json]:
    """A whole data set, where a YAML or JSON file holds one; else `{cases}`. Raises `BadInput`."""
    if path.suffix.lower() in (".json", ".yaml", ".yml"):
        documents = [document.content for document in parse(read_text(path), path)]
        if len(documents) == 1 and isinstance(documents[0], dict) and "cases" in documents[0]:
            return documents[0]
    return {"cases": read_cases(path)}


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())


def _json(line: str, path: Path, number: int) -> Json:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}:{number} is not JSON: {error}.", "Write one JSON value on each line.") from error


def _items(text: str, path: Path) -> Iterator[Json]:
    for document in parse(text, path):
        content = document.content
        if isinstance(content, dict) and "cases" in content:
            content = content["cases"]
        yield from content if isinstance(content, list) else [content]


def _case(item: Json, path: Path) -> dict[str, Json]:
    if not isinstance(item, dict):
        return {"input": item}
    if "input" in item:
        strange = [key for key in item if key not in _OWN]
        if strange:
            raise BadInput(f"{path}: a case has no key {strange[0]!r}.", f"Its keys are {', '.join(_OWN)}.")
        return item
    return _without(item, "input")


def _without(item: dict[str, Json], key: str) -> dict[str, Json]:
    """A case that is written as its input, with `id` and `expected` beside."""
    own: dict[str, Json] = {name: item[name] for name in ("id", "expected") if name in item}
    return {**own, key: {name: value for name, value in item.items() if name not in own}}


def _of_table(text: str, path: Path) -> Iterator[dict[str, Json]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    rows = [row for row in reader if any(cell.strip() for cell in row)]
    header = [name.strip().removeprefix("\ufeff") for name in rows[0]] if rows else []
    if not header or len(set(header)) < len(header) or not all(header):
        raise BadInput(f"{path} has no usable header.", "Its first line names each column once: id,input,expected.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            message = f"{path}: row {number} has {len(row)} cells, and the header {len(header)}"
            raise BadInput(f"{message}.", "Put cells with commas or line ends in them in quotes.")
        yield _row({name: _cell(cell) for name, cell in zip(header, row, strict=True)})


def _row(cells: dict[str, Json]) -> dict[str, Json]:
    case: dict[str, Json] = {}
    for name, value in cells.items():
        head, dot, key = name.partition(".")
        if name == "id":
            case |= {} if value in (None, "") else {"id": str(value)}
        elif head in ("input", "expected") and dot:
            case.setdefault(head, {})[key] = value
        elif name in _OWN:
            case[name] = value
        elif "input" not in cells:
            case.setdefault("input", {})[name] = value
    return case


def _cell(text: str) -> Json:
    bare = text.strip()
    if bare[:1] in "-0123456789tfn{[":
        try:
            return json.loads(bare)
        except (ValueError, RecursionError):
            return text
    return text
