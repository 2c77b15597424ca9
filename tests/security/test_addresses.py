"""Wherever a model's arguments stand in an address, the request goes where the tool's author said, or nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from domain.tools import Tool
from tests.orchestrators.bench import Bench
from tests.security.world import HOST, Wire, call, overtaken, told

PARTS = [
    "..", ".", "../../admin", "..%2f..%2fadmin", "%2e%2e", "%2e%2e/admin", "//evil.net", "\\\\evil.net\\x",
    "@evil.net", "x@evil.net", ":80", "a?b=c", "a#b", "a;b", "a\r\nHost: evil.net", "a\nX-Admin: 1", "a\0b",
    "http://169.254.169.254/", "http://[::1]/", "\uff0e\uff0e/", "\u2025", "\u3002", "ⓔvil.net", "a\u202eb",
    "/etc/passwd", "file:///etc/passwd", " ", "", "%00", "%", "a%0d%0aHost:%20evil.net", "\U0001f600" * 100,
]  # fmt: skip

HOSTS = [
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]",
    "[::1]", "[::]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "127.0.0.1", "127.1", "2130706433", "0", "localhost",
    "LOCALHOST", "api.example.com.evil.net", "evil.net/api.example.com", "evil.net#api.example.com",
    "api.example.com@evil.net", "evil.net\\@api.example.com", "evil.net?api.example.com", "api.example.com:8443",
    "api.example.com.", "api.example.com\u3002evil.net", "ａｐｉ.example.com.evil.net", "metadata.google.internal",
    "168.63.129.16", "", " ", "*", "*.example.com", "other.example.com",
]  # fmt: skip


def tool(url: str, **http: Any) -> dict[str, Tool]:
    return {"crm": Tool.model_validate({"name": "crm", "delivery": "idempotent", "http": {"url": url, **http}})}


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_of_the_path_stays_one(bench: Bench, wire: Wire, part: str) -> None:
    url = f"https://{HOST}/customers/${{arguments.id}}/notes"
    await overtaken(bench, call(id=part), "done", tools=tool(url))
    for request in wire.sent:
        assert request.headers.get_list("host") == [HOST]
        path = request.url.raw_path.decode()
        assert path.startswith("/customers/")
        assert path.endswith("/notes")
        assert path.count("/") == 3
        assert "?" not in path
        assert "x-admin" not in request.headers
    assert wire.sent or told(bench)[0].startswith("(failed)")


@pytest.mark.parametrize("host", HOSTS)
async def test_an_author_who_lets_the_model_name_the_host_still_reaches_only_listed_ones(
    bench: Bench, wire: Wire, host: str
) -> None:
    await overtaken(bench, call(host=host), "done", tools=tool("https://${arguments.host}/x"))
    assert wire.sent == []
    assert told(bench)[0].startswith("(failed)")


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\0", "ä", "\u202e", "a" * 100_000])
async def test_a_header_holds_one_line(bench: Bench, wire: Wire, value: str) -> None:
    await overtaken(bench, call(x=value), "done", tools=tool(f"https://{HOST}/", headers={"X-Note": "${arguments.x}"}))
    for request in wire.sent:
        assert "x-admin" not in request.headers
        assert all(line.isprintable() for line in request.headers.values())


@pytest.mark.parametrize("name", ["host", "Authorization", "content-length", "transfer-encoding"])
async def test_a_body_sets_no_headers(bench: Bench, wire: Wire, name: str) -> None:
    await overtaken(bench, call(headers={name: "evil"}, **{name: "evil"}), "done", tools=tool(f"https://{HOST}/"))
    assert "evil" not in wire.sent[0].headers.values()


async def test_nothing_is_followed(bench: Bench, wire: Wire) -> None:
    wire.leads_to = "http://169.254.169.254/latest/meta-data"
    await overtaken(bench, call(), "done", tools=tool(f"https://{HOST}/"))
    assert len(wire.sent) == 1
    assert "redirects are not followed" in told(bench)[0]
