"""Closing an execution: once, with what its log says it cost, whatever else ends it at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from activities.finishing import perform_ending, sum_up
from domain import values
from domain.calls import Ending
from domain.errors import Code, platform_failed
from domain.events import Draft, EventType
from domain.executions import Execution, Status, StopReason
from domain.usage import Usage
from services.wiring import Services
from tests.activities.conftest import TENANT


def ending(execution: Execution, **fields: Any) -> Ending:
    fields = {"value": values.inline("done"), "stop_reason": StopReason.FINISHED, **fields}
    return Ending(tenant=TENANT, execution=execution.id, **fields)


def answered(number: int, **data: Any) -> Draft:
    usage = Usage(model_calls=1, tokens_in=10, tokens_out=2).model_dump(mode="json")
    type = EventType.CALL_COMPLETED
    return Draft(id=f"c{number}", type=type, time=datetime.now(UTC), data={"usage": usage, **data}, value="x")


async def types(services: Services, execution: Execution) -> list[str]:
    return [event.type.value for event in await services.events.read(TENANT, execution.id, 0)]


async def test_done_twice_the_first_end_stands_and_is_logged_once(services: Services, execution: Execution) -> None:
    first, _ = await perform_ending(ending(execution), services)
    again, events = await perform_ending(ending(execution, error=platform_failed("late")), services)
    assert (first, again) == (Status.COMPLETED, Status.COMPLETED)
    assert await types(services, execution) == ["execution.started", "execution.completed"]
    assert events[-1].value == "done"


async def test_a_cancel_cut_off_before_its_event_is_completed(services: Services, execution: Execution) -> None:
    now = datetime.now(UTC)
    await services.executions.end(
        TENANT, execution.id, status=Status.CANCELED, stop_reason=StopReason.CANCELED, usage=Usage(), turns=0, ended=now
    )
    status, _ = await perform_ending(ending(execution), services)
    assert status is Status.CANCELED
    assert await types(services, execution) == ["execution.started", "execution.canceled"]


async def test_cost_and_turns_are_summed_over_pages_of_the_log(services: Services, execution: Execution) -> None:
    drafts = [answered(n) for n in range(700)] + [answered(700 + n, role="chair") for n in range(10)]
    await services.events.append(TENANT, execution.id, drafts)
    sums = await sum_up(services.events, TENANT, execution.id)
    usage, turns = sums.usage, sums.turns
    assert (usage.model_calls, usage.tokens_in, usage.tokens_out, turns) == (710, 7_100, 1_420, 700)


async def test_an_output_that_cannot_be_rendered_fails_it(services: Services, execution: Execution) -> None:
    scope = {"input": values.reference(EventType.EXECUTION_STARTED)}
    status, events = await perform_ending(ending(execution, template="${input.nope}", scope=scope), services)
    assert status is Status.FAILED
    assert events[-1].data["error"]["code"] == Code.EXPRESSION_FAILED
    record = await services.executions.get(TENANT, execution.id)
    assert record is not None
    assert (record.status, record.stop_reason, record.output) == (Status.FAILED, StopReason.FAILED, None)


async def test_an_output_is_rendered_over_what_the_log_holds(services: Services, execution: Execution) -> None:
    scope = {"input": values.reference(EventType.EXECUTION_STARTED, ["text"])}
    await perform_ending(ending(execution, template="said ${input}", scope=scope), services)
    record = await services.executions.get(TENANT, execution.id)
    assert record is not None
    assert record.output == "said hi"
