"""docs/telemetry.md names every metric and attribute that is sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.telemetry import instruments, names

TEXT = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text("utf-8")
METRICS = re.findall(r'"((?:meta_agents|gen_ai)\.[a-z_.]+)"', Path(instruments.__file__).read_text("utf-8"))
ATTRIBUTES = [
    value
    for value in vars(names).values()
    if isinstance(value, str) and re.fullmatch(r"(meta_agents|gen_ai|error)\.[a-z_.]+", value)
]


@pytest.mark.parametrize("name", sorted({*METRICS, *ATTRIBUTES}))
def test_it_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT
