"""What Azure's host does with a request, row by row: which function gets it, what that sees, what the caller gets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.devhost.conftest import HostClient, MakeApp, Serve

ROUTED = [  # request, then the function that gets it and its route parameters, or a status
    ("GET items/all", "literal", {}),
    ("GET ITEMS/All", "literal", {}),
    ("GET items/all/", "literal", {}),
    ("GET items/5", "constrained", {"id": "5"}),
    ("GET items/five", "plain", {"id": "five"}),
    ("GET items/a%20b%2Fc", "plain", {"id": "a b%2Fc"}),
    ("GET items/%C3%A9", "plain", {"id": "é"}),
    ("GET items/5/parts", "deep", {"id": "5"}),
    ("GET items/5/parts/6", "deep", {"id": "5", "part": "6"}),
    ("GET items/5/other/6", "rest", {"path": "5/other/6"}),
    ("GET items", "rest", {}),
    ("GET pages", "page", {}),
    ("GET methods", "getter", {}),
    ("PUT methods", "poster", {}),
    ("DELETE methods", 404, {}),
    ("GET typed/6f9619ff-8b86-d011-b42d-00c04fc964ff", "guid", {"v": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
    ("GET typed/9", "ranged", {"v": "9"}),
    ("GET typed/10", 404, {}),
    ("GET typed/abc", "lengthy", {"v": "abc"}),
    ("GET typed/abcd", 404, {}),
    ("GET defaults", "defaulted", {"v": "none"}),
    ("GET defaults/some", "defaulted", {"v": "some"}),
    ("GET files/a.tar.gz", "parts", {"name": "a.tar", "ext": "gz"}),
    ("DELETE unnamed", "unnamed", {}),
    ("POST unnamed", 404, {}),
    ("GET unknown", 404, {}),
    ("GET administrators", 501, {}),
    ("PATCH items/all", "literal", {}),
]

SEEN: list[tuple[dict[str, Any], dict[str, Any]]] = [  # how it is sent, and what the function sees of it
    ({"params": "a=1&b=2&a=3"}, {"query": {"a": "1,3", "b": "2"}}),
    ({"params": "A=1&a=2"}, {"query": {"A": "1,2"}}),
    ({"params": "empty=&none&full=%20"}, {"query": {"full": " "}}),
    ({"params": "plus=a+b&pct=a%2Bb"}, {"query": {"plus": "a b", "pct": "a+b"}}),
    ({"headers": [("X-Many", "1"), ("x-many", "2")]}, {"headers": {"x-many": "1,2"}}),
    ({"headers": {"X-Empty": ""}}, {"headers": {"x-empty": ""}}),
    ({"headers": {"Cookie": "a=1; b=2"}}, {"headers": {"cookie": "a=1; b=2"}}),
    ({"headers": {"Content-Type": "application/json"}, "content": b'{"a": 1.0}'}, {"body": '{"a": 1.0}'}),
    ({"data": {"a": "1", "b": "x y"}}, {"form": {"a": "1", "b": "x y"}}),
    ({"files": {"file": ("n.txt", b"content")}}, {"files": {"file": "content"}}),
    ({"content": b""}, {"body": ""}),
]

ANSWERED = {  # the function, and the status, headers and body that its caller gets
    "text": (200, {"content-type": "text/plain; charset=utf-8"}, b"caf\xc3\xa9"),
    "html": (200, {"content-type": "text/html; charset=utf-8"}, b"<p>"),
    "raw": (200, {"content-type": "application/octet-stream"}, b"\x00\xff"),
    "headed": (418, {"x-pot": "tea", "content-type": "application/problem+json"}, b"{}"),
    "none": (204, {}, b""),
    "moved": (302, {"location": "/elsewhere"}, b""),
    "failing": (500, {}, b"Internal Server Error"),
    "a_dict": (500, {}, b"Internal Server Error"),
    "exiting": (500, {}, b"Internal Server Error"),
}


@pytest.fixture
async def host(serve: Serve) -> AsyncIterator[HostClient]:
    async with serve("conforming") as client:
        yield client


async def test_requests_reach_their_functions(host: HostClient) -> None:
    got: list[object] = []
    for request, *_ in ROUTED:
        method, path = request.split()
        response = await host.request(method, f"/api/{path}")
        got.append((request, *(response.json() if response.status_code == 200 else (response.status_code, {}))))
    assert got == ROUTED
    unserved = {function.name: function.unserved for function in host.host.functions if function.unserved}
    assert unserved == {
        "admins": "its route 'administrators' is the host's own: on Azure none may begin with 'admin' or 'runtime'",
        "lost": "the function 'literal' has the same route 'items/all'",
    }


async def test_functions_see_what_was_sent(host: HostClient) -> None:
    for sent, expected in SEEN:
        seen = (await host.post("/api/see", **sent)).json()
        for part, values in expected.items():
            found = {name: seen[part].get(name) for name in values} if part == "headers" else seen[part]
            assert found == values, sent


async def test_callers_get_what_functions_answer(host: HostClient) -> None:
    for name, (status, headers, body) in ANSWERED.items():
        response = await host.get(f"/api/answer/{name}")
        found = {header: response.headers[header] for header in headers}
        assert (response.status_code, found, response.content) == (status, headers, body), name
        head = await host.head(f"/api/answer/{name}")
        assert (head.status_code, head.content) == (status, b""), name


async def test_bodies_up_to_azures_limit(host: HostClient) -> None:
    """A body over 100 MB is refused before it is sent when its length is announced."""

    async def megabytes() -> AsyncIterator[bytes]:
        for _ in range(104):
            yield bytes(1_000_000)

    async with sending(host, "Content-Length: 104857601") as (reader, _):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    assert (await host.post("/api/slow", content=megabytes())).text == "done"
    assert (await host.get("/api/finished")).json() == [104_000_000]


async def test_a_caller_that_leaves_while_sending_runs_nothing(
    host: HostClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with sending(host, "Content-Length: 100") as (_, writer):
        writer.write(b"not all of it")
        await writer.drain()
    async with asyncio.timeout(10):
        while "slow  POST /api/slow" not in caplog.text:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.02)
    assert "left" in caplog.text
    assert (await host.get("/api/finished")).json() == []


@contextlib.asynccontextmanager
async def sending(host: HostClient, header: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which a request to the slow function has begun."""
    reader, writer = await asyncio.open_connection(host.base_url.host, host.base_url.port)
    try:
        writer.write(f"POST /api/slow HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
        await writer.drain()
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def test_without_a_prefix_the_hosts_own_paths_still_come_first(serve: Serve, make_app: MakeApp) -> None:
    app = make_app(
        "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route('{*path}')\ndef everything(req: func.HttpRequest): return req.route_params.get('path', 'root')\n",
        {"host.json": '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'},
    )
    async with serve(app) as client:
        texts = [(await client.get(path)).text for path in ("/", "/a/b", "/api/x")]
        status: dict[str, Any] = (await client.get("/admin/host/status")).json()
    assert texts == ["root", "a/b", "api/x"]
    assert status["state"] == "Running"
