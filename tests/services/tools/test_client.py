"""One attempt at a tool call: what is sent, what comes of each answer, and what is never called."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from domain.errors import Code, Problem, ProblemError
from domain.tools import Tool
from services.settings import Settings
from services.tools import functions
from services.tools.client import MOST_BYTES, Attempt, ToolClient
from services.tools.functions import Functions, tool_function

Answer = Callable[[httpx.Request], httpx.Response]
URL = "https://api.example.com/orders/${arguments.id}"


class Wire:
    """Stands for the network: `answer` gives the response, `sent` are the requests."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request: httpx.Response(200, json={"ok": True})
        self.sent: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return self.answer(request)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[ToolClient]:
    made = ToolClient(Settings.from_environment({"TOOL_HOSTS": "api.example.com, 127.0.0.1:8080"}))
    made._http = httpx.AsyncClient(transport=httpx.MockTransport(wire))
    yield made
    await made.close()


def tool(url: str = URL, delivery: str = "idempotent", **http: Any) -> Tool:
    return Tool.model_validate(
        {"name": "orders", "http": {"url": url, **http}, "delivery": delivery, "timeout": "PT5S"}
    )


def attempt(made: Tool, **arguments: Any) -> Attempt:
    return Attempt(made, {"id": 7, **arguments}, "execution:step#0")


async def problem(client: ToolClient, made: Tool) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await client.call(attempt(made))
    return caught.value.problem


async def test_the_arguments_fill_the_request(client: ToolClient, wire: Wire) -> None:
    made = tool(headers={"X-Who": "${arguments.who}"}, body={"note": "for ${arguments.who}", "all": "${arguments}"})
    assert await client.call(attempt(made, who="ann")) == {"ok": True}
    [request] = wire.sent
    assert (request.method, str(request.url)) == ("POST", "https://api.example.com/orders/7")
    assert (request.headers["x-who"], request.headers["idempotency-key"]) == ("ann", "execution:step#0")
    assert json.loads(request.content) == {"note": "for ann", "all": {"id": 7, "who": "ann"}}


async def test_a_get_has_no_body_and_text_is_given_as_text(client: ToolClient, wire: Wire) -> None:
    wire.answer = lambda request: httpx.Response(200, text="plain")
    assert await client.call(attempt(tool(method="GET"))) == "plain"
    assert wire.sent[0].content == b""


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/x",
        "https://api.example.com.evil.com/",
        "https://api.example.com@evil.com/",
        "http://127.0.0.1/",
        "http://127.0.0.1:9/",
        "http://169.254.169.254/latest",
        "http://localhost:8080/",
        "file:///etc/passwd",
        "ftp://api.example.com/",
    ],
)
async def test_only_hosts_that_are_allowed_are_called(client: ToolClient, wire: Wire, url: str) -> None:
    found = await problem(client, tool(url))
    assert found.code is Code.TOOL_REFUSED
    assert not found.retryable
    assert wire.sent == []


@pytest.mark.parametrize("id", ["../../admin", "7?x=1", "7#x", "@evil.com", "7 8"])
async def test_an_argument_does_not_lead_elsewhere(client: ToolClient, wire: Wire, id: str) -> None:
    await client.call(Attempt(tool(), {"id": id}, "k"))
    assert wire.sent[0].url.host == "api.example.com"
    assert wire.sent[0].url.raw_path.startswith(b"/orders/")
    assert b"?" not in wire.sent[0].url.raw_path


@pytest.mark.parametrize("id", [".", ".."])
async def test_dots_are_no_part_of_an_address(client: ToolClient, wire: Wire, id: str) -> None:
    with pytest.raises(ProblemError, match="address"):
        await client.call(Attempt(tool(), {"id": id}, "k"))
    assert wire.sent == []


async def test_a_redirect_is_not_followed(client: ToolClient, wire: Wire) -> None:
    wire.answer = lambda request: httpx.Response(302, headers={"Location": "https://evil.example.com/"})
    assert (await problem(client, tool())).code is Code.TOOL_REFUSED
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("response", "code", "retryable", "after"),
    [
        (httpx.Response(400, text="no such order"), Code.TOOL_REFUSED, False, None),
        (httpx.Response(404), Code.TOOL_REFUSED, False, None),
        (httpx.Response(429, headers={"Retry-After": "9"}), Code.TOOL_FAILED, True, 9.0),
        (httpx.Response(503), Code.TOOL_FAILED, True, None),
        (httpx.Response(200, content=b"{", headers={"content-type": "application/json"}), Code.TOOL_FAILED, True, None),
        (httpx.Response(200, content=b"x" * (MOST_BYTES + 1)), Code.TOOL_REFUSED, False, None),
    ],
    ids=["400", "404", "429", "503", "no JSON", "too much"],
)
async def test_what_comes_of_each_answer(
    client: ToolClient, wire: Wire, response: httpx.Response, code: Code, retryable: bool, after: float | None
) -> None:
    wire.answer = lambda request: response
    found = await problem(client, tool())
    assert (found.code, found.retryable, found.retry_after) == (code, retryable, after)
    assert "orders" in found.message


@pytest.mark.parametrize(
    ("error", "delivery", "code"),
    [
        (httpx.ConnectError("refused"), "at_most_once", Code.TOOL_FAILED),  # it was never sent
        (httpx.ReadError("reset"), "at_most_once", Code.TOOL_UNCERTAIN),
        (httpx.ReadError("reset"), "at_least_once", Code.TOOL_FAILED),
        (TimeoutError(), "at_most_once", Code.TOOL_UNCERTAIN),
        (TimeoutError(), "idempotent", Code.TOOL_FAILED),
    ],
)
async def test_a_lost_connection_is_uncertain_where_that_matters(
    client: ToolClient, wire: Wire, error: Exception, delivery: str, code: Code
) -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise error

    wire.answer = fails
    assert (await problem(client, tool(delivery=delivery))).code is code


class TestFunctions:
    @pytest.fixture(autouse=True)
    def _none_registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(functions, "_registered", {})

    def of(self, function: str, **more: Any) -> Attempt:
        return attempt(Tool.model_validate({"name": function, "function": function, **more}))

    async def test_its_own_problem_is_kept_and_any_other_exception_becomes_one(self, client: ToolClient) -> None:
        @tool_function("bad")
        def bad(id: int) -> None:
            raise ZeroDivisionError("oh")

        with pytest.raises(ProblemError, match="ZeroDivisionError: oh"):
            await client.call(self.of("bad"))

    async def test_what_is_no_json_is_said(self, client: ToolClient) -> None:
        @tool_function("odd")
        def odd(id: int) -> object:
            return object()

        with pytest.raises(ProblemError, match="not JSON serializable"):
            await client.call(self.of("odd"))

    async def test_one_that_takes_too_long_is_given_up(self, client: ToolClient) -> None:
        @tool_function("slow")
        async def slow(id: int) -> None:
            await asyncio.Event().wait()

        with pytest.raises(ProblemError) as caught:
            await client.call(self.of("slow", timeout="PT0.01S"))
        assert caught.value.problem.code is Code.TOOL_UNCERTAIN

    def test_a_name_is_taken_once(self) -> None:
        @tool_function("one")
        def first() -> None: ...

        with pytest.raises(ValueError, match="already"):

            @tool_function("one")
            def second() -> None: ...

    def test_modules_are_imported_when_asked(self) -> None:
        with pytest.raises(ImportError):
            Functions(("no.such.module",)).find("x")
        assert Functions(()).find("x") is None
