"""Pausing at a cap, at the moment when somebody raises it, and after a crash half-way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from activities.pausing import pause_at_cap
from api.controlling import resume_execution
from api.durable import DurableClient
from api.raising import RaiseRequest, raise_and_go_on
from domain.calls import Cap, ModelCall
from domain.errors import ProblemError
from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.plans import Plan
from domain.policies import Amounts, Budget, Retry
from domain.prompt_shapes import TemplatePrompt
from domain.usage import Usage
from domain.workflows import Workflow
from services.budgets import Refused
from services.control import state_of
from services.eventlog import partition_of
from services.waits import waiting_id
from services.wiring import Services
from tests.activities.conftest import TENANT

BUDGET = Budget(model_calls=1, at_cap="pause")
CAPS = [Cap(path="", budget=BUDGET)]
ONE = Usage(model_calls=1)


@pytest.fixture
def call(execution: Execution) -> ModelCall:
    prompt = TemplatePrompt(kind="template", template="", scope={})
    about = {"tenant": TENANT, "execution": execution.id, "key": "s#0", "step": "s"}
    return ModelCall.model_validate({**about, "plan": "p", "agent": "a", "prompt": prompt, "retry": Retry()})


async def refused(services: Services, call: ModelCall) -> Refused:
    """What comes of a second call under a budget of one."""
    where = call.tenant, call.execution
    await services.documents.write(
        partition_of(*where), [await services.budgets.reserving(*where, "first#0", CAPS, ONE, "m")]
    )
    with pytest.raises(Refused) as caught:
        await services.budgets.reserving(*where, "s#0", CAPS, ONE, "m")
    return caught.value


async def standing(services: Services, id: str) -> tuple[Status, bool, str, int]:
    """Status, whether a budget has paused it, what was asked of it, and how often a budget was reached."""
    record = await services.executions.get(TENANT, id)
    assert record is not None
    control = state_of(await services.controls.asked(TENANT, id))
    log = await services.events.read(TENANT, id, 0)
    reached = sum(event.type is EventType.BUDGET_REACHED for event in log)
    return record.status, record.paused_for is not None, control, reached


async def test_it_is_said_once_whenever_it_is_done_again(services: Services, call: ModelCall) -> None:
    error = await refused(services, call)
    for _ in range(2):
        await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.PAUSED, True, "paused", 1)


async def test_cut_off_after_the_record_it_is_completed(services: Services, call: ModelCall) -> None:
    error = await refused(services, call)
    await services.executions.stand(TENANT, call.execution, Status.PAUSED, (Status.RUNNING,), error.reached)
    await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.PAUSED, True, "paused", 1)


async def test_raised_in_between_it_does_not_pause(services: Services, call: ModelCall, execution: Execution) -> None:
    error = await refused(services, call)
    workflow = Workflow.model_validate(
        {"name": "w", "limits": BUDGET.model_dump(mode="json"), "steps": [{"id": "s", "agent": "a"}]}
    )
    plan = await services.plans.save(TENANT, Plan(workflow=workflow, workflow_version=1, agents={}, agent_versions={}))
    asked = RaiseRequest(model_calls=2)
    raised = execution.model_copy(update={"plan": plan})
    assert (await raise_and_go_on(services, None, raised, asked, "ada")).status is Status.RUNNING  # type: ignore[arg-type]
    await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.RUNNING, False, "running", 0)


async def test_resumed_in_between_it_looks_again(
    services: Services, call: ModelCall, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await refused(services, call)
    stand = services.executions.stand

    async def resumed_at_once(*arguments: Any) -> Execution:
        record = await stand(*arguments)
        monkeypatch.setattr(services.executions, "stand", stand)
        await resume_execution(services, cast(DurableClient, None), record, "ada")
        return record

    monkeypatch.setattr(services.executions, "stand", resumed_at_once)
    assert not await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.RUNNING, False, "running", 0)
    await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.PAUSED, True, "paused", 1)


async def test_of_two_that_are_refused_at_once_one_pauses_for_both(services: Services, call: ModelCall) -> None:
    error = await refused(services, call)
    other = call.model_copy(update={"key": "t#0", "step": "t"})
    await asyncio.gather(pause_at_cap(services, call, error), pause_at_cap(services, other, error))
    assert await standing(services, call.execution) == (Status.PAUSED, True, "paused", 1)


async def test_one_that_looks_again_leaves_the_others_pause(
    services: Services, call: ModelCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third call has changed the spending since the first was refused; the second was refused after that."""
    first = await refused(services, call)
    settled = await services.budgets.settling(TENANT, call.execution, "first#0", ONE)
    await services.documents.write(partition_of(TENANT, call.execution), [settled])
    with pytest.raises(Refused) as second:
        await services.budgets.reserving(TENANT, call.execution, "t#0", CAPS, ONE, "m")
    unpause = services.executions.unpause

    async def paused_just_then(*arguments: Any) -> None:
        other = call.model_copy(update={"key": "t#0", "step": "t"})
        await pause_at_cap(services, other, second.value)
        await unpause(*arguments)

    monkeypatch.setattr(services.executions, "unpause", paused_just_then)
    assert not await pause_at_cap(services, call, first)
    assert await standing(services, call.execution) == (Status.PAUSED, True, "paused", 1)


async def test_what_has_ended_is_not_paused(services: Services, call: ModelCall) -> None:
    error = await refused(services, call)
    await services.executions.end(
        TENANT, call.execution, status=Status.CANCELED, stop_reason=None, ended=datetime.now(UTC)
    )
    with pytest.raises(ProblemError, match="canceled"):
        await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.CANCELED, False, "running", 0)


async def test_while_it_is_being_canceled_the_call_waits_for_that(services: Services, call: ModelCall) -> None:
    error = await refused(services, call)
    await services.executions.stand(TENANT, call.execution, Status.CANCELING, (Status.RUNNING,))
    assert await pause_at_cap(services, call, error)
    assert await standing(services, call.execution) == (Status.CANCELING, False, "running", 0)
    assert await services.documents.get(partition_of(TENANT, call.execution), waiting_id(call.key)) is not None


async def test_a_raise_says_who_and_only_once(services: Services, execution: Execution) -> None:
    cap, to = CAPS[0], Amounts(model_calls=5)
    for number in range(2):
        said = Draft(id=f"raise:{number}", type=EventType.BUDGET_RAISED, time=datetime.now(UTC), data={"by": "ada"})
        await services.budgets.raise_to(TENANT, execution.id, cap, to, said)
    log = await services.events.read(TENANT, execution.id, 0)
    assert [event.data for event in log if event.type is EventType.BUDGET_RAISED] == [{"by": "ada"}]
