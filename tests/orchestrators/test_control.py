"""Retries, cancellation, and taking over the finished work of an earlier execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import Code
from domain.events import Draft, EventType
from domain.executions import Status, StopReason
from domain.usage import Usage
from tests.orchestrators.bench import TENANT, Bench
from tests.support.scripted_model import ScriptedModel, unreachable

TWO = {"steps": [{"id": "one", "agent": "a"}, {"id": "two", "agent": "a", "input": "then ${steps.one.output}"}]}


class Clock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_waits_between_tries_are_durable_timers_that_obey_retry_after(tmp_path: Path) -> None:
    clock = Clock()
    model = ScriptedModel(lambda request: unreachable(retry_after=90) if len(model.asked) < 3 else "at last")
    async with Bench(tmp_path, model, clock) as bench:
        id = await bench.begin({"steps": [{"id": "a", "agent": "x", "retry": {"first_delay": "PT2S"}}]})
        for tries in (1, 2):
            await bench.timers(id, tries)
            clock.now += timedelta(seconds=90)
        record = await bench.ended(id)
        due = await bench.timers(id, 2)
    assert [moment[11:19] for moment in due] == ["00:01:30", "00:03:00"]  # the model asked for 90 seconds each time
    assert record.output == "at last"
    assert model.keys["a#0"] == 3


async def test_a_call_that_keeps_failing_ends_typed_after_its_tries(bench: Bench) -> None:
    bench.model._script = lambda request: unreachable()
    record = await bench.run({"steps": [{"id": "a", "agent": "x", "retry": {"attempts": 3, "first_delay": "PT0.01S"}}]})
    assert record.status is Status.FAILED
    assert record.stop_reason is StopReason.FAILED
    assert record.error is not None
    assert record.error.code is Code.MODEL_UNREACHABLE
    failed = [event for event in await bench.log(record.id) if event.type == "call.failed"]
    assert [event.data["attempt"] for event in failed] == [1, 2, 3]
    assert ["retry_in" in event.data for event in failed] == [True, True, False]


async def test_a_retry_takes_over_what_was_finished_and_pays_only_for_the_rest(bench: Bench) -> None:
    bench.model._script = lambda request: unreachable() if "then" in request.messages[-1]["content"] else "first"
    definition = {"steps": [TWO["steps"][0], {**TWO["steps"][1], "retry": {"attempts": 1}}]}
    failed = await bench.run(definition, "hi")
    assert failed.status is Status.FAILED
    bench.model._script = lambda request: "second"
    record = await bench.ended(await bench.begin(definition, "hi", retry_of=failed.id))
    assert record.output == "second"
    assert bench.model.keys["one#0"] == 1
    assert record.usage.model_calls == 1
    reused = next(event for event in await bench.log(record.id) if event.type == "call.completed")
    assert reused.data["reused_from"] == failed.id
    assert reused.value == "first"


async def test_a_retry_asks_again_where_the_request_has_changed(bench: Bench) -> None:
    first = await bench.run(TWO, "hi")
    assert first.status is Status.COMPLETED
    record = await bench.ended(await bench.begin(TWO, "something else", retry_of=first.id))
    assert bench.model.keys["one#0"] == 2
    assert record.usage.model_calls == 2


async def test_a_canceled_execution_makes_no_further_call_and_stays_canceled(bench: Bench) -> None:
    gate = bench.model.gate("one#")
    id = await bench.begin(TWO, "hi")
    await bench.model.until(lambda: bench.model.keys["one#0"] == 1)
    now = datetime.now(UTC)
    mark = Draft(id=EventType.EXECUTION_CANCELED, type=EventType.EXECUTION_CANCELED, time=now)
    await bench.services.events.append(TENANT, id, [mark])
    await bench.services.executions.end(
        TENANT, id, status=Status.CANCELED, stop_reason=StopReason.CANCELED, usage=Usage(), turns=0, ended=now
    )
    gate.set()
    record = await bench.ended(id)
    assert record.status is Status.CANCELED
    assert bench.model.keys["two#0"] == 0
    ends = [event.type for event in await bench.log(id) if event.type.startswith("execution.")]
    assert ends == ["execution.started", "execution.canceled"]


async def test_a_fault_of_the_interpreter_itself_still_ends_the_execution(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("kit.app.run_step", broken)
    record = await bench.run(TWO, "hi")
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.code is Code.PLATFORM_FAILED
    assert "ZeroDivisionError('oh')" in record.error.message


async def test_what_an_activity_raised_is_told_without_its_traceback(bench: Bench) -> None:
    def broken(request: object) -> str:
        raise ZeroDivisionError("oh")

    bench.model._script = broken
    record = await bench.run({"steps": [{"id": "a", "agent": "x", "retry": {"attempts": 1}}]})
    assert record.error is not None
    assert record.error.code is Code.PLATFORM_FAILED
    assert record.error.message.endswith("ZeroDivisionError: oh")
