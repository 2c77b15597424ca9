"""Shared by the tests of the patterns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kit.clock import Clock
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
