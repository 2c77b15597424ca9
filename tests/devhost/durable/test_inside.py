"""The SDK's client inside the host calls it without a socket, and hears the same."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterator
from types import ModuleType

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devhost.durable.inside import InsideSession, call_from_inside

URL = "http://127.0.0.1:7/runtime/a%2Fb?code=k%26"


async def tell(request: Request) -> Response:
    heard = {
        "method": request.method,
        "url": str(request.url),
        "raw": request.scope["raw_path"].decode(),
        "query": dict(request.query_params),
        "header": request.headers.get("traceparent"),
        "body": (await request.body()).decode(),
    }
    return JSONResponse(heard, 202)


async def nothing(request: Request) -> Response:
    return Response(status_code=404)


APP = Starlette(
    routes=[Route("/runtime/{rest:path}", tell, methods=["GET", "POST", "DELETE"]), Route("/nothing", nothing)]
)


@pytest.fixture
def sdk() -> Iterator[ModuleType]:
    module = importlib.import_module("azure.durable_functions.models.utils.http_utils")
    yield module
    vars(module)["_client_session"] = None


async def test_a_request_arrives_as_over_http(sdk: ModuleType) -> None:
    call_from_inside(APP)
    status, heard = await sdk.post_async_request(URL, {"ü": [1]}, "00-trace")
    assert status == 202
    assert heard == {
        "method": "POST",
        "url": URL.replace("%2F", "/"),
        "raw": "/runtime/a%2Fb",
        "query": {"code": "k&"},
        "header": "00-trace",
        "body": '{"\\u00fc": [1]}',
    }
    assert (await sdk.get_async_request(URL))[1]["method"] == "GET"
    assert (await sdk.delete_async_request(URL))[1]["method"] == "DELETE"
    assert (await sdk.post_async_request(URL))[1]["body"] == ""


async def test_an_empty_answer_is_read_as_the_sdk_reads_it(sdk: ModuleType) -> None:
    call_from_inside(APP)
    assert await sdk.get_async_request("http://127.0.0.1:7/nothing") == [404, ""]


async def test_closed_it_is_used_no_more(sdk: ModuleType) -> None:
    session = call_from_inside(APP)
    assert isinstance(session, InsideSession)
    await sdk._close_session()
    assert session.closed
    assert sdk._client_session is None


async def test_an_unknown_sdk_is_left_alone(sdk: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.99.0")
    assert call_from_inside(APP) is None
    assert sdk._client_session is None
