"""Where a read costs as much as a write, a call is begun without being looked up if nothing can have happened since the
last; whatever has happened, keeps it from that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from activities.calling import perform_call
from domain.calls import Cap
from domain.errors import Code
from domain.events import Draft, EventType
from domain.executions import Execution
from domain.policies import Budget
from services.documents.base import Append, Put, Written
from services.eventlog import AT_ONCE, WATCHED_EARLIER, partition_of
from services.models.client import ModelAnswer
from services.wiring import Services
from tests.activities.conftest import TENANT
from tests.activities.far import STARTED, Far, cancel, cancel_step, draft, far_away, pause


@pytest.fixture
async def far(services: Services, execution: Execution) -> Far:
    return await far_away(services, execution)


async def test_one_after_the_other_each_is_begun_and_answered(far: Far) -> None:
    head = STARTED
    for number in range(3):
        outcome = await far.made(far.call(number, head))
        assert far.reached() == ["write", "write"]
        assert (outcome.quiet, outcome.head) == (True, head + 2)
        head = outcome.head
    types = [event.type for event in await far.services.events.read(TENANT, far.execution, 0)]
    assert types == [EventType.EXECUTION_STARTED, *[EventType.CALL_STARTED, EventType.CALL_COMPLETED] * 3]


async def test_one_that_was_looked_up_is_as_good_to_go_on_from(far: Far) -> None:
    outcome = await far.made(far.call(quiet=False))
    assert far.reached() == ["get_many", "write", "write"]
    assert (outcome.quiet, outcome.head) == (True, STARTED + 2)


async def test_given_again_it_is_not_made_again(far: Far) -> None:
    first = await far.made(far.call())
    again = await far.made(far.call())
    assert (again.value, again.error) == (first.value, None)
    assert not again.quiet
    assert len(far.model.asked) == 1


async def test_cut_off_before_its_answer_it_is_a_second_attempt(far: Far) -> None:
    await far.services.ledger.begin(TENANT, far.execution, "s0#0", 1, [draft("s0#0:call.started:1")])
    outcome = await far.made(far.call())
    assert outcome.error is None
    log = await far.services.events.read(TENANT, far.execution, 0)
    assert [event.id for event in log[2:]] == ["s0#0:call.started:2", "s0#0:call.completed"]


async def test_finished_before_it_is_not_made_again_where_nothing_has_happened_since(far: Far) -> None:
    """As in a step that is tried again: the log has not moved, and has its answer."""
    first = await far.made(far.call(0))
    second = await far.made(far.call(1, first.head))
    again = await far.made(far.call(0, second.head))
    assert (again.value, again.quiet) == (first.value, False)
    assert len(far.model.asked) == 2


async def test_cut_off_before_it_is_a_second_attempt_where_nothing_has_happened_since(far: Far) -> None:
    begun = await far.services.ledger.begin(TENANT, far.execution, "s0#0", 1, [draft("s0#0:call.started:1")])
    await far.made(far.call(head=begun[-1].offset))
    log = await far.services.events.read(TENANT, far.execution, 0)
    assert [event.id for event in log[2:]] == ["s0#0:call.started:2", "s0#0:call.completed"]


async def test_an_answer_that_was_kept_for_others_is_one_too(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept under an alias that keeps none any more when the call is come by again."""

    async def found(*_: object) -> ModelAnswer:
        return ModelAnswer(text="kept", model="scripted", tokens_in=1, tokens_out=1, finish_reason="stop")

    with monkeypatch.context() as kept:
        kept.setattr(far.services.answers, "find", found)
        outcome = await far.made(far.call(quiet=False))
    again = await far.made(far.call(head=outcome.head))
    assert (again.value, far.model.asked) == (outcome.value, [])


def _many(far: Far, number: int) -> tuple[Draft, ...]:
    return tuple(draft(f"skipped:{place}", EventType.STEP_SKIPPED) for place in range(number))


async def test_many_events_before_it_are_no_gap(far: Far) -> None:
    outcome = await far.made(far.call(events=_many(far, 2 * AT_ONCE + 1)))
    assert (outcome.quiet, outcome.head) == (True, STARTED + 2 * AT_ONCE + 3)


@pytest.mark.parametrize("quiet", [True, False])
async def test_what_comes_between_many_events_is_seen(far: Far, quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are logged by several writes, and anything may be asked between two."""
    write, writes = far.documents.write, list[str]()

    async def written(partition: str, operations: Any, **patience: bool) -> Written:
        done = await write(partition, operations, **patience)
        writes.extend(name for name in [partition] if any(isinstance(one, Append) for one in operations))
        if len(writes) == 1:
            await pause(far)
        return done

    monkeypatch.setattr(far.documents, "write", written)
    outcome = await far.made(far.call(events=_many(far, AT_ONCE + 1), quiet=quiet))
    assert not outcome.quiet
    assert outcome.held or not quiet
    following = await far.made(far.call(1, outcome.head, quiet=outcome.quiet))
    assert following.held


async def test_given_to_two_at_once_there_is_one_answer(far: Far) -> None:
    first, second = await asyncio.gather(far.made(far.call()), far.made(far.call()))
    assert first.value == second.value


Ask = Callable[[Far], Awaitable[object]]


@pytest.mark.parametrize("ask", [pause, cancel, cancel_step])
async def test_what_was_asked_in_the_meantime_keeps_it_from_being_made(far: Far, ask: Ask) -> None:
    await ask(far)
    outcome = await far.made(far.call())
    assert outcome.held or (outcome.error is not None and outcome.error.code is Code.CANCELED)
    assert (outcome.quiet, far.model.asked) == (False, [])


async def test_a_step_that_is_canceled_anew_is_so_with_an_event(far: Far) -> None:
    """It was tried again after the first time: that the mark is back is seen like everything else."""
    await cancel_step(far)
    unmark = await far.services.controls.unmarking(TENANT, far.execution, "s0")
    retried = await far.services.events.append(TENANT, far.execution, [draft("retried")], *unmark)
    await cancel_step(far, tries=1)
    outcome = await far.made(far.call(head=retried[-1].offset))
    assert outcome.error is not None
    assert far.model.asked == []


async def test_what_was_asked_while_it_was_made_is_seen_by_the_next(far: Far) -> None:
    gate = far.model.gate("s0")
    making = asyncio.create_task(far.made(far.call()))
    await far.model.until(lambda: bool(far.model.asked))
    await pause(far)
    gate.set()
    outcome = await making
    assert (outcome.error, outcome.quiet) == (None, False)
    following = await far.made(far.call(1, outcome.head, quiet=outcome.quiet))
    assert following.held
    assert len(far.model.asked) == 1


async def test_a_budget_is_reserved_with_the_beginning(far: Far) -> None:
    cap = Cap(path="", budget=Budget(model_calls=2))
    head = STARTED
    for number in range(2):
        outcome = await far.made(far.call(number, head, caps=(cap,)))
        assert (outcome.error, outcome.quiet) == (None, True)
        head = outcome.head
    refused = await far.made(far.call(2, head, caps=(cap,)))
    assert refused.error is not None
    assert refused.error.code is Code.BUDGET_EXCEEDED
    assert len(far.model.asked) == 2


async def test_who_watches_is_told_by_the_write_itself(far: Far) -> None:
    await far.services.events.mark_watched(TENANT, far.execution)
    far.reached()
    _, events = await perform_call(far.call(), far.services)
    assert far.reached() == ["write", "write"]
    assert getattr(events, "watched", None) is True
    assert (TENANT, far.execution) in far.services.realtime._watched


async def test_its_span_says_what_was_asked_all_the_same(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    monkeypatch.setattr("activities.calling.note_request", lambda _, request: noted.append(request.alias))
    await far.made(far.call())
    assert len(noted) == len(far.model.asked) == 1


async def test_who_has_watched_under_an_earlier_release_is_found_and_told_by_writes_from_then_on(far: Far) -> None:
    mark = Put(WATCHED_EARLIER, {})
    await far.services.documents.write(partition_of(TENANT, far.execution), [mark])
    outcome, events = await perform_call(far.call(quiet=False), far.services)
    assert getattr(events, "watched", None) is True
    _, events = await perform_call(far.call(1, outcome.head), far.services)
    assert getattr(events, "watched", None) is True
    far.reached()
    await far.made(far.call(2, quiet=False))
    assert far.reached() == ["get_many", "write", "write"]
