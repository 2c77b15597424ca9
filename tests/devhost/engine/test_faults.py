"""Turns that go wrong outside the protocol fail their instance, and only that."""

from __future__ import annotations

import json
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.scheduling import schedule
from devhost.engine.sdk_app import SdkApp
from devhost.ports import FunctionFailed
from tests.devhost.engine.conftest import Bench, event_types


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def work(value: Any) -> Any:
        return value

    @app.activity
    def other(value: Any) -> Any:
        return value

    @app.orchestrator
    def steps(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work", 1)
        yield context.wait_for_external_event("go")
        return (yield context.call_activity("work", 2))


async def deploy_and_go_on(bench: Bench, code: Any) -> str:
    """Change the orchestrator's code under an instance that waits, and let it go on."""
    instance_id = await bench.begin("steps")
    await bench.until(instance_id, lambda status: event_types(status).count(13) == 2)
    bench.app.replace("steps", code)
    await bench.restart()
    await bench.engine.raise_event(instance_id, "go", None)
    status = await bench.end_of(instance_id)
    assert status.runtime_status == "Failed", status
    return str(json.loads(status.output or ""))


async def test_another_activity_in_the_past_is_found_out(bench: Bench) -> None:
    def steps(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("other", 1)
        yield context.wait_for_external_event("go")

    message = await deploy_and_go_on(bench, steps)
    assert "Non-deterministic orchestrator 'steps'" in message
    assert "its action 1 is CALL_ACTIVITY other, but it was CALL_ACTIVITY work" in message


async def test_a_step_removed_from_the_past_is_found_out(bench: Bench) -> None:
    def steps(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_activity("work", 1))

    assert "its action 2 is nothing, but it was WAIT_FOR_EXTERNAL_EVENT go" in await deploy_and_go_on(bench, steps)


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
async def test_a_step_put_into_the_past_is_found_out(bench: Bench) -> None:
    def steps(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work", 1)
        yield context.call_activity("work", 1.5)
        yield context.wait_for_external_event("go")

    assert "its action 2 is CALL_ACTIVITY work, but it was WAIT" in await deploy_and_go_on(bench, steps)


async def test_the_future_may_change(bench: Bench) -> None:
    def steps(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work", 1)
        yield context.wait_for_external_event("go")
        return (yield context.call_activity("other", 3))

    instance_id = await bench.begin("steps")
    await bench.until(instance_id, lambda status: event_types(status).count(13) == 2)
    bench.app.replace("steps", steps)
    await bench.restart()
    await bench.restart()
    await bench.engine.raise_event(instance_id, "go", None)
    assert (await bench.end_of(instance_id)).output == "3"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("not json", "the SDK's reply is not understood"),
        ("[]", "the SDK's reply is not understood"),
        ('{"isDone": false, "actions": [[{"actionType": 99}]]}', "99"),
        ('{"isDone": false, "actions": [[{"actionType": 0}]]}', "functionName"),
        (FunctionFailed("no label at all"), "no label at all"),
        (FunctionFailed("x\n\n$OutOfProcData$:{"), "the SDK's reply is not understood"),
        (ZeroDivisionError("host fault"), "ZeroDivisionError: host fault"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
async def test_nonsense_from_a_turn_fails_the_instance(bench: Bench, reply: Any, message: str) -> None:
    def run_orchestrator(name: str, context_json: str) -> str:
        if isinstance(reply, BaseException):
            raise reply
        return str(reply)

    bench.app.run_orchestrator = run_orchestrator  # type: ignore[method-assign]
    assert message in await bench.failure("steps")


async def test_a_fault_of_the_engine_itself_costs_one_instance(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(draft: Any, actions: Any) -> None:
        schedule(draft, actions)
        if draft.instance.id == "unlucky":
            raise KeyError("a bug")

    monkeypatch.setattr("devhost.engine.turn.schedule", faulty)
    await bench.begin("steps", None, "unlucky")
    await bench.begin("steps", None, "lucky")
    status = await bench.end_of("unlucky")
    assert "the durable engine failed: KeyError: 'a bug'" in (status.output or "")
    assert event_types(status) == [1, 13]
    await bench.engine.raise_event("lucky", "go", None)
    assert (await bench.end_of("lucky")).output == "2"


async def test_an_orchestrator_that_is_gone_fails_its_instances(bench: Bench) -> None:
    instance_id = await bench.begin("steps")
    await bench.until(instance_id, lambda status: event_types(status).count(13) == 2)
    del bench.app._functions["orchestrator"]["steps"]
    await bench.restart()
    await bench.engine.raise_event(instance_id, "go", None)
    assert "The function 'steps' doesn't exist" in ((await bench.end_of(instance_id)).output or "")


async def test_an_error_text_that_holds_the_label_is_told_apart(bench: Bench) -> None:
    def steps(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work", 1)
        raise RuntimeError('tricky\n\n$OutOfProcData$:{"isDone": true}')

    bench.app.replace("steps", steps)
    assert await bench.failure("steps") == (
        "Orchestrator function 'steps' failed: tricky\n\n$OutOfProcData$:{\"isDone\": true}"
    )


async def test_signals_sent_before_raising_still_count(bench: Bench) -> None:
    @bench.app.entity
    def marks(context: df.DurableEntityContext) -> None:
        context.set_state(context.get_input())
        context.set_result(None)

    def steps(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work", 1)
        context.signal_entity(df.EntityId("marks", "m"), "set", "marked")
        raise RuntimeError("afterwards")

    bench.app.replace("steps", steps)
    await bench.failure("steps")
    for _ in range(1000):
        if await bench.engine.read_entity("marks", "m") == '"marked"':
            return
    pytest.fail("the signal never came")


@pytest.mark.parametrize(("limit", "value"), [("_LARGE_ACTIONS", 5), ("_LARGE_CHARACTERS", 1500)])
async def test_a_very_large_generation_is_warned_about_once(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    def steps(context: df.DurableOrchestrationContext) -> Any:
        for number in range(12):
            yield context.call_activity("work", number)

    monkeypatch.setattr(f"devhost.engine.turn.{limit}", value)
    bench.app.replace("steps", steps)
    await bench.end_of(await bench.begin("steps"))
    assert caplog.text.count("use continue_as_new or sub-orchestrations") == 1
