"""Watching live: who gets in, what the trigger is told, and that it is told before the answer is sent."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Message

from api import app as app_module
from api.carrier import negotiate
from services.wiring import Services
from tests.api.conftest import problem

CONNECTION = {"url": "http://live.test/client/?hub=executions", "accessToken": "jwt"}
WATCHER = f"one.{uuid.UUID(int=7)}"


@pytest.fixture
def the_app(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "the_app", lambda: app)


async def ask(body: Any, watcher: str | None = WATCHER, caller: str = "one") -> tuple[httpx.Response, Any]:
    """What the function `negotiate` answers, and what it gives to its output binding."""
    content = json.dumps(body).encode()
    headers = [(b"authorization", f"Bearer {caller}".encode())]
    headers += [(b"x-watcher", watcher.encode())] if watcher is not None else []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/negotiate",
        "query_string": b"",
        "headers": headers,
        "path_params": {"of": "the host"},
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    response, joining = await negotiate(Request(scope, receive), json.dumps(CONNECTION))
    answer = httpx.Response(response.status_code, headers=response.raw_headers, content=bytes(response.body))
    return answer, joining and json.loads(joining)


@pytest.mark.usefixtures("the_app")
class TestNegotiate:
    async def test_a_watcher_joins_the_group_of_the_execution(self, execution: str) -> None:
        answer, joining = await ask({"execution": execution})
        assert (answer.status_code, answer.json()) == (200, CONNECTION)
        assert answer.headers["cache-control"] == "no-store"
        assert joining == {"action": "add", "groupName": f"one.{execution}", "userId": WATCHER}

    @pytest.mark.parametrize(
        "watcher",
        [
            None,
            "",
            "one",
            "one.",
            str(uuid.UUID(int=7)),
            f"two.{uuid.UUID(int=7)}",
            f"one.two.{uuid.UUID(int=7)}",
            f".{uuid.UUID(int=7)}",
            f"one.{uuid.UUID(int=7).hex}",
            f"one.{{{uuid.UUID(int=7)}}}",
            "one.someone-else",
        ],
    )
    async def test_a_watcher_is_of_the_callers_tenant(self, execution: str, watcher: str | None) -> None:
        answer, joining = await ask({"execution": execution}, watcher)
        problem(answer, 400, "invalid_request")
        assert joining is None
        assert "jwt" not in answer.text

    @pytest.mark.parametrize("body", [{}, {"execution": 5}, {"execution": "x", "group": "all"}, [], None])
    async def test_a_bad_body(self, execution: str, body: Any) -> None:
        answer, joining = await ask(body)
        problem(answer, 400, "invalid_request")
        assert joining is None

    async def test_another_tenants_execution_is_not_there(self, execution: str) -> None:
        answer, joining = await ask({"execution": execution}, f"two.{uuid.UUID(int=7)}", "two")
        problem(answer, 404, "not_found")
        assert joining is None

    async def test_nobody_in_particular_gets_nothing(self, execution: str, services: Services) -> None:
        answer, joining = await ask({"execution": execution}, caller="nobody")
        problem(answer, 401, "unauthenticated")
        assert joining is None


async def test_without_a_connection_it_says_so(api: httpx.AsyncClient, execution: str) -> None:
    answer = await api.post("/api/negotiate", json={"execution": execution}, headers={"x-watcher": WATCHER})
    problem(answer, 503, "platform_failed")
