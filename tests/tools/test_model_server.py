"""The real server with the real weights: the wire is what these tests are about, not what the model says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from domain.toolcalls import ToolSpec
from services.models.client import ModelClient, ModelRequest
from services.settings import Settings
from tools.processes import ModelServer, ProcessFailed
from tools.weights import FOLDER, MODEL_NAME

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["approve", "revise"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def client(server: ModelServer) -> Iterator[OpenAI]:
    settings = server.environment()
    with OpenAI(base_url=settings["OPENAI_BASE_URL"], api_key=settings["OPENAI_API_KEY"], max_retries=0) as client:
        yield client


def test_it_goes_by_the_name_the_app_is_told(server: ModelServer, client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [server.environment()["MODEL_NAME"]]


def test_it_streams_and_counts_tokens(server: ModelServer, client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=server.environment()["MODEL_NAME"],
            messages=[{"role": "user", "content": "Name a colour."}],
            max_tokens=8,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert said.strip()
    usage = chunks[-1].usage
    assert usage is not None
    assert 0 < usage.completion_tokens <= 8


def test_it_keeps_to_a_schema(server: ModelServer, client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=server.environment()["MODEL_NAME"],
        messages=[{"role": "user", "content": "Is this good enough: 'A lantern.'"}],
        max_tokens=30,
        response_format={"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA}},
    )
    assert json.loads(answer.choices[0].message.content or "")["verdict"] in {"approve", "revise"}


def test_asked_to_end_it_ends_well() -> None:
    with ModelServer() as server:
        server.stop()
        assert server.process.returncode == 0


def test_missing_weights_are_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match=r"There are no model weights at .*: `make setup` fetches"):
        ModelServer(tmp_path / "none.gguf").start()


def test_a_file_that_is_no_model_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_text("not a model")
    with pytest.raises(ProcessFailed, match="The model server did not start with"):
        ModelServer(broken).start()


def test_it_ends_when_its_parent_was_killed() -> None:
    parent = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'tools.model_server', '--with-parent', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stdout, text=True)\n"
        "print(child.stdout.readline(), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    # The output ends with the last process holding it, which is the orphan; else this times out.
    ended = subprocess.run([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert ended.stdout.startswith("model ready: ")
    assert ended.returncode == -9


def test_the_weights_of_setup_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_GGUF", raising=False)
    server = ModelServer()
    assert server.model.parent == FOLDER
    assert server.environment()["MODEL_NAME"] == MODEL_NAME


async def test_it_chooses_a_tool_by_schema(server: ModelServer) -> None:
    """As an agent with tools is served by it: which one it takes is its own affair, that it takes one is not."""
    city = {"type": "string", "maxLength": 12}
    spec = {"type": "object", "properties": {"city": city}, "required": ["city"], "additionalProperties": False}
    tools = (ToolSpec(name="weather", description="The weather of a city.", parameters=spec),)
    client = ModelClient(Settings.from_environment(server.environment()))
    asked = [{"role": "user", "content": "What is the weather in Paris? Use the tool."}]
    request = ModelRequest(messages=asked, tools=tools, temperature=0, max_output_tokens=80, idempotency_key="k")
    try:
        answer = await client.complete(request)
    finally:
        await client.close()
    (call,) = answer.tool_calls
    assert (call.name, call.complaint) == ("weather", None)
    assert list(call.arguments or {}) == ["city"]
    assert answer.cost_usd == 0  # it is one's own machine: budgets of dollars work there, too
