"""Fallbacks, cascades, kept answers, broken streams in the running app: what is paid, what is told, what is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meta_agents.results import Delta, Event, Execution
from meta_agents.testing import LogEntry, ModelStub
from tests.crash.system import System, wait_until

RETRY = {"attempts": 4, "first_delay": "PT0.1S"}


@pytest.fixture(scope="module")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelStub]:
    with ModelStub(tmp_path_factory.mktemp("spare") / "model.jsonl") as stub:
        yield stub


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, spare: ModelStub) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("routes")
    file = folder / "models.yaml"
    with System(folder, latency=0, environment={"MODELS_FILE": str(file)}) as system:
        yield _made(system, spare, file)


def _made(system: System, spare: ModelStub, file: Path) -> System:
    """The file is written when the stub's address is known, and the host started anew over it."""
    first = {"provider": "compatible", "base_url": system.stub.base_url}
    models = {
        "small": {**first, "model": "small"},
        "large": {**first, "model": "large"},
        "safe": {**first, "model": "safe", "fallback": ["spare"]},
        "spare": {"provider": "compatible", "base_url": spare.base_url, "model": "spare"},
        "thrifty": {"cascade": {"first": "small", "accept": "text.contains('sure')", "then": "large"}},
        "kept": {**first, "model": "kept", "cache": "PT1H"},
    }
    file.write_text(json.dumps({"models": models}))
    system.host.kill()
    system.host.start()
    system.agents("writer")
    for alias in models:
        system.agents(alias, model=alias)
    return system


@pytest.fixture(autouse=True)
def _models_as_at_the_start(system: System, spare: ModelStub) -> None:
    system.stub.control()
    spare.control()


def one_call(agent: str, text: str, **more: Any) -> dict[str, Any]:
    return {"name": "one", "steps": [{"id": "only", "agent": agent, "input": text, "retry": RETRY}], **more}


def run(system: System, workflow: dict[str, Any]) -> tuple[Execution, list[Event]]:
    id = system.client.executions.start(workflow).id
    return system.ended(id), list(system.client.executions.events(id).events)


def asked_since(stub: ModelStub, before: int) -> list[LogEntry]:
    return stub.log("start")[before:]


def of_type(log: list[Event], type: str) -> list[Event]:
    return [event for event in log if event.type == type]


class TestFallback:
    def test_it_answers_in_the_same_attempt_and_the_log_tells_why(self, system: System, spare: ModelStub) -> None:
        system.stub.control("down")
        execution, log = run(system, one_call("safe", "Answer the fallback."))
        assert (execution.status, execution.usage.model_calls) == ("completed", 1)
        (answered,) = of_type(log, "call.completed")
        assert (answered.data["attempt"], answered.data["alias"], answered.data["model"]) == (1, "spare", "spare")
        (passed,) = answered.data["passed_over"]
        assert (passed["alias"], passed["code"]) == ("safe", "model_unreachable")
        assert "503" in passed["message"]
        assert of_type(log, "call.failed") == []
        assert len(spare.log("start")) == 1

    def test_what_was_throttled_or_down_is_counted_by_no_budget(self, system: System) -> None:
        for mode in ("rate_limit", "down"):
            system.stub.control(mode, times=3, retry_after=0)
            execution, log = run(system, one_call("writer", f"Answer after {mode}.", limits={"model_calls": 1}))
            assert (execution.status, execution.usage.model_calls) == ("completed", 1), execution.error
            assert len(of_type(log, "call.failed")) == 3


class TestCascade:
    def test_a_cheap_answer_that_is_accepted_is_the_answer(self, system: System) -> None:
        before = len(system.stub.log("start"))
        execution, log = run(system, one_call("thrifty", "[[stub:say I am sure.]]"))
        assert (execution.output, execution.usage.model_calls) == ("I am sure.", 1)
        assert [entry.model for entry in asked_since(system.stub, before)] == ["small"]
        assert of_type(log, "call.completed")[0].data["alias"] == "small"

    def test_one_that_is_not_is_paid_and_the_stronger_is_asked(self, system: System) -> None:
        before = len(system.stub.log("start"))
        execution, log = run(system, one_call("thrifty", "[[stub:say Perhaps.]]"))
        # The stronger one's answer counts, whatever it says.
        assert (execution.status, execution.output, execution.usage.model_calls) == ("completed", "Perhaps.", 2)
        assert [entry.model for entry in asked_since(system.stub, before)] == ["small", "large"]
        (rejected,), (answered,) = of_type(log, "call.rejected"), of_type(log, "call.completed")
        assert (rejected.value, rejected.data["error"]["code"]) == ("Perhaps.", "model_not_accepted")
        assert (rejected.data["alias"], answered.data["alias"]) == ("small", "large")
        assert answered.data["escalates"] == rejected.data["call"]

    def test_the_cheap_answer_is_bought_once_whatever_is_killed(self, system: System) -> None:
        system.stub.control("slow", delay=30, key=".1", times=1)
        before = len(system.stub.log("start"))
        id = system.client.executions.start(one_call("thrifty", "[[stub:say Well.]] Once.")).id
        wait_until(lambda: len(asked_since(system.stub, before)) == 2, "the stronger model is asked")
        system.host.kill()
        system.host.start()
        assert system.ended(id).status == "completed"
        assert [entry.model for entry in asked_since(system.stub, before)] == ["small", "large", "large"]

    def test_a_retry_buys_neither_again(self, system: System) -> None:
        steps = [
            {"id": "draft", "agent": "thrifty", "input": "[[stub:say Hm.]] Draft."},
            {"id": "bad", "agent": "writer", "input": "${steps.draft.output.nothing}"},
        ]
        failed, _ = run(system, {"name": "two", "steps": steps})
        assert failed.status == "failed"
        before = len(system.stub.log("start"))
        again = system.client.executions.retry(failed.id).id
        assert system.ended(again).usage.model_calls == 0
        assert asked_since(system.stub, before) == []


class TestCache:
    def test_the_second_who_asks_pays_nothing(self, system: System) -> None:
        before = len(system.stub.log("start"))
        first, _ = run(system, one_call("kept", "Answer and keep it.", limits={"model_calls": 1}))
        second, log = run(system, one_call("kept", "Answer and keep it.", limits={"model_calls": 1}))
        assert (second.output, second.usage.model_calls, second.usage.tokens_out) == (first.output, 0, 0)
        (answered,) = of_type(log, "call.completed")
        assert answered.data["cached"] is True
        assert of_type(log, "call.started") == []
        assert len(asked_since(system.stub, before)) == 1

    def test_other_words_are_asked_for(self, system: System) -> None:
        before = len(system.stub.log("start"))
        for word in ("one", "two"):
            run(system, one_call("kept", f"Answer {word}."))
        assert len(asked_since(system.stub, before)) == 2


class TestBrokenStreams:
    def test_watchers_are_told_to_drop_what_they_saw(self, system: System) -> None:
        system.stub.control("cut_off", times=1, pace=0.02)
        text = "[[stub:say One two three four five six seven eight nine ten.]]"
        id = system.client.executions.start(one_call("writer", text)).id
        seen = list(system.client.executions.follow(id))
        failed = next(at for at, item in enumerate(seen) if isinstance(item, Event) and item.type == "call.failed")
        early = [item for item in seen[:failed] if isinstance(item, Delta)]
        late = [item for item in seen[failed:] if isinstance(item, Delta)]
        assert {piece.attempt for piece in early} == {1}
        broken = seen[failed]
        assert isinstance(broken, Event)
        assert broken.data["error"]["code"] == "model_bad_answer"
        assert broken.data["discard"] >= sum(len(piece.text) for piece in early) > 0
        # The new call begins at the beginning.
        assert [piece.position for piece in late if piece.attempt == 2][:1] == [0]
        execution = system.ended(id)
        assert execution.output == "One two three four five six seven eight nine ten."
        assert execution.usage.model_calls == 1
