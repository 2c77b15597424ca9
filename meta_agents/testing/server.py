"""An OpenAI-compatible model that costs nothing, answers the same to the same, fails when told, and writes down all.

What it does is decided by, in this order:
- a script, if it was given one;
- `POST /control` (or `stub.control`): `{"mode", "times", "key", "retry_after", "delay", "pace", "answers"}`; each call
  replaces all; with `key`, `mode` is for requests alone whose `Idempotency-Key` ends so; `pace` is the seconds between
  the words of an answer;
- a special word in the last user message: `[[stub:MODE]]` for every request with these messages, `[[stub:MODE 2]]`
  for the first two; `[[stub:say TEXT]]`; `[[stub:tool NAME {"an": "argument"}]]`, until the tool's result is there;
- else `answer N to HASH`, or the smallest instance of the JSON schema asked for.

Modes are told in docs/testing.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from meta_agents.testing import answers, wire
from meta_agents.testing.answers import Answer, UnusableRequest
from meta_agents.testing.asked import Asked, JsonObject, messages_hash, special_word
from meta_agents.testing.bodies import ChunkedBody, problem
from meta_agents.testing.control import MODES, STATUS, Control, Mode, Turn
from meta_agents.testing.embeddings import embedded

MODEL = "stub-model"
Script = Callable[[Asked], Turn]


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


class Stub:
    """The stub's behaviour and log; `app` is its ASGI application, `requests` what it was asked, oldest first."""

    def __init__(self, log: Path | None = None, latency: float = 0, script: Script | None = None) -> None:
        self._file = log.open("a", encoding="utf-8") if log else None
        self._latency = latency
        self._script = script
        self._control = Control()
        self._asked: Counter[str] = Counter()
        self.entries: list[LogEntry] = []
        self.requests: list[Asked] = []
        self.held: list[LogEntry] | None = None
        """The requests whose answers wait, while answers do."""
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
                Route("/v1/embeddings", self.embed, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/control", self.control, methods=["POST"]),
            ]
        )

    def close(self) -> None:
        if self._file:
            self._file.close()

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "tests"}]})

    async def control(self, request: Request) -> Response:
        try:
            self._control = Control.parse(await request.json())
        except (TypeError, ValueError) as error:
            return problem(400, str(error))
        return Response(status_code=204)

    async def embed(self, request: Request) -> Response:
        try:
            answer = embedded(await request.json())
        except (ValueError, KeyError, TypeError) as error:
            return problem(400, f"Not an embeddings request: {error!r}")
        mode = self._control.take_mode(request.headers.get("Idempotency-Key", ""))
        turn = Turn(mode, retry_after=self._control.retry_after)
        await asyncio.sleep(self._control.delay if mode == "slow" else self._latency)
        return _failed(turn) or JSONResponse(answer)

    async def complete(self, request: Request) -> Response:
        try:
            asked = Asked(await request.json(), dict(request.headers))
            digest = messages_hash(asked.body)
            self._asked[digest] += 1
            turn = self._turn(asked)
            entry = self._started(asked, digest, turn.mode)
        except UnusableRequest as error:
            return problem(400, str(error))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            return problem(400, f"Not a chat completion request: {error!r}")
        await asyncio.sleep(turn.delay)
        if failed := _failed(turn):
            return failed
        await self._wait_while_held(entry)
        return self._said(asked, turn, entry)

    async def _wait_while_held(self, entry: LogEntry) -> None:
        held = self.held
        if held is None:
            return
        held.append(entry)
        while self.held is held:  # noqa: ASYNC110 - who holds is on another thread
            await asyncio.sleep(0.01)

    def _said(self, asked: Asked, turn: Turn, entry: LogEntry) -> Response:
        try:
            answer = _shaped(turn.answer or answers.plain_answer(asked.body), turn.mode)
        except UnusableRequest as error:
            return problem(400, str(error))
        make = wire.streamed if entry.stream else wire.whole
        return ChunkedBody(
            [*make(asked.body, answer)],
            "text/event-stream" if entry.stream else "application/json",
            lambda: self._write(LogEntry(**{**asdict(entry), "event": "sent", "time": time.time()})),
            turn.mode,
            pace=turn.pace,
        )

    def _turn(self, asked: Asked) -> Turn:
        if self._script:
            return self._script(asked)
        control = self._control
        mode = self._mode_of(asked)
        delay = control.delay if mode == "slow" else self._latency
        answer = None if mode in STATUS or mode == "garbage" else self._answer_to(asked.body)
        return Turn(mode, answer, delay, control.pace, control.retry_after)

    def _mode_of(self, asked: Asked) -> Mode:
        """The mode for this request: the one set by control, else by a special word."""
        mode = self._control.take_mode(asked.key)
        word = special_word(asked.body)
        if mode != "ok" or word is None:
            return mode
        named = next((known for known in MODES if known == word.verb), None)
        over = bool(word.rest) and named is not None and self._asked[messages_hash(asked.body)] > int(word.rest)
        return "ok" if named is None or over else named

    def _answer_to(self, asked: JsonObject) -> Answer | None:
        if self._control.answers:
            return answers.scripted_answer(self._control.answers.popleft())
        word = special_word(asked)
        return answers.worded_answer(asked, word) if word else None

    def _started(self, asked: Asked, digest: str, mode: Mode) -> LogEntry:
        self.requests.append(asked)
        entry = LogEntry(
            event="start",
            number=len(self.requests),
            time=time.time(),
            idempotency_key=asked.headers.get("idempotency-key"),
            messages=digest,
            model=asked.model,
            stream=bool(asked.body.get("stream")),
            mode=mode,
        )
        self._write(entry)
        return entry

    def _write(self, entry: LogEntry) -> None:
        self.entries.append(entry)
        if self._file:
            self._file.write(json.dumps(asdict(entry)) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def _failed(turn: Turn) -> Response | None:
    """The response of a turn that ends in no answer."""
    if turn.complaint:
        return problem(400, turn.complaint, code="not_in_script")
    if turn.mode == "garbage":
        return Response(b"data: {<not the protocol>\n\n", media_type="text/event-stream")
    if turn.mode not in STATUS:
        return None
    status, kind, code, message = STATUS[turn.mode]
    headers = {"Retry-After": f"{turn.retry_after:g}"} if turn.mode == "rate_limit" else None
    return problem(status, message, kind, code, headers)


def _shaped(answer: Answer, mode: Mode) -> Answer:
    """The answer as it comes in a mode that changes it."""
    match mode:
        case "length":
            return answer.halved("length")
        case "filtered":
            return answer.halved("content_filter")
        case "bad_json":
            return Answer((answer.text or "{}")[:-1])
        case "refusal":
            return Answer(refusal=answer.text or "I cannot help with that.")
    return answer
