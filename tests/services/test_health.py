"""A store that fails, hangs or forgets is named; one that works is timed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ProblemError, platform_failed
from services.health import looked_at
from services.settings import Settings
from services.wiring import Services, build


class Broken:
    """Both kinds of store at once; what it does is `act`."""

    def __init__(self, act: Any) -> None:
        self.write = self.get = self.put = act


async def fails(*_: Any) -> Any:
    raise ProblemError(platform_failed("The disk is gone."))


async def hangs(*_: Any) -> Any:
    await asyncio.Event().wait()


async def forgets(*_: Any) -> Any:
    return None


@pytest.fixture
async def whole(tmp_path: Path) -> Any:
    services = build(Settings.from_environment({"META_AGENTS_STATE_DIR": str(tmp_path)}))
    yield services
    await services.close()


async def test_stores_that_work_are_timed(whole: Services) -> None:
    assert (await looked_at(whole)).keys() == {"documents", "artifacts"}


@pytest.mark.parametrize(
    ("act", "said"),
    [(fails, "The disk is gone."), (hangs, "There was no answer within 0.01 seconds."), (forgets, "was not there")],
)
@pytest.mark.parametrize("store", ["documents", "artifacts"])
async def test_a_store_that_does_not_work_is_named(whole: Services, store: str, act: Any, said: str) -> None:
    broken: Any = {store: Broken(act)}
    with pytest.raises(ProblemError) as raised:
        await looked_at(replace(whole, **broken), patience=5 if act is not hangs else 0.01)
    details = {detail.pointer: detail.message for detail in raised.value.problem.details}
    assert said in details[f"/checks/{store}"]
