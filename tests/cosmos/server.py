"""The application: who asks, what befalls the request, its answer, and the control path of tests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tests.cosmos import KEY, signatures
from tests.cosmos.account import LEVELS, STRONG, Account
from tests.cosmos.charges import FAILED
from tests.cosmos.clock import Clock
from tests.cosmos.errors import READ_SESSION_NOT_AVAILABLE, CosmosError, bad_request
from tests.cosmos.faults import Fault, Faults, Late, Records
from tests.cosmos.messages import Answer, Request, kind_of, parts_of, refusing, saying

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
_FAULTS = TypeAdapter(list[Fault])
_READS = frozenset({"ReadItem", "QueryItems", "ReadItems", "ReadChanges"})
CUT = "cosmos.cut"
"""The extension of the scope that breaks the connection off."""


class Application:
    """An ASGI application. All state is in here; requests are answered one after the other."""

    def __init__(self, key: str = KEY, consistency: str = STRONG) -> None:
        self._key = key
        self._clock = Clock()
        self._account = Account(self._clock, consistency)
        self._faults = Faults()
        self._records = Records()
        self._late = Late()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        if request.parts[:1] == ("_control",):
            answer = self._control(request)
            await self._late.settled()
            await _write(send, answer)
            return
        fault = self._faults.befalling(request)
        answer = await self._answer(request, fault)
        is_cut = fault is not None and fault.kind == "cut"
        self._records.add(request, 0 if is_cut else answer.status, answer.charge, fault)
        if fault is None or not is_cut:
            await _write(send, answer)
            return
        if fault.when == "midway":
            await _write(send, answer, is_whole=False)
        scope["extensions"][CUT]()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _answer(self, request: Request, fault: Fault | None) -> Answer:
        if fault is None:
            return self._work(request)
        if fault.kind == "delay":
            async with self._late.by(fault.seconds):
                return self._work(request)
        done = Answer(503) if fault.when == "before" else self._work(request)
        if fault.kind == "cut":
            return done
        answer = refusing(CosmosError(fault.status, "A fault was asked for.", fault.sub_status), done.charge)
        if fault.retry_after_ms is not None:
            answer.headers["x-ms-retry-after-ms"] = str(fault.retry_after_ms)
        return self._signed(answer)

    def _work(self, request: Request) -> Answer:
        try:
            signatures.check(request, self._key)
            self._check_session(request)
            answer = self._account.answer(request)
            if kind_of(request) in _READS and self._account.consistency in LEVELS[:2]:
                answer = replace(answer, charge=answer.charge * 2)
        except CosmosError as error:
            answer = refusing(error, FAILED)
        return self._signed(answer)

    def _check_session(self, request: Request) -> None:
        """A client that was here before the last start has seen more than there is now."""
        token = request.headers.get("x-ms-session-token", "")
        version = token.rpartition("#")[2]
        if version.isdecimal() and int(version) > self._account.versions.last:
            raise CosmosError(404, "The read session is not available.", READ_SESSION_NOT_AVAILABLE)

    def _signed(self, answer: Answer) -> Answer:
        answer.headers.update({
            "content-type": "application/json",
            "x-ms-request-charge": f"{answer.charge:.2f}",
            "x-ms-session-token": f"0:-1#{self._account.versions.last}",
            "x-ms-activity-id": str(uuid.uuid4()),
            "x-ms-version": "2020-07-15",
        })  # fmt: skip
        return answer

    def _control(self, request: Request) -> Answer:
        """What tests ask of the server itself; no key is needed."""
        what = request.parts[1] if len(request.parts) > 1 else ""
        try:
            return saying(200, self._controlled(request.method, what, json.loads(request.body or b"null")))
        except (ValidationError, ValueError, TypeError) as error:
            return refusing(bad_request(str(error)), 0)

    def _controlled(self, method: str, what: str, given: Any) -> Any:
        if (what, method) in (("reset", "POST"), ("faults", "DELETE")):
            self._late.let_go()
        if what == "reset" and method == "POST":
            self._account.reset()
            self._faults.clear()
            self._records.clear()
        elif what == "clock" and method == "POST":
            self._clock.advance(float(given["advance"]))
        elif what == "regions" and method == "POST":
            for kind, places in given.items():
                listed = [{"name": name, "databaseAccountEndpoint": url} for name, url in places]
                self._account.regions[f"{kind}Locations"] = listed
        elif what == "faults" and method == "POST":
            for fault in _FAULTS.validate_python(given if isinstance(given, list) else [given]):
                self._faults.arm(fault)
        elif what in ("faults", "requests") and method in ("GET", "DELETE"):
            kept = self._faults if what == "faults" else self._records
            listed = kept.listed()
            if method == "DELETE":
                kept.clear()
            return listed
        else:
            raise ValueError(f"There is no {method} of '{what}' here.")
        return {"now": self._clock.now()}


async def _read(scope: Any, receive: Receive) -> Request:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    origin = f"{scope['scheme']}://{headers.get('host', '127.0.0.1')}/"
    return Request(scope["method"], parts_of(scope["raw_path"].decode("ascii")), headers, body, origin)


async def _write(send: Send, answer: Answer, *, is_whole: bool = True) -> None:
    has_body = answer.status not in (204, 304)
    length = len(answer.body) if has_body else 0
    headers = {**answer.headers, "content-length": str(length)} if has_body else answer.headers
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    content = answer.body if has_body else b""
    if is_whole:
        await send({"type": "http.response.body", "body": content})
    else:
        await send({"type": "http.response.body", "body": content[: length // 2], "more_body": True})
