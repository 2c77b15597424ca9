"""The stub must be trustworthy before any test that leans on it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from meta_agents.testing import MODEL, ModelStub
from tests.crash.system import wait_until

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["approve", "revise"]},
        "good": {"type": "boolean"},
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "reason": {"type": "string", "minLength": 30, "maxLength": 40},
        "points": {"type": "array", "items": {"$ref": "#/$defs/point"}, "minItems": 2},
        "next": {"oneOf": [{"const": "stop"}, {"type": "null"}]},
    },
    "required": ["verdict", "good", "score", "reason", "points", "next"],
    "additionalProperties": False,
    "$defs": {"point": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}},
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[ModelStub]:
    with ModelStub(tmp_path / "model.jsonl") as stub:
        yield stub


@pytest.fixture
def client(stub: ModelStub) -> Iterator[OpenAI]:
    with OpenAI(base_url=stub.base_url, api_key="x", max_retries=0, timeout=10) as client:
        yield client


def ask(client: OpenAI, text: str = "Hello", **options: Any) -> ChatCompletion:
    completion = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}], **options)
    assert isinstance(completion, ChatCompletion)
    return completion


def content(completion: ChatCompletion) -> str:
    return completion.choices[0].message.content or ""


def test_a_held_call_is_answered_when_it_is_let_go_and_failures_are_not_held(stub: ModelStub, client: OpenAI) -> None:
    with ThreadPoolExecutor() as pool:
        with stub.hold() as held:
            asked = pool.submit(ask, client)
            wait_until(lambda: len(held) > 0, "a call that is held")
            with pytest.raises(openai.InternalServerError):
                ask(client, "[[stub:down]]")
            assert (len(held), stub.log("sent"), asked.done()) == (1, [], False)
        assert content(asked.result()).startswith("answer 1 to ")
    assert ask(client).choices


def streamed(client: OpenAI, text: str, **options: Any) -> tuple[str, str | None, int | None]:
    """The text, the finish reason and the completion tokens of a streamed answer."""
    said, reason, tokens = "", None, None
    chunks = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True, **options
    )
    for chunk in chunks:
        for choice in chunk.choices:
            said += choice.delta.content or ""
            reason = choice.finish_reason or reason
        tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    return said, reason, tokens


def test_the_same_question_gets_the_same_answer_and_another_gets_another(client: OpenAI) -> None:
    first = content(ask(client))
    assert first.startswith("answer 1 to ")
    assert content(ask(client)) == first
    assert content(ask(client, "Good-bye")) != first


def test_streaming_says_the_same_and_counts_tokens_when_asked_to(client: OpenAI) -> None:
    whole = ask(client)
    assert whole.usage is not None
    assert streamed(client, "Hello") == (content(whole), "stop", None)
    with_usage = streamed(client, "Hello", stream_options={"include_usage": True})
    assert with_usage == (content(whole), "stop", whole.usage.completion_tokens)


def test_a_json_schema_gets_a_valid_instance_that_depends_on_the_question(client: OpenAI) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "review", "schema": SCHEMA, "strict": True}}
    answers = [json.loads(content(ask(client, f"Review {n}", response_format=wanted))) for n in range(12)]
    for answer in answers:
        jsonschema.validate(answer, SCHEMA)
    assert {answer["verdict"] for answer in answers} == {"approve", "revise"}
    assert {answer["next"] for answer in answers} == {"stop", None}


def test_a_schema_it_has_no_instance_of_is_refused(client: OpenAI) -> None:
    schema = {"type": "string", "pattern": "^x$"}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match="no instance"):
        ask(client, response_format=wanted)


def test_json_object_gets_an_object(client: OpenAI) -> None:
    assert json.loads(content(ask(client, response_format={"type": "json_object"})))["answer"].startswith("answer 1")


def test_the_log_has_each_start_and_each_sent_answer(stub: ModelStub, client: OpenAI) -> None:
    ask(client, extra_headers={"Idempotency-Key": "k-1"})
    streamed(client, "Hello", extra_headers={"Idempotency-Key": "k-2"})
    stub.control("down", times=1)
    with pytest.raises(openai.InternalServerError):
        ask(client, extra_headers={"Idempotency-Key": "k-3"})
    assert [(entry.event, entry.idempotency_key) for entry in stub.log()] == [
        ("start", "k-1"),
        ("sent", "k-1"),
        ("start", "k-2"),
        ("sent", "k-2"),
        ("start", "k-3"),
    ]
    assert [entry.number for entry in stub.log("sent")] == [1, 2]
    assert len({entry.messages for entry in stub.log()}) == 1


def test_rate_limit_tells_when_to_come_back_and_ends_after_so_many_times(stub: ModelStub, client: OpenAI) -> None:
    stub.control("rate_limit", times=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as limited:
            ask(client)
        assert limited.value.response.headers["Retry-After"] == "7"
    assert content(ask(client)).startswith("answer")


def test_garbage_is_not_the_protocol(stub: ModelStub) -> None:
    stub.control("garbage")
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx.post(f"{stub.base_url}/chat/completions", json=body, timeout=10)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_stall_never_ends_for_the_key_it_is_meant_for(stub: ModelStub, client: OpenAI) -> None:
    stub.control("stall", times=1, key="turn[3]#0")
    assert content(ask(client, extra_headers={"Idempotency-Key": "x:turn[2]#0"})).startswith("answer")
    headers = {"Idempotency-Key": "x:turn[3]#0"}
    stalled = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True, extra_headers=headers
    )
    with stalled:
        said = ""
        while len(said) < len("answer 1 to 12345678"):
            said += next(stalled).choices[0].delta.content or ""
    assert content(ask(client, extra_headers=headers)) == said
    assert [entry.mode for entry in stub.log("start")] == ["ok", "stall", "ok"]
    assert [entry.number for entry in stub.log("sent")] == [1, 3]


@pytest.mark.parametrize("stream", [False, True])
def test_cut_off_ends_the_connection_half_way_and_nothing_counts_as_sent(stub: ModelStub, stream: bool) -> None:
    stub.control("cut_off", times=1)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    received: list[bytes] = []
    with httpx.stream("POST", f"{stub.base_url}/chat/completions", json=body, timeout=10) as answer:
        chunks = answer.iter_bytes()
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(chunks)
    assert received
    assert b"[DONE]" not in b"".join(received)
    assert stub.log("sent") == []


def test_length_is_half_an_answer(stub: ModelStub, client: OpenAI) -> None:
    full = content(ask(client))
    stub.control("length")
    half = ask(client)
    assert half.choices[0].finish_reason == "length"
    assert full.startswith(content(half))
    assert content(half) != full


def test_slow_outlasts_an_impatient_client(stub: ModelStub, client: OpenAI) -> None:
    stub.control("slow", delay=60)
    with pytest.raises(openai.APITimeoutError):
        ask(client, timeout=0.2)
    assert [entry.mode for entry in stub.log()] == ["slow"]


def test_scripted_answers_come_first_and_in_order(stub: ModelStub, client: OpenAI) -> None:
    call = {"tool_calls": [{"name": "weather", "arguments": {"city": "Paris"}}]}
    stub.control(answers=["AGREED", {"speaker": "editor"}, call])
    assert content(ask(client)) == "AGREED"
    assert json.loads(content(ask(client))) == {"speaker": "editor"}
    calls = ask(client, tools=[WEATHER]).choices[0].message.tool_calls or []
    assert [json.loads(made.function.arguments) for made in calls if made.type == "function"] == [{"city": "Paris"}]
    assert content(ask(client)).startswith("answer")


def test_words_in_the_last_user_message_decide(client: OpenAI) -> None:
    assert content(ask(client, "Please [[stub:say yes, I do]]")) == "yes, I do"
    with pytest.raises(openai.InternalServerError):
        ask(client, "[[stub:down 1]] once")
    assert content(ask(client, "[[stub:down 1]] once")).startswith("answer")
    with pytest.raises(openai.InternalServerError):
        ask(client, "[[stub:down]] always")


def test_a_tool_is_called_until_its_result_is_there(client: OpenAI) -> None:
    text = '[[stub:tool weather {"city": "Oslo"}]]'
    first = ask(client, text, tools=[WEATHER])
    assert first.choices[0].finish_reason == "tool_calls"
    call = (first.choices[0].message.tool_calls or [])[0]
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
    after = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "user", "content": text},
            {
                "role": "assistant",
                "tool_calls": [{"id": call.id, "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": call.id, "content": "3 C"},
        ],
    )
    assert content(after).startswith("answer 3 to ")


def test_what_is_no_request_is_refused(stub: ModelStub) -> None:
    for path, body in [("/v1/chat/completions", {"model": MODEL}), ("/control", {"mode": "sleepy"})]:
        assert httpx.post(f"{stub.origin}{path}", json=body, timeout=10).status_code == 400


def test_it_lists_its_model(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]


def test_it_runs_as_a_program_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "meta_agents.testing.model_stub", "--log", str(tmp_path / "log"), "--latency", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            ready, _, base_url = process.stdout.readline().strip().rpartition(" ")
            assert ready == "model stub ready:"
            with OpenAI(base_url=base_url, api_key="x", max_retries=0, timeout=10) as client:
                assert content(ask(client)).startswith("answer 1 to ")
        finally:
            process.terminate()
    assert len((tmp_path / "log").read_text().splitlines()) == 2
