"""The definitions in examples/."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kit.library import Library, library_of
from meta_agents.cli.documents import read_documents

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = EXAMPLES / "steps"


@cache
def library() -> Library:
    return library_of(read_documents([EXAMPLES]))
