"""Everything a model can do wrong to the running app: a typed failure after its tries, with what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from meta_agents.cli.app import app
from meta_agents.cli.exits import ExitCode
from meta_agents.results import Event, Execution
from meta_agents.testing import ModelStub
from tests.crash.system import TOKEN, System
from tests.failures.models import RawModel
from tests.services.models import endpoint as raw

RETRY = {"attempts": 2, "first_delay": "PT0.1S"}
VERDICT = {"type": "object", "required": ["good"], "properties": {"good": {"type": "boolean"}}}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("models"), latency=0) as system:
        system.agents("writer")
        yield system


@pytest.fixture(autouse=True)
def _model_as_at_the_start(system: System) -> None:
    system.stub.control()


@pytest.fixture(scope="module")
def raw_model() -> Iterator[RawModel]:
    with RawModel() as model:
        yield model


@pytest.fixture(scope="module")
def raw_system(raw_model: RawModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An app whose model endpoint sends whatever bytes it is told to."""
    environment = {"OPENAI_BASE_URL": raw_model.base_url}
    with System(tmp_path_factory.mktemp("raw"), environment=environment) as system:
        system.agents("writer")
        yield system


def one_call(text: str, **more: Any) -> dict[str, Any]:
    return {"name": "one", "steps": [{"id": "only", "agent": "writer", "input": text, "retry": RETRY, **more}]}


def run(system: System, workflow: dict[str, Any]) -> tuple[Execution, list[Event]]:
    id = system.client.executions.start(workflow).id
    return system.ended(id), list(system.client.executions.events(id).events)


def failures(log: list[Event]) -> list[dict[str, Any]]:
    return [event.data for event in log if event.type == "call.failed"]


def require_failed(execution: Execution, log: list[Event], code: str, tries: int, names: str) -> None:
    """A typed outcome, the same wherever it is told, after that many tries, and with words to act on."""
    assert (execution.status, execution.stop_reason, execution.output) == ("failed", "failed", None)
    assert execution.error is not None
    assert execution.error.code == code, execution.error
    assert names in execution.error.message
    assert execution.error.action
    assert execution.error.fault
    assert execution.usage.model_calls == 0
    assert log[-1].type == "execution.failed"
    assert log[-1].data["error"]["code"] == code
    assert [failure["error"]["code"] for failure in failures(log)] == [code] * tries
    assert ["retry_in" in failure for failure in failures(log)] == [True] * (tries - 1) + [False]


@pytest.mark.parametrize(
    ("control", "more", "code", "tries", "names"),
    [
        ({"mode": "down"}, {}, "model_unreachable", 2, "503"),
        ({"mode": "rate_limit", "retry_after": 0}, {}, "model_rate_limited", 2, "429"),
        ({"mode": "garbage"}, {}, "model_bad_answer", 2, "protocol"),
        ({"mode": "cut_off"}, {}, "model_bad_answer", 2, "broke"),
        ({"answers": ["", ""]}, {}, "model_bad_answer", 2, "empty"),
    ],
)
def test_a_model_that_stays_bad(
    system: System, control: dict[str, Any], more: dict[str, Any], code: str, tries: int, names: str
) -> None:
    asked = len(system.stub.log("start"))
    system.stub.control(**control)
    execution, log = run(system, one_call("Answer.", **more))
    require_failed(execution, log, code, tries, names)
    assert len(system.stub.log("start")) == asked + tries


@pytest.mark.parametrize(
    ("control", "code", "calls", "names"),
    [
        ({"answers": ['{"good": tr', '{"good": tr']}, "model_bad_answer", 2, "JSON"),
        ({"answers": [{"good": 1}, {"good": 1}]}, "model_bad_answer", 2, "good"),
        ({"mode": "length"}, "model_cut_off", 1, "tokens"),
    ],
)
def test_answers_that_do_not_fit_are_paid_for_and_kept(
    system: System, control: dict[str, Any], code: str, calls: int, names: str
) -> None:
    system.stub.control(**control)
    execution, log = run(system, one_call("Answer.", output_schema=VERDICT))
    assert execution.error is not None
    assert (execution.status, execution.error.code, execution.usage.model_calls) == ("failed", code, calls)
    assert names in execution.error.message
    rejected = [event for event in log if event.type == "call.rejected"]
    assert [event.data["error"]["code"] for event in rejected] == [code] * calls
    assert all(event.value for event in rejected)


@pytest.mark.parametrize(
    ("reply", "code", "tries", "names"),
    [
        (raw.problem(401, "Incorrect API key provided"), "model_refused", 1, "credentials"),
        (raw.problem(404, "no such model"), "model_refused", 1, "no such model"),
        (raw.problem(400, "no such setting"), "model_refused", 1, "no such setting"),
        (raw.http(500, "<html>Oh no</html>", "text/html"), "model_unreachable", 2, "500"),
        (raw.http(200, "<html>Welcome</html>", "text/html"), "model_bad_answer", 2, ""),
        (raw.http(200), "model_bad_answer", 2, ""),
        (b"", "model_unreachable", 2, "reached"),
    ],
)
def test_an_endpoint_that_is_not_what_it_should_be(
    raw_system: System, raw_model: RawModel, reply: bytes, code: str, tries: int, names: str
) -> None:
    raw_model.endpoint.reply = reply
    asked = len(raw_model.endpoint.received)
    execution, log = run(raw_system, one_call("Answer."))
    require_failed(execution, log, code, tries, names)
    assert len(raw_model.endpoint.received) == asked + tries


def test_a_wait_that_the_model_asks_for_is_kept(system: System) -> None:
    execution, log = run(system, one_call("[[stub:rate_limit 1]] Answer."))
    assert execution.status == "completed"
    (failure,) = failures(log)
    assert failure["error"]["code"] == "model_rate_limited"
    assert failure["retry_in"] == failure["error"]["retry_after"] == 1


def test_the_command_line_says_why_an_execution_failed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_AGENTS_URL", system.host.address)
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)
    system.client.workflows.put(one_call("Answer the command line."))
    system.stub.control("down")
    result = CliRunner().invoke(app, ["run", "one"], catch_exceptions=False)
    assert result.exit_code == ExitCode.EXECUTION_FAILED
    assert "503" in result.stderr
    assert not result.stdout.strip()


def test_an_endpoint_where_nobody_listens_and_later_somebody_does(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    environment = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    with System(tmp_path, environment=environment) as system:
        system.agents("writer")
        execution, log = run(system, one_call("Answer."))
        require_failed(execution, log, "model_unreachable", 2, "reached")
        with ModelStub(tmp_path / "later.jsonl", port=port):
            assert system.ended(system.client.executions.retry(execution.id).id).status == "completed"
