"""Classic HTTP functions: what they see, what callers get back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.devhost.conftest import MakeApp, Serve


async def test_a_function_sees_the_request_as_on_azure(serve: Serve) -> None:
    async with serve("classic") as client:
        request = client.build_request(
            "POST", "/api/ECHO/Bob%20B/5?a=1&a=2&empty=", content=b"body", headers=[("X-One", "1"), ("x-one", "2")]
        )
        request.headers["traceparent"] = "00-1-2-01"
        response = await client.send(request)
    seen = response.json()
    assert response.status_code == 201
    assert response.headers["x-served-by"] == "f"
    assert seen["method"] == "POST"
    assert seen["url"] == str(request.url)
    assert seen["query"] == {"a": "1,2"}
    assert seen["headers"]["x-one"] == "1,2"
    assert seen["route"] == {"name": "Bob B", "number": "5"}
    assert seen["body"] == "body"
    assert seen["function"] == "echo"
    assert seen["trace"] == "00-1-2-01"


async def test_responses_keep_type_and_cookies(serve: Serve) -> None:
    async with serve("classic") as client:
        text, cookies = await client.get("/api/text"), await client.get("/api/cookies")
    assert text.text == "plain words"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert cookies.headers["content-type"] == "text/html; charset=utf-8"
    assert cookies.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/only-post", 404),  # the methods are part of the route
        ("GET", "/api/unknown", 404),
        ("GET", "/api/echo/bob/not-a-number", 404),
        ("GET", "/api/broken", 500),
        ("GET", "/api/nothing", 500),  # None is no HTTP response
        ("GET", "/api/queued", 501),
    ],
)
async def test_refusals(serve: Serve, method: str, path: str, status: int) -> None:
    async with serve("classic") as client:
        response = await client.request(method, path)
    assert response.status_code == status


async def test_a_failing_function_logs_the_users_frames_only(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async with serve("classic") as client:
        await client.get("/api/broken")
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert re.match(r"500 +\d+ ms  broken  GET /api/broken\nTraceback ", record.getMessage())
    assert "this one always fails" in record.getMessage()
    assert "invocation.py" not in record.getMessage()


async def test_bodies_over_the_limit_are_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "1000")
    async with serve("classic") as client:
        fits = await client.post("/api/only-post", content=b"x" * 1000)
        announced = await client.post("/api/only-post", content=b"x" * 1001)
        chunked = await client.post("/api/only-post", content=_chunks(3, 400))
    assert (fits.status_code, fits.text) == (200, "1000 bytes")
    assert announced.status_code == chunked.status_code == 413


async def test_a_large_body_arrives_whole(serve: Serve) -> None:
    async with serve("classic") as client:
        response = await client.post("/api/only-post", content=b"x" * 20_000_000)
    assert response.text == "20000000 bytes"


async def _chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_cors_is_what_local_settings_ask_for(serve: Serve, make_app: MakeApp) -> None:
    app = make_app(
        "app = func.FunctionApp()\n@app.route('hi')\ndef hi(req: func.HttpRequest): return 'hi'\n",
        {"local.settings.json": '{"Host": {"CORS": "http://page.test", "CORSCredentials": true}}'},
    )
    async with serve(app) as client:
        response = await client.get("/api/hi", headers={"origin": "http://page.test"})
    assert response.headers["access-control-allow-origin"] == "http://page.test"
    assert response.headers["access-control-allow-credentials"] == "true"


# Not AsgiFunctionApp: when collected, it runs a loop of its own, which no test can have in the middle of another's.
ASGI_FUNCTION = """
@app.route("{*path}")
async def web(req: func.HttpRequest, context: func.Context):
    return await func.AsgiMiddleware(asgi).handle_async(req, context)
"""


@pytest.mark.parametrize("kind", ["Asgi", "Wsgi"])
async def test_whole_web_apps_are_carried_by_one_function(serve: Serve, make_app: MakeApp, kind: str) -> None:
    app = make_app(
        """
async def asgi(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body})

def wsgi(environ, start_response):
    start_response("201 Created", [("content-type", "text/plain")])
    return [environ["PATH_INFO"].encode() + b" " + environ["wsgi.input"].read()]

app = """
        + ("func.FunctionApp()" + ASGI_FUNCTION if kind == "Asgi" else "func.WsgiFunctionApp(wsgi)")
    )
    async with serve(app) as client:
        response = await client.post("/api/some/where", content=b"body")
    assert (response.status_code, response.text) == (201, "/api/some/where body")
