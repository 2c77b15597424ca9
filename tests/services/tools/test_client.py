"""One attempt at a tool call: what is sent, what comes of each answer, and what is never called."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, ClassVar

import httpx
import pytest

from domain.errors import Code, Problem, ProblemError
from domain.tools import MOST_BYTES, Tool
from services.reaching import Resolve
from services.settings import Settings, SettingsError
from services.tools import functions
from services.tools.client import Attempt, ToolClient
from services.tools.functions import Functions, tool_function
from tests.services.models.endpoint import RawEndpoint, http
from tests.support.resolving import leads_to

Answer = Callable[[httpx.Request], httpx.Response]
ADDRESS = "93.184.216.34"
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
    settings = Settings.from_environment({"TOOL_HOSTS": "api.example.com, 127.0.0.1:8080"})
    made = ToolClient(settings, leads_to(ADDRESS), httpx.MockTransport(wire))
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
    assert (request.method, str(request.url)) == ("POST", f"https://{ADDRESS}/orders/7")
    assert request.headers["host"] == request.extensions["sni_hostname"] == "api.example.com"
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
    assert wire.sent[0].headers["host"] == "api.example.com"
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
    ("status", "code"),
    [
        (500, Code.TOOL_UNCERTAIN),
        (502, Code.TOOL_UNCERTAIN),
        (504, Code.TOOL_UNCERTAIN),
        (503, Code.TOOL_FAILED),
        (429, Code.TOOL_FAILED),
    ],
)
async def test_a_server_that_broke_while_it_worked_may_have_done_it(
    client: ToolClient, wire: Wire, status: int, code: Code
) -> None:
    wire.answer = lambda request: httpx.Response(status)
    assert (await problem(client, tool(delivery="at_most_once"))).code is code
    again = await problem(client, tool(delivery="idempotent"))
    assert (again.code, again.retryable) == (Code.TOOL_FAILED, True)


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

        for delivery, again in (("at_most_once", False), ("at_least_once", True), ("idempotent", True)):
            with pytest.raises(ProblemError, match="ZeroDivisionError: oh") as caught:
                await client.call(self.of("bad", delivery=delivery))
            # Nobody but the function knows how far it came.
            assert caught.value.problem.retryable is again

    async def test_what_is_no_json_is_said(self, client: ToolClient) -> None:
        @tool_function("odd")
        def odd(id: int) -> object:
            return object()

        with pytest.raises(ProblemError, match="Unable to serialize unknown type"):
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
        with pytest.raises(ProblemError, match=r"`no\.such\.module` that TOOL_MODULES names cannot be imported"):
            Functions(("no.such.module",)).find("x")
        assert Functions(()).find("x") is None


class TestSecrets:
    SECRET = "tok-0123456789"
    HELD: ClassVar = {
        "TOOL_HOSTS": "api.example.com, other.example.com",
        "SECRET_TOKEN": SECRET,
        "SECRET_HOSTS": '{"TOKEN": ["api.example.com"]}',
        "SECRET_TENANTS": '{"TOKEN": ["one"]}',
    }
    REQUEST: ClassVar[dict[str, Any]] = {
        "headers": {"Authorization": {"secret": "TOKEN", "prefix": "Bearer "}},
        "query": {"key": {"secret": "TOKEN"}},
    }

    @pytest.fixture
    async def client(self, wire: Wire) -> AsyncIterator[ToolClient]:
        made = ToolClient(Settings.from_environment(self.HELD), leads_to(ADDRESS), httpx.MockTransport(wire))
        yield made
        await made.close()

    async def call(self, client: ToolClient, made: Tool, tenant: str = "one") -> Any:
        return await client.call(Attempt(made, {"id": 7}, "k", tenant))

    async def test_they_are_sent_and_come_back_nowhere(
        self, client: ToolClient, wire: Wire, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        wire.answer = lambda request: httpx.Response(200, json={"saw": dict(request.headers), "url": str(request.url)})
        found = await self.call(client, tool(**self.REQUEST))
        [request] = wire.sent
        assert request.headers["authorization"] == f"Bearer {self.SECRET}"
        assert request.url.params["key"] == self.SECRET
        assert found["saw"]["authorization"] == "Bearer [secret]"
        assert self.SECRET not in json.dumps(found) + caplog.text

    @pytest.mark.parametrize("padding", range(170, 200))
    async def test_nor_in_an_error_that_is_cut_short(self, client: ToolClient, wire: Wire, padding: int) -> None:
        wire.answer = lambda request: httpx.Response(400, text="x" * padding + self.SECRET)
        with pytest.raises(ProblemError) as caught:
            await self.call(client, tool(**self.REQUEST))
        assert "tok-" not in str(caught.value) + repr(
            caught.value.__context__ if not caught.value.__suppress_context__ else ""
        )

    @pytest.mark.parametrize(
        ("url", "tenant"),
        [("https://other.example.com/", "one"), ("https://api.example.com/", "two"), ("https://api.example.com/", "")],
    )
    async def test_they_go_to_no_other_host_and_for_no_other_tenant(
        self, client: ToolClient, wire: Wire, url: str, tenant: str
    ) -> None:
        with pytest.raises(ProblemError) as caught:
            await self.call(client, tool(url, **self.REQUEST), tenant)
        assert caught.value.problem.code is Code.SECRET_UNAVAILABLE
        assert wire.sent == []

    async def test_a_function_that_says_one_does_not(self, client: ToolClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(functions, "_registered", {})

        @tool_function("leaky")
        def leaky(id: int) -> str:
            raise ValueError("x" * 480 + self.SECRET)

        with pytest.raises(ProblemError) as caught:
            await self.call(client, Tool(name="leaky", function="leaky"))
        assert "tok-" not in str(caught.value)


class TestWhereNamesLead:
    """A resolver that lies, and connections to real sockets of this machine."""

    @pytest.fixture
    async def endpoint(self) -> AsyncIterator[RawEndpoint]:
        async with RawEndpoint(http(200, '{"inside": true}')) as endpoint:
            yield endpoint

    async def call(self, hosts: str, url: str, resolve: Resolve) -> Any:
        client = ToolClient(Settings.from_environment({"TOOL_HOSTS": hosts}), resolve)
        try:
            return await client.call(attempt(tool(url)))
        finally:
            await client.close()

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.7", "169.254.169.254", "168.63.129.16", "fd00::1"]
    )
    async def test_inside_is_not_called(self, endpoint: RawEndpoint, address: str) -> None:
        url, lies = f"https://api.example.com:{endpoint.port}/", leads_to(ADDRESS, address)
        with pytest.raises(ProblemError, match="which is not public, and TOOL_HOSTS does not list") as caught:
            await self.call(f"api.example.com:{endpoint.port}", url, lies)
        assert caught.value.problem.code is Code.TOOL_REFUSED
        assert endpoint.received == []

    async def test_the_name_is_looked_up_once(self, endpoint: RawEndpoint) -> None:
        asked: list[str] = []

        async def rebinding(host: str, port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        url = f"http://localhost:{endpoint.port}/"
        assert await self.call(f"localhost:{endpoint.port}", url, rebinding) == {"inside": True}
        assert asked == ["localhost"]
        assert endpoint.received[0].headers["host"] == f"localhost:{endpoint.port}"

    async def test_a_name_that_is_not_found_in_time_was_surely_not_called(self) -> None:
        async def never(host: str, port: int) -> Sequence[str]:
            await asyncio.Event().wait()
            return ()

        client = ToolClient(Settings.from_environment({"TOOL_HOSTS": "api.example.com"}), never)
        made = Tool.model_validate({"name": "orders", "http": {"url": URL}, "timeout": "PT0.05S"})
        found = await problem(client, made)
        assert (found.code, found.retryable) == (Code.TOOL_FAILED, True)
        assert "nothing was sent" in found.message

    async def test_a_private_network_that_is_listed_may_be_reached(self) -> None:
        settings = Settings.from_environment({"TOOL_HOSTS": "stock.internal:8080, 10.1.0.0/16"})
        sent: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return httpx.Response(200, text="ok")

        for address, reached in (("10.1.2.3", True), ("10.2.0.1", False)):
            client = ToolClient(settings, leads_to(address), httpx.MockTransport(answer))
            sent.clear()
            if reached:
                assert await client.call(attempt(tool("http://stock.internal:8080/"))) == "ok"
            else:
                assert (await problem(client, tool("http://stock.internal:8080/"))).code is Code.TOOL_REFUSED
            assert bool(sent) is reached
            # The network is where names may lead, and nothing to call by itself.
            assert (await problem(client, tool("http://10.1.2.3:8080/"))).code is Code.TOOL_REFUSED

    @pytest.mark.parametrize("network", ["0.0.0.0/0", "169.254.0.0/16", "127.0.0.0/8", "10.1.2.3/8", "::/0"])
    def test_what_is_no_private_network_is_refused_at_start(self, network: str) -> None:
        with pytest.raises(SettingsError):
            Settings.from_environment({"TOOL_HOSTS": network})

    async def test_no_tls_without_a_port_of_its_own(self, client: ToolClient, wire: Wire) -> None:
        assert "without TLS" in (await problem(client, tool("http://api.example.com/"))).message
        assert wire.sent == []


class TestRequests:
    async def test_the_query(self, client: ToolClient, wire: Wire) -> None:
        query = {"q": "${arguments.text}", "tag": "${arguments.tags}", "none": "${null}", "flag": "${true}"}
        made = tool("https://api.example.com/find?fixed=1", method="GET", query=query, headers={"X-None": "${null}"})
        await client.call(attempt(made, text="a&b=c d", tags=["x", "y"]))
        [request] = wire.sent
        assert request.url.params.multi_items() == [
            ("fixed", "1"), ("q", "a&b=c d"), ("tag", "x"), ("tag", "y"), ("flag", "true"),
        ]  # fmt: skip
        assert "x-none" not in request.headers

    async def test_nothing_is_sent_for_a_body_of_null(self, client: ToolClient, wire: Wire) -> None:
        await client.call(attempt(tool(body="${null}")))
        assert wire.sent[0].content == b""

    async def test_a_header_cannot_be_broken_out_of(self, client: ToolClient, wire: Wire) -> None:
        made = tool(headers={"X-Who": "${arguments.who}"})
        with pytest.raises(ProblemError, match="printable ASCII"):
            await client.call(attempt(made, who="ann\r\nX-Admin: yes"))
        assert wire.sent == []

    async def test_an_answer_is_as_long_as_the_tool_allows(self, client: ToolClient, wire: Wire) -> None:
        wire.answer = lambda request: httpx.Response(200, text="x" * 11)
        short = Tool.model_validate({"name": "orders", "http": {"url": URL}, "max_bytes": 10})
        assert "more than 10 bytes" in (await problem(client, short)).message
        with pytest.raises(ValueError, match="max_bytes"):
            Tool.model_validate({"name": "orders", "http": {"url": URL}, "max_bytes": MOST_BYTES + 1})

    @pytest.mark.parametrize("kind", ["application/octet-stream", "image/png", "application/pdf"])
    async def test_what_is_no_text_is_refused(self, client: ToolClient, wire: Wire, kind: str) -> None:
        wire.answer = lambda request: httpx.Response(200, content=b"\x00\xff", headers={"Content-Type": kind})
        assert kind in (await problem(client, tool())).message

    @pytest.mark.parametrize(
        ("content", "kind", "found"),
        [
            ("größer".encode("latin-1"), "text/plain; charset=iso-8859-1", "größer"),
            ("größer".encode(), "text/plain; charset=no-such", "größer"),
            (b"<a/>", "application/xml", "<a/>"),
            (b'{"a": 1}', "application/problem+json; charset=utf-8", {"a": 1}),
            (b'"\\ud800"', "application/json", "?"),
            (b"", "application/json", ""),
        ],
    )
    async def test_texts(self, client: ToolClient, wire: Wire, content: bytes, kind: str, found: Any) -> None:
        wire.answer = lambda request: httpx.Response(200, content=content, headers={"Content-Type": kind})
        assert await client.call(attempt(tool())) == found

    @pytest.mark.parametrize("content", [b"[" * 200_000, b"NaN", b"[1e999]"])
    async def test_json_that_is_none(self, client: ToolClient, wire: Wire, content: bytes) -> None:
        wire.answer = lambda request: httpx.Response(200, content=content, headers={"Content-Type": "application/json"})
        assert (await problem(client, tool())).code is Code.TOOL_FAILED


async def test_calls_of_one_process_wait_their_turn(client: ToolClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "_registered", {})
    now, most, go = 0, 0, asyncio.Event()

    @tool_function("busy")
    async def busy(id: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if most == 2:
            go.set()
        await go.wait()
        await asyncio.sleep(0)
        now -= 1
        return id

    made = Tool.model_validate({"name": "busy", "function": "busy", "concurrency": 2, "timeout": "PT5S"})
    assert await asyncio.gather(*(client.call(attempt(made, id=n)) for n in range(6))) == list(range(6))
    assert most == 2
