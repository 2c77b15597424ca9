"""Maps that are long enough to run in slices: what is in their items, and what ends them early."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain import values
from domain.executions import Status
from domain.workflows import Workflow
from tests.orchestrators.bench import Bench
from tests.orchestrators.desk import Desk

ITEMS = list(range(60))
OTHER = Workflow.model_validate({"name": "other", "steps": [{"id": "a", "agent": "x", "input": "hi"}]})
CHAT = {"participants": ["x", "y"], "task": "t", "until": {"any": [{"turns": 1}]}}


def over(step: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"steps": [{"id": "m", "map": {"over": "input", "step": step, **more}}]}


@pytest.mark.parametrize(
    "step",
    [
        {"id": "l", "loop": {"most": 1, "until": "true", "steps": [{"id": "a", "agent": "x"}]}},
        {"id": "l", "workflow": "other", "input": {}},
        {"id": "l", "group_chat": CHAT},
    ],
    ids=["loop", "workflow", "chat"],
)
async def test_an_item_may_have_an_orchestrator_of_its_own(bench: Bench, step: dict[str, Any]) -> None:
    """The first item of a slice has the path that the slice itself is named after."""
    record = await bench.ended(await bench.begin(over(step), ITEMS, workflows={"other": OTHER}))
    assert record.status is Status.COMPLETED
    assert len(bench.model.asked) == len(ITEMS)


async def test_items_that_are_late_count_as_failed_and_no_more(desk: Desk) -> None:
    desk.bench.model.gate("m[3]#")
    join = {"within": "PT1H", "tolerate": 1}
    id = await desk.bench.begin(over({"id": "a", "agent": "x"}, concurrency=100, join=join), ITEMS)
    await desk.bench.model.until(lambda: len(desk.bench.model.asked) == len(ITEMS))
    await desk.passes(id, timedelta(hours=1))
    record = await desk.bench.ended(id)
    assert record.status is Status.COMPLETED
    assert [index for index, output in enumerate(record.output) if output is None] == [3]


async def test_an_output_that_a_fork_gives_reaches_every_item(bench: Bench) -> None:
    outputs = {"m[7]": values.inline("given"), "m[57]": values.inline("given")}
    record = await bench.ended(await bench.begin(over({"id": "a", "agent": "x"}), ITEMS, outputs=outputs))
    assert [index for index, output in enumerate(record.output) if output == "given"] == [7, 57]
    assert len(bench.model.asked) == len(ITEMS) - 2
