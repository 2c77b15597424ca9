"""The arrows of the house that import-linter cannot draw: it knows packages, and the app's entry point is a module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {
    "domain",
    "orchestrators",
    "activities",
    "entities",
    "services",
    "api",
    "devhost",
    "meta_agents",
    "kit",
    "tools",
}


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_the_entry_point_composes_the_rooms_and_nothing_else() -> None:
    assert imported(ROOT / "function_app.py") & ROOMS == {"api", "orchestrators", "activities", "entities"}


@pytest.mark.parametrize("room", sorted(ROOMS - {"tools"}))
def test_no_room_imports_the_entry_point_the_tools_or_the_tests(room: str) -> None:
    for path in sorted((ROOT / room).rglob("*.py")):
        assert not imported(path) & {"function_app", "tools", "tests"}, path
