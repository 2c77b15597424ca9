"""A deployment with secrets and a network that writes down what reaches it; its model is in the wrong hands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.clock import Clock
from tests.orchestrators.bench import Bench
from tests.orchestrators.conftest import pytest_collection_modifyitems
from tests.orchestrators.desk import Desk
from tests.security.world import SECRETS, Wire, tool_client
from tests.support.scripted_model import ScriptedModel

__all__ = ["pytest_collection_modifyitems"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has around it, and no tool may find."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(f"SECRET_{name}", value)
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["MODEL"])


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def desk(tmp_path: Path, wire: Wire) -> AsyncIterator[Desk]:
    """With an operator, whose time stands still."""
    clock = Clock()
    model: Any = ScriptedModel(lambda request: "nothing")
    async with Bench(tmp_path, model, clock, tools=tool_client(wire)) as bench:
        yield Desk(bench, clock)


@pytest.fixture
def bench(desk: Desk) -> Bench:
    return desk.bench
