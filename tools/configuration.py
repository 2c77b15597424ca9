"""Writes the table of variables in docs/configuration.md: `python -m tools.configuration`.

The rows come from the fields of the settings, and from what is said of the variables that are not the app's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from services.settings import GROUPS
from services.settings.others import OTHERS
from services.settings.places import Differs

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
START, END = "<!-- made by python -m tools.configuration -->\n", "<!-- until here -->\n"
PLACES = {"local": "local host", "core_tools": "Core Tools", "azure": "Azure"}


def written(page: str) -> str:
    """The page with the table as it must be. Raises `ValueError` where the page has no place for one."""
    before, found, rest = page.partition(START)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"{PAGE.name} lacks the lines {START.strip()} and {END.strip()}")
    return "".join([before, START, "\n", *(f"{line}\n" for line in table()), "\n", END, after])


def table() -> Iterator[str]:
    yield "| Variable | What it does | Default | Where it differs |"
    yield "|---|---|---|---|"
    for group in GROUPS:
        yield _row(f"**{(group.__doc__ or '').strip().rstrip('.')}**", "", "", "")
        for field in group.model_fields.values():
            yield _row(f"`{field.alias}`", _meaning(field), _default(field.default), _places(Differs.of(field)))
    yield _row("**Read by the host, libraries and tools, not by the app**", "", "", "")
    for other in OTHERS:
        yield _row(f"`{other.name}`", other.description, "", _places(other.differs))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _meaning(field: FieldInfo) -> str:
    secret = " *Secret.*" if "SecretStr" in str(field.annotation) else ""
    return f"{field.description}{secret}"


def _default(value: Any) -> str:
    if value in (None, "", {}, ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


def _places(differs: Differs) -> str:
    return "; ".join(f"{PLACES[place]}: {value}" for place, value in differs)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), encoding="utf-8")
