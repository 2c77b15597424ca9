"""A webhook is told that a budget has paused its execution: while that is so, and until it is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.pausing import pause_at_cap
from activities.telling import body_of_pause
from api.sweeping import tell_of_pauses
from domain.calls import ModelCall
from domain.caps import CapReached, Reached
from domain.errors import Code, Fault, Problem
from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.policies import Amounts, Retry
from domain.prompt_shapes import TemplatePrompt
from domain.usage import Usage
from domain.webhooks import Webhook
from services.executions import new_execution_id
from services.settings import Settings
from services.wiring import Services, build
from tests.activities.conftest import TENANT
from tests.support.receiver import Receiver

REACHED = Reached(path="", what="2 of 2 model calls", cap=Amounts(model_calls=2), spent=Usage(), reserved=Usage())
NOW = datetime.now(UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def services(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Services]:
    built = build(Settings.from_environment({**receiver.environment, "META_AGENTS_STATE_DIR": str(tmp_path)}))
    yield built
    await built.close()


async def paused(services: Services, execution: Execution, webhook: Webhook | None) -> Execution:
    """One that a budget has paused."""
    record = execution.model_copy(update={"id": new_execution_id(), "webhook": webhook})
    started = Draft(id=EventType.EXECUTION_STARTED, type=EventType.EXECUTION_STARTED, time=record.created)
    await services.executions.create(record, started)
    prompt = TemplatePrompt(kind="template", template="", scope={})
    about = {"tenant": TENANT, "execution": record.id, "key": "s#0", "step": "s"}
    call = ModelCall.model_validate({**about, "plan": "p", "agent": "a", "prompt": prompt, "retry": Retry()})
    problem = Problem(code=Code.BUDGET_EXCEEDED, message="No.", action="Raise it.", fault=Fault.AUTHOR)
    await pause_at_cap(services, call, CapReached(problem, REACHED, pauses=True))
    found = await services.executions.get(TENANT, record.id)
    assert found is not None
    return found


async def sweep(services: Services, after: timedelta = timedelta()) -> None:
    await tell_of_pauses(services, None, datetime.now(UTC) + after)  # type: ignore[arg-type]


async def test_it_is_told_which_budget_and_once(services: Services, execution: Execution, receiver: Receiver) -> None:
    record = await paused(services, execution, Webhook(url=receiver.url, events=("paused",)))
    for _ in range(2):
        await sweep(services)
    [told] = receiver.received
    message = told.verified()
    assert message["type"] == "execution.paused"
    assert message["data"]["id"] == record.id
    assert message["data"]["paused_for"]["what"] == "2 of 2 model calls"
    assert told.id.startswith(f"{record.id}-paused-")


async def test_what_is_not_taken_is_told_again_later(
    services: Services, execution: Execution, receiver: Receiver
) -> None:
    await paused(services, execution, Webhook(url=receiver.url, events=("paused",)))
    receiver.answers.append(503)
    for after in (0, 1, 60, 120):
        await sweep(services, timedelta(seconds=after))
    assert len(receiver.received) == 2
    assert len({told.id for told in receiver.received}) == 1


@pytest.mark.parametrize("webhook", [None, "completed"])
async def test_only_who_asked_for_it_is_told(
    services: Services, execution: Execution, receiver: Receiver, webhook: str | None
) -> None:
    asked = Webhook.model_validate({"url": receiver.url, "events": [webhook]}) if webhook else None
    await paused(services, execution, asked)
    await sweep(services)
    assert receiver.received == []


async def test_what_has_gone_on_is_not_told_of(services: Services, execution: Execution, receiver: Receiver) -> None:
    record = await paused(services, execution, Webhook(url=receiver.url, events=("paused",)))
    await services.executions.stand(TENANT, record.id, Status.RUNNING, (Status.PAUSED,))
    await sweep(services)
    assert receiver.received == []
    assert await services.pause_hooks.due(datetime.now(UTC) + timedelta(days=9)) == []


def test_the_message_is_the_same_each_time(execution: Execution) -> None:
    record = execution.model_copy(update={"status": Status.PAUSED, "paused_for": REACHED})
    assert body_of_pause(record, NOW) == body_of_pause(record, NOW)
