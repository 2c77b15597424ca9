"""Graders as the command line says them: `--grade equals`, `--grade judge:critic`, `--grade @FILE`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from meta_agents.cli.documents import parse, read_text
from meta_agents.cli.exits import BadInput
from meta_agents.results import Json

_RULES = ("equals", "contains", "regex", "number")
_MADE: dict[str, Callable[[str], dict[str, Json]]] = {
    "regex": lambda pattern: {"rule": "regex", "pattern": pattern},
    "cel": lambda expression: {"cel": expression},
    "judge": lambda agent: {"judge": {"agent": agent}},
    "score": lambda agent: {"judge": {"agent": agent, "scale": "score"}},
}
_HOW = (
    "Say equals, contains, number, number:TOLERANCE, regex:PATTERN, cel:EXPRESSION, judge:AGENT, score:AGENT, "
    "schema:@FILE or @FILE with graders; NAME= before it names it."
)


def read_graders(said: Iterable[str]) -> list[dict[str, Json]]:
    """The graders, each with a name of its own. Raises `BadInput`."""
    graders = [grader for text in said for grader in _graders(text)]
    taken: set[str] = set()
    for grader in graders:
        name, number = grader["name"], 1
        while grader["name"] in taken:
            number += 1
            grader["name"] = f"{name}-{number}"
        taken.add(grader["name"])
    return graders


def _graders(text: str) -> Iterator[dict[str, Json]]:
    if text.startswith("@"):
        yield from _of_file(Path(text[1:]))
        return
    found = re.fullmatch(r"(?:([a-z0-9][a-z0-9-]{0,62})=)?([a-z]+)(?::(.*))?", text, re.DOTALL)
    if found is None:
        raise BadInput(f"--grade {text} is no grader.", _HOW)
    name, kind, about = found[1] or found[2], found[2], found[3]
    yield {"name": name, **_grader(kind, about, text)}


def _grader(kind: str, about: str | None, text: str) -> dict[str, Json]:
    if about is None and kind in _RULES:
        return {"rule": kind}
    if about is not None and kind in _MADE:
        return _MADE[kind](about)
    if about is not None and kind == "number":
        return {"rule": "number", "tolerance": _number(about, text)}
    if about is not None and kind == "schema" and about.startswith("@"):
        path = Path(about[1:])
        return {"schema": parse(read_text(path), path)[0].content}
    raise BadInput(f"--grade {text} is no grader.", _HOW)


def _number(about: str, text: str) -> float:
    try:
        return float(about)
    except ValueError as error:
        raise BadInput(f"--grade {text} has no number.", "Say how far off it may be: number:0.5.") from error


def _of_file(path: Path) -> Iterator[dict[str, Json]]:
    for document in parse(read_text(path), path):
        for grader in document.content if isinstance(document.content, list) else [document.content]:
            if not isinstance(grader, dict) or not isinstance(grader.get("name"), str):
                raise BadInput(f"{path} holds what is no grader.", "Write a list of graders, each with a `name`.")
            yield grader
