"""Everything an endpoint can do wrong becomes a typed problem."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from typing import Any

import pytest

from domain.errors import Code, Fault, Problem, ProblemError
from services.models.client import ModelClient
from tests.services.models.conftest import SECRET, MakeClient, ask
from tests.services.models.endpoint import (
    OPEN_STREAM,
    RawEndpoint,
    Reply,
    answer,
    chunk,
    events,
    http,
    piece,
    problem,
    stream,
)


async def failure(endpoint: RawEndpoint, client: ModelClient, reply: Reply, **fields: Any) -> Problem:
    endpoint.reply = reply
    with pytest.raises(ProblemError) as caught:
        await client.complete(ask(**fields))
    assert SECRET not in caught.value.problem.model_dump_json()
    assert SECRET not in str(caught.value)
    # It was asked once: retries are not made here.
    assert len(endpoint.received) == 1
    return caught.value.problem


@pytest.mark.parametrize(
    ("reply", "code", "fault", "retryable"),
    [
        (problem(400), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (problem(401), Code.MODEL_REFUSED, Fault.PLATFORM, False),
        (problem(403), Code.MODEL_REFUSED, Fault.PLATFORM, False),
        (problem(404), Code.MODEL_REFUSED, Fault.PLATFORM, False),
        (problem(413), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (problem(422), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (problem(408), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (problem(409), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (problem(429), Code.MODEL_RATE_LIMITED, Fault.MODEL, True),
        (problem(429, code="insufficient_quota"), Code.MODEL_REFUSED, Fault.PLATFORM, False),
        (problem(400, code="content_filter"), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (problem(500), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (problem(502), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (problem(503), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (problem(504), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (http(500, b"\xff\xfe\x00", "text/html"), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (http(400, b"<html>", "text/html"), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (http(400, b'{"error": [1]}'), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (http(400, b'{"error": {"message": {"a": 1}, "code": 7}}'), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (http(404, b""), Code.MODEL_REFUSED, Fault.PLATFORM, False),
    ],
)
async def test_error_answers(
    endpoint: RawEndpoint, client: ModelClient, reply: bytes, code: Code, fault: Fault, retryable: bool
) -> None:
    found = await failure(endpoint, client, reply)
    assert (found.code, found.fault, found.retryable) == (code, fault, retryable)
    assert found.action


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0.25"}, 0.25),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "1500", "Retry_After": "7"}, 1.5),
        ({"retry_after_ms": "soon", "Retry_After": "7"}, 7),
        ({"Retry_After": "Fri, 02 Jan 2026 00:01:30 GMT", "Date": "Fri, 02 Jan 2026 00:00:00 GMT"}, 90),
        ({"Retry_After": "Fri, 02 Jan 2026 00:00:00 GMT", "Date": "Fri, 02 Jan 2026 00:01:30 GMT"}, 0),
        ({"Retry_After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"Retry_After": "-5"}, 0),
        ({"Retry_After": "99999999"}, 86_400),
        ({"Retry_After": "inf"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": ""}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_how_long_to_wait(
    endpoint: RawEndpoint, client: ModelClient, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    found = await failure(endpoint, client, problem(status, **headers))
    assert found.retry_after == seconds


async def test_what_the_endpoint_said_is_passed_on_but_not_at_length(
    endpoint: RawEndpoint, client: ModelClient
) -> None:
    found = await failure(endpoint, client, problem(400, message="the schema\nis too deep " + "x" * 5_000))
    assert "the schema is too deep" in found.message
    assert len(found.message) < 500


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_an_endpoint_that_repeats_the_key(
    endpoint: RawEndpoint, client: ModelClient, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await failure(endpoint, client, problem(status, message=f"Incorrect API key provided: {SECRET}."))
    assert SECRET not in caplog.text


async def test_nobody_listens(endpoint: RawEndpoint, make_client: MakeClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = make_client(None, OPENAI_BASE_URL=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(ProblemError) as caught:
            await client.complete(ask())
    assert (caught.value.problem.code, caught.value.problem.retryable) == (Code.MODEL_UNREACHABLE, True)


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nConte"])
async def test_no_answer_at_all(endpoint: RawEndpoint, client: ModelClient, reply: bytes) -> None:
    assert (await failure(endpoint, client, reply)).code is Code.MODEL_UNREACHABLE


@pytest.mark.parametrize("sent_first", [b"", OPEN_STREAM, OPEN_STREAM + piece(events(chunk("Once")))])
async def test_an_answer_that_never_ends(endpoint: RawEndpoint, client: ModelClient, sent_first: bytes) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(sent_first)
        await asyncio.Event().wait()

    found = await failure(endpoint, client, hang, timeout=0.5)
    assert (found.code, found.retryable) == (Code.MODEL_UNREACHABLE, True)
    assert "0.5 seconds" in found.message or "in time" in found.message


async def test_an_answer_that_trickles_is_given_up_in_time(endpoint: RawEndpoint, client: ModelClient) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(OPEN_STREAM)
        while True:
            writer.write(piece(events(chunk("."))))
            await asyncio.sleep(0.02)

    assert (await failure(endpoint, client, trickle, timeout=0.5)).code is Code.MODEL_UNREACHABLE


HALF = OPEN_STREAM + piece(events(chunk("Once upon")))
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "reply",
    [
        HALF,
        OPEN_STREAM + piece(events(chunk("Once upon"))) + b"zz\r\n",
        stream(chunk("Once upon"), done=False),
        stream(chunk("Once upon")),
        stream(),
        stream(chunk("", finish="stop")),
        stream(chunk(" \n", finish="stop")),
        stream(chunk(finish="stop", role="assistant")),
        http(200),
        http(200, "<html><body>Welcome!</body></html>", "text/html"),
        http(200, "<html><body>Welcome!</body></html>", "text/event-stream"),
        http(200, json.dumps({"choices": [{"message": {"content": "not streamed"}}]})),
        http(200, bytes(range(256)) * 10, "text/event-stream"),
        http(200, b"data: \xff\xfe\xfd\n\n", "text/event-stream"),
        http(200, b"not gzip", "text/event-stream", Content_Encoding="gzip"),
        stream(b"data: {<no>}\n\n"),
        stream(b"data: " + DEEP + b"\n\n"),
        stream([1, 2]),
        stream("text"),
        stream(None),
        stream(7),
        stream({}),
        stream({"choices": None}),
        stream({"choices": 7}),
        stream({"choices": [None]}),
        stream({"choices": [{"delta": "text"}]}),
        stream({"choices": [{"delta": {"content": {"a": 1}}}]}),
        stream({"choices": [{"delta": {"content": [1]}, "finish_reason": "stop"}]}),
        stream({"choices": [{"delta": {"content": "x"}, "finish_reason": {"a": 1}}]}),
        stream(chunk("x", finish="stop"), {"choices": [], "usage": "free"}),
        stream(chunk("x"), {"error": {"message": f"out of memory {SECRET}", "code": 500}}),
        stream({"error": "text"}),
        stream({"error": {"message": {"a": 1}}}),
    ],
)
async def test_answers_that_are_none(endpoint: RawEndpoint, client: ModelClient, reply: bytes) -> None:
    found = await failure(endpoint, client, reply)
    assert (found.code, found.fault, found.retryable) == (Code.MODEL_BAD_ANSWER, Fault.MODEL, True)


@pytest.mark.parametrize(
    "reply",
    [
        stream(chunk("Well, "), chunk(finish="content_filter")),
        stream(chunk("Well, "), {"error": {"message": "no", "code": "content_filter"}}),
        stream(chunk(refusal="I can't "), chunk(refusal="help."), chunk(finish="stop")),
    ],
)
async def test_the_model_declines(endpoint: RawEndpoint, client: ModelClient, reply: bytes) -> None:
    found = await failure(endpoint, client, reply)
    assert (found.code, found.retryable) == (Code.MODEL_REFUSED, False)


async def test_after_any_failure_the_next_call_is_made(endpoint: RawEndpoint, client: ModelClient) -> None:
    for reply in (b"", HALF, problem(500), http(200, "<html>", "text/html")):
        endpoint.reply = reply
        with pytest.raises(ProblemError):
            await client.complete(ask())
    endpoint.reply = answer()
    assert (await client.complete(ask())).text == "Hello"
