"""An OpenAI-compatible model that costs nothing, answers the same to the same, fails when told, and writes down all.

In a test: `with ModelStub(tmp_path / "model.jsonl") as stub:` (served on a thread, so it outlives a killed host).
By itself: `python -m meta_agents.testing.model_stub --port 0 --log FILE --latency 0.05`; it prints
`model stub ready: http://127.0.0.1:PORT/v1`.

What it does is decided by, in this order:
- `POST /control` (or `stub.control`): `{"mode", "times", "key", "retry_after", "delay", "pace", "answers"}`; each call
  replaces all; with `key`, `mode` is for requests alone whose `Idempotency-Key` ends so; `pace` is the seconds between
  the words of an answer;
- a special word in the last user message: `[[stub:MODE]]` for every request with these messages, `[[stub:MODE 2]]`
  for the first two; `[[stub:say TEXT]]`; `[[stub:tool NAME {"an": "argument"}]]`, until the tool's result is there;
- else `answer N to HASH`, or the smallest instance of the JSON schema asked for.

Modes: `ok`; `down` (503); `rate_limit` (429, `Retry-After`); `garbage` (200, but not the protocol); `slow` (nothing for
`delay` seconds); `cut_off` (the connection ends half-way); `stall` (all but the last chunk, which never comes: the
request lasts until its client is gone); `length` (half the answer, `finish_reason` length).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from meta_agents.testing import answers, wire
from meta_agents.testing.answers import Answer, JsonObject, UnusableRequest

Mode = Literal["ok", "down", "garbage", "rate_limit", "slow", "cut_off", "stall", "length"]
MODEL = "stub-model"


@dataclass(frozen=True)
class LogEntry:
    """One line of the log. `messages` is their SHA-256; `number` joins the two lines of one request."""

    event: Literal["start", "sent"]
    number: int
    time: float
    idempotency_key: str | None
    messages: str
    model: str
    stream: bool
    mode: Mode


@dataclass
class Control:
    """How the stub behaves: in `mode` for `times` requests (None: until told otherwise), and `answers` to say first.

    A request counts when its `Idempotency-Key` ends with `key`.
    """

    mode: Mode = "ok"
    times: int | None = None
    key: str = ""
    retry_after: float = 1
    delay: float = 5
    pace: float = 0
    answers: deque[Any] = field(default_factory=deque)

    @classmethod
    def parse(cls, given: JsonObject) -> Control:
        """Raises `TypeError` or `ValueError` for what a control request cannot hold."""
        control = cls(**given)
        if control.mode not in get_args(Mode):
            raise ValueError(f"mode is one of {', '.join(get_args(Mode))}")
        control.answers = deque(control.answers)
        return control

    def take_mode(self, key: str) -> Mode:
        """The mode of the next request, whose `Idempotency-Key` is `key`; counts `times` down."""
        if not key.endswith(self.key):
            return "ok"
        if self.times is None:
            return self.mode
        if self.times <= 0:
            return "ok"
        self.times -= 1
        return self.mode


class ChunkedBody(Response):
    """A body sent in chunks, whose `on_sent` is called before a client can know that it is complete.

    In the mode `cut_off` the connection ends after half the chunks; in `stall` it stays open without the last one.
    `pace`: seconds before each chunk.
    """

    def __init__(
        self, chunks: list[bytes], media_type: str, on_sent: Callable[[], None], mode: Mode, *, pace: float
    ) -> None:
        super().__init__(media_type=media_type)
        # Of unknown length, so that the client waits for the end.
        del self.headers["content-length"]
        self._chunks = chunks
        self._on_sent = on_sent
        self._mode = mode
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # The last chunk may be the one that clients take for the end (`[DONE]`).
        *early, last = self._chunks
        for chunk in early[: len(early) // 2] if self._mode == "cut_off" else early:
            await asyncio.sleep(self._pace)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if self._mode == "stall":
            while (await receive())["type"] != "http.disconnect":
                pass
        if self._mode in {"stall", "cut_off"}:
            return
        if not await Request(scope, receive).is_disconnected():
            self._on_sent()
        await send({"type": "http.response.body", "body": last})


class Stub:
    """The stub's behaviour and log; `app` is its ASGI application."""

    def __init__(self, log: Path, latency: float = 0) -> None:
        self._log = log.open("a", encoding="utf-8")
        self._latency = latency
        self._control = Control()
        self._requests = 0
        self._asked: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/control", self.control, methods=["POST"]),
            ]
        )

    def close(self) -> None:
        self._log.close()

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "tests"}]})

    async def control(self, request: Request) -> Response:
        try:
            self._control = Control.parse(await request.json())
        except (TypeError, ValueError) as error:
            return problem(400, str(error))
        return Response(status_code=204)

    async def complete(self, request: Request) -> Response:
        try:
            asked: JsonObject = await request.json()
            mode = self.mode_of(asked, request.headers.get("Idempotency-Key", ""))
            entry = self.started(request, asked, mode)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return problem(400, f"Not a chat completion request: {error!r}")
        control = self._control
        await asyncio.sleep(control.delay if mode == "slow" else self._latency)
        match mode:
            case "down":
                return problem(503, "The model is down.")
            case "rate_limit":
                return problem(429, "Too many requests.", {"Retry-After": f"{control.retry_after:g}"})
            case "garbage":
                return Response(b"data: {<not the protocol>\n\n", media_type="text/event-stream")
        try:
            answer = self.answer_to(asked)
        except UnusableRequest as error:
            return problem(400, str(error))
        make = wire.streamed if entry.stream else wire.whole
        return ChunkedBody(
            [*make(asked, answer, cut_short=mode == "length")],
            "text/event-stream" if entry.stream else "application/json",
            lambda: self.write(LogEntry(**{**asdict(entry), "event": "sent", "time": time.time()})),
            mode,
            pace=control.pace,
        )

    def mode_of(self, asked: JsonObject, key: str) -> Mode:
        """The mode for this request: the one set by control, else by a special word."""
        digest = answers.messages_hash(asked)
        self._asked[digest] += 1
        mode = self._control.take_mode(key)
        word = answers.special_word(asked)
        if mode != "ok" or word is None:
            return mode
        named = next((known for known in get_args(Mode) if known == word.verb), None)
        over = bool(word.rest) and named is not None and self._asked[digest] > int(word.rest)
        return "ok" if named is None or over else named

    def answer_to(self, asked: JsonObject) -> Answer:
        if self._control.answers:
            return answers.scripted_answer(self._control.answers.popleft())
        word = answers.special_word(asked)
        worded = answers.worded_answer(asked, word) if word else None
        return worded or answers.plain_answer(asked)

    def started(self, request: Request, asked: JsonObject, mode: Mode) -> LogEntry:
        self._requests += 1
        entry = LogEntry(
            event="start",
            number=self._requests,
            time=time.time(),
            idempotency_key=request.headers.get("Idempotency-Key"),
            messages=answers.messages_hash(asked),
            model=asked["model"],
            stream=bool(asked.get("stream")),
            mode=mode,
        )
        self.write(entry)
        return entry

    def write(self, entry: LogEntry) -> None:
        self._log.write(json.dumps(asdict(entry)) + "\n")
        self._log.flush()
        os.fsync(self._log.fileno())


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": "stub_error", "code": status}}, status, headers)
