"""The smoke test and the gate against a real host: what is well passes and is cleaned up, what is not is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from meta_agents import Client
from tests.crash.system import TOKEN, System
from tools.delivery import gate, smoke
from tools.delivery.azure import UNNAMED


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("smoke"), latency=0) as running:
        yield running


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)


def left_in(client: Client) -> list[Any]:
    return [*client.executions.list(), *client.workflows.list(), *client.agents.list()]


@pytest.mark.parametrize("options", [[], ["--model"]])
def test_what_is_well_passes_and_nothing_is_left(
    system: System, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke.main([system.host.address, *options]) == 0
    assert capsys.readouterr().out.endswith("smoke: well\n")
    assert left_in(system.client) == []


def test_a_wrong_output_fails_and_is_cleaned_up_too(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = smoke.workflow(model=False)
    monkeypatch.setattr(smoke, "workflow", lambda model: {**whole, "output": "All is lost."})
    assert smoke.main([system.host.address]) == 1
    assert "output is 'All is lost.'" in capsys.readouterr().err
    assert left_in(system.client) == []


def test_an_execution_that_hangs_is_canceled(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = smoke.workflow(model=False)
    waiting = {**whole, "steps": [{"id": "wait", "wait": {"for": "P1D"}}]}
    monkeypatch.setattr(smoke, "workflow", lambda model: waiting)
    monkeypatch.setattr(smoke, "PATIENCE", 0)
    assert smoke.main([system.host.address]) == 1
    assert "is running after 0 seconds" in capsys.readouterr().err
    (execution,) = system.client.executions.list()
    assert system.ended(execution.id).status == "canceled"
    system.client.executions.delete(execution.id)


def test_a_wrong_token_is_said(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_AGENTS_TOKEN", "another")
    assert smoke.main([system.host.address]) == 1
    assert gate.main([system.host.address, "--patience", "0"]) == 1


def test_the_gate_wants_the_build_that_was_deployed(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    often = ["--in-a-row", "2", "--every", "0.01", "--patience", "5"]
    assert gate.main([system.host.address, "--build", UNNAMED, *often]) == 0
    assert "gate: well, 2 of 2" in capsys.readouterr().out
    assert gate.main([system.host.address, "--build", "new", "--every", "0.01", "--patience", "0.05"]) == 1
    assert "build unnamed answers, not new" in capsys.readouterr().err


def test_the_gate_says_when_nothing_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.main(["http://127.0.0.1:9", "--patience", "0"]) == 1
    assert "Not well after 0 seconds" in capsys.readouterr().err
