"""Shared by the tests of the patterns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from kit.clock import Clock
from services.tools import functions
from services.tools.functions import tool_function
from tests.orchestrators.bench import Bench
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import Script, ScriptedModel

MakeBench = Callable[[Script], "Bench"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The SDK tells app authors that untyped payloads will go; ours are plain JSON on purpose."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench whose model answers `<speaker>: <number of calls so far>` until the test gives it another script."""
    model = ScriptedModel(lambda request: f"answer {len(model.asked)}")
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Bench(tmp_path, model))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    model = ScriptedModel(lambda request: f"answer {len(model.asked)}")
    async with Bench(tmp_path, model, clock) as bench:
        yield Desk(bench, clock)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Functions of this test alone; what they were called with."""
    calls: dict[str, Any] = {"add": [], "flaky": []}
    monkeypatch.setattr(functions, "_registered", {})

    @tool_function("add")
    def add(a: int, b: int, idempotency_key: str) -> dict[str, int]:
        calls["add"].append(idempotency_key)
        return {"sum": a + b}

    @tool_function("flaky")
    async def flaky() -> str:
        calls["flaky"].append(1)
        if len(calls["flaky"]) < 3:
            raise OSError("not yet")
        return "done"

    return calls
