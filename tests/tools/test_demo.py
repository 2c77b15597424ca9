"""The whole demo, as its user runs it, with the stub for a model."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from meta_agents.testing import MODEL, ModelStub
from tools.demo import DemoFailed, demo
from tools.demo_screen import Screen
from tools.processes import ROOT

TIMEOUT = 240
COMMAND = [sys.executable, "-m", "tools.demo"]


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[ModelStub]:
    with ModelStub(tmp_path / "model.jsonl") as stub:
        yield stub


@pytest.fixture
def environment(stub: ModelStub, tmp_path: Path) -> dict[str, str]:
    unset = {"AZURE_OPENAI_ENDPOINT", "META_AGENTS_TOKEN", "PORT", "FORCE_COLOR", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return kept | stub.environment() | {"STATE_DIR": str(tmp_path / "state"), "PYTHONUNBUFFERED": "1"}


def run(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )


def written(tmp_path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((tmp_path / "state" / "demo.json").read_text(encoding="utf-8"))
    return document


def test_its_workflows_run_through_a_kill_and_no_call_is_paid_for_twice(
    stub: ModelStub, environment: dict[str, str], tmp_path: Path
) -> None:
    # The third turn of the chat ends in no other way than by the death of the host that waits for it.
    stub.control("stall", times=1, key=":panel/turn[3]#0")
    picture = tmp_path / "demo.svg"
    done = run(environment, "--svg", str(picture))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout

    document = written(tmp_path)
    assert document["model"] == MODEL
    executions = {each["workflow"]: each for each in document["executions"]}
    assert list(executions) == ["launch-brief", "design-review", "order-desk", "incident-panel"]
    assert {each["status"] for each in executions.values()} == {"completed"}
    assert [each["repeated_calls"] for each in executions.values()] == [0, 0, 0, 0]
    assert [each["resumed"] for each in executions.values()] == [0, 0, 0, 1]
    assert all(each["tokens_in"] and each["tokens_out"] and each["output"] for each in executions.values())
    assert executions["incident-panel"]["seconds"] > 0  # that of the others may be too short for a tenth

    # What the model saw is independent of what we count.
    sent = Counter((entry.idempotency_key or "").partition(":")[2] for entry in stub.log("sent"))
    assert sum(sent.values()) == sum(each["model_calls"] for each in executions.values())
    assert set(sent.values()) == {1}
    turns = sorted(key for key in sent if key.startswith("panel/") and "/chair" not in key)
    assert turns == [f"panel/turn[{n}]#0" for n in range(1, len(turns) + 1)]
    assert len(turns) >= 5
    assert executions["incident-panel"]["turns"] == len(turns) + 1

    assert done.stdout.count(" kill -9 ") == 1
    assert done.stdout.index(" kill -9 ") < done.stdout.index("the chat goes on at turn 3")
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert "make start" in done.stdout
    assert "the chat goes on at turn 3" in picture.read_text(encoding="utf-8").replace("&#160;", " ")


def test_executions_that_fail_are_reported_and_fail_the_demo(
    stub: ModelStub, environment: dict[str, str], tmp_path: Path
) -> None:
    stub.control("garbage")
    done = run(environment)
    assert done.returncode == 1, done.stdout
    assert "Not completed: launch-brief, design-review, order-desk, incident-panel." in done.stdout
    assert f"The host's log is {tmp_path / 'state' / 'demo' / 'host.log'}." in done.stdout
    assert [each["status"] for each in written(tmp_path)["executions"]] == ["failed"] * 4


def test_ctrl_c_stops_everything(stub: ModelStub, environment: dict[str, str]) -> None:
    stub.control("stall", key=":draft#0")
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if line.startswith("  host   "):
                address = line.split()[1].rstrip(",")
            if "draft" in line:
                break
        assert httpx.get(f"{address}/api/health", timeout=30).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/api/health", timeout=30)


def test_a_host_that_does_not_start_is_explained(environment: dict[str, str]) -> None:
    done = run(environment | {"MODEL_TIMEOUT": "soon"})
    assert done.returncode == 1
    assert "The demo failed. " in done.stdout
    assert "MODEL_TIMEOUT" in done.stdout


def test_a_folder_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    theirs = tmp_path / "demo" / "thesis.txt"
    theirs.write_text("all of it")
    with pytest.raises(DemoFailed, match="choose another STATE_DIR"):
        demo(Screen(file=io.StringIO()), tmp_path)
    assert theirs.exists()
