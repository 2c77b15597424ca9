"""The page: its prose with every directive replaced by what it asks for.

`{{fields Retry}}` is a table of a shape's keys (of several shapes: of all their keys; `as word` says what links to it
are called), `{{example steps/loop}}` a file of examples/, `{{number orchestrators.mapping.MOST_ITEMS}}` a number of the
code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from tools.reference.shapes import SHAPES, fields, needless
from tools.reference.words import Link

ROOT = Path(__file__).parents[2]
PROSE = Path(__file__).with_name("workflow-language.md")
PAGE = ROOT / "docs" / "workflow-language.md"

_DIRECTIVE = re.compile(r"\{\{(\w+)\s([^}]+)\}\}")
_HEADING = re.compile(r"^#+ (.*)$")
_FIELDS = re.compile(r"\{\{fields ([^}]+?)(?: as ([^}]+))?\}\}")


class PageError(Exception):
    """The prose asks for something that is not there, or leaves something out."""


def written() -> str:
    """Raises `PageError`."""
    prose = PROSE.read_text("utf-8")
    links = links_in(prose)
    if missing := sorted(SHAPES.keys() - links.keys() - needless()):
        raise PageError(f"{PROSE.name} has no `{{{{fields …}}}}` for {', '.join(missing)}")

    def table(names: str) -> str:
        shapes, _, _ = names.partition(" as ")
        return fields(shapes.split(), links)

    makers: dict[str, Callable[[str], str]] = {"fields": table, "example": _example, "number": _number}
    return _DIRECTIVE.sub(lambda found: makers[found[1]](found[2].strip()), prose)


def links_in(prose: str) -> dict[str, Link]:
    """Where each shape has its table, and what it is called in links: by the shape's name."""
    links: dict[str, Link] = {}
    anchor = ""
    for line in _outside_code(prose.splitlines()):
        if heading := _HEADING.match(line):
            anchor = slug(heading[1])
        for found in _FIELDS.finditer(line):
            for name in found[1].split():
                links[name] = Link(found[2] or name.lower(), f"#{anchor}")
    return links


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _outside_code(lines: Iterable[str]) -> Iterable[str]:
    inside = False
    for line in lines:
        inside ^= line.startswith("```")
        if not inside:
            yield line


def _example(name: str) -> str:
    """The file as it is, but for the line that is for editors."""
    text = (ROOT / "examples" / f"{name}.yaml").read_text("utf-8")
    shown = "".join(line for line in text.splitlines(keepends=True) if "yaml-language-server" not in line)
    return f"```yaml\n{shown}```"


def _number(path: str) -> str:
    module, _, name = path.rpartition(".")
    value: int = getattr(import_module(module), name)
    return f"{value:,}"
