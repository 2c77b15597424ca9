"""A tool call that waits for the end of a pause: its note, and a cancel that comes while the note is being left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from activities.tooling import perform_tool
from domain.calls import Action, ToolCall
from domain.errors import Code
from domain.events import Draft, EventType
from domain.executions import Execution
from domain.plans import Plan
from domain.policies import Retry
from domain.tools import Tool
from domain.values import Json
from domain.workflows import Workflow
from services.control import Asked, canceled_id
from services.documents.base import Document, Put
from services.eventlog import partition_of
from services.ledger import Entry
from services.tools import functions
from services.tools.functions import tool_function
from services.wiring import Services
from tests.activities.conftest import TENANT

TOOL = Tool(name="held", function="held")
WORKFLOW = {"name": "w", "steps": [{"id": "s", "tool": "held"}]}


@tool_function("held")
def held() -> Json:
    return "made"


@pytest.fixture
async def call(services: Services, execution: Execution) -> ToolCall:
    plan = Plan(
        workflow=Workflow.model_validate(WORKFLOW), workflow_version=1, agents={}, agent_versions={},
        tools={"held": TOOL}, tool_versions={"held": 1},
    )  # fmt: skip
    hash = await services.plans.save(TENANT, plan)
    return ToolCall(
        tenant=TENANT, execution=execution.id, key="s#0", step="s", plan=hash, tool="held", retry=Retry(), tries=0
    )


async def ask(services: Services, call: ToolCall, state: Asked) -> None:
    type = EventType.EXECUTION_PAUSED if state == "paused" else EventType.EXECUTION_RESUMED
    said = Draft(id=f"{type}:1", type=type, time=datetime.now(UTC))
    await services.controls.ask(TENANT, call.execution, state, said)


async def has_note(services: Services, call: ToolCall) -> bool:
    return (await services.controls.standing(call)).waited


async def test_it_leaves_a_note_while_it_is_held_and_takes_it_away_when_it_is_made(
    services: Services, call: ToolCall
) -> None:
    await ask(services, call, "paused")
    outcome, _ = await perform_tool(call, services)
    assert outcome.held
    assert await has_note(services, call)
    await ask(services, call, "running")
    outcome, _ = await perform_tool(call.model_copy(update={"tries": 1}), services)
    assert outcome.value is not None
    assert not await has_note(services, call)


async def test_a_cancel_that_came_before_the_note_is_not_waited_past(
    services: Services, call: ToolCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = services.controls.hold

    async def canceled_first(action: Action, control: Document, drafts: Sequence[Draft] = ()) -> bool:
        await services.documents.write(partition_of(TENANT, call.execution), [Put(canceled_id("s"), {})])
        return await leave(action, control, drafts)

    monkeypatch.setattr(services.controls, "hold", canceled_first)
    await ask(services, call, "paused")
    outcome, _ = await perform_tool(call, services)
    assert outcome.error is not None
    assert outcome.error.code == "canceled"
    assert not outcome.held


async def test_one_that_two_processes_are_given_is_made_by_one_of_them(
    services: Services, call: ToolCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform promises that an activity is run at least once, not at most once."""
    made: list[str] = []
    both, looked = asyncio.Event(), services.ledger.look_up
    number = 0

    async def at_the_same_time(*where: str) -> Entry:
        nonlocal number
        entry = await looked(*where)
        number += 1
        if number >= 2:
            both.set()
        await both.wait()
        return entry

    monkeypatch.setattr(services.ledger, "look_up", at_the_same_time)
    monkeypatch.setattr(functions, "_registered", {})

    @tool_function("held")
    async def held_again() -> str:
        made.append("made")
        await asyncio.sleep(0)
        return "made"

    outcomes = [
        outcome for outcome, _ in await asyncio.gather(perform_tool(call, services), perform_tool(call, services))
    ]
    assert made == ["made"]
    errors = [outcome.error.code for outcome in outcomes if outcome.error is not None]
    # The other one is told what came of it, or, when that is not there yet, that nobody knows.
    assert errors in ([], [Code.TOOL_UNCERTAIN])
    again, _ = await perform_tool(call, services)
    assert again.value == {"v": "made"}
    assert made == ["made"]
