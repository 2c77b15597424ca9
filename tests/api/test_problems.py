"""Every failure is a problem document, also those nobody foresaw."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI

from api.problems import STATUS, ProblemResponse
from domain.errors import Code, platform_failed
from services.documents.base import DocumentStore
from services.settings import SettingsError
from services.wiring import Services
from tests.api.conftest import problem


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api"),
        ("GET", "/api/"),
        ("GET", "/api/nothing"),
        ("GET", "/api/agents/"),
        ("GET", "/api/agents/a/b"),
        ("GET", "/api/executions/x/y/z"),
        ("POST", "/api/nothing"),
        ("GET", "/nothing"),
    ],
)
async def test_unknown_paths(api: httpx.AsyncClient, method: str, path: str) -> None:
    problem(await api.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/agents"),
        ("POST", "/api/agents/a"),
        ("DELETE", "/api/executions"),
        ("GET", "/api/negotiate"),
        ("PUT", "/api/health"),
        ("GET", "/api/executions/x/cancel"),
        ("POST", "/"),
    ],
)
async def test_wrong_methods(api: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await api.request(method, path)
    problem(answer, 405, "invalid_request")
    assert answer.headers["allow"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic one", "one"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/agents"),
        ("POST", "/api/agents"),
        ("PUT", "/api/workflows/w"),
        ("POST", "/api/workflows/validate"),
        ("POST", "/api/executions"),
        ("GET", "/api/executions/x/events"),
        ("POST", "/api/negotiate"),
        ("GET", "/api/me"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/schemas/agent"),
    ],
)
async def test_no_token_no_entry(api: httpx.AsyncClient, method: str, path: str, header: str | None) -> None:
    del api.headers["authorization"]
    headers = {"Authorization": header} if header is not None else {}
    answer = await api.request(method, path, headers=headers)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_nobody_foresaw_is_logged_and_not_told(
    api: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(services.agents, "get", fail)
    with caplog.at_level(logging.ERROR, "meta_agents.api"):
        answer = await api.get("/api/agents/writer")
    problem(answer, 500, "platform_failed")
    assert "secret" not in answer.text
    assert answer.json()["correlation"] in caplog.text
    assert "the secret inside" in caplog.text


async def test_a_failing_store_says_when_to_come_back(
    api: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> DocumentStore:
        from domain.errors import ProblemError

        raise ProblemError(platform_failed("The store is away."))

    monkeypatch.setattr(services.documents, "get_many", fail)
    answer = await api.get("/api/agents/writer")
    problem(answer, 503, "platform_failed")
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["retryable"] is True


async def test_settings_that_cannot_be_used_are_said(
    api: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Services:
        raise SettingsError("MODEL_TIMEOUT: too small")

    monkeypatch.setattr("api.about.services", fail)
    answer = await api.get("/api/health")
    problem(answer, 503, "platform_failed")
    assert "MODEL_TIMEOUT" in answer.json()["detail"]


def test_how_long_to_wait_is_passed_on() -> None:
    wait = platform_failed("Busy.").model_copy(update={"retry_after": 12.4})
    response = ProblemResponse(wait)
    assert response.headers["retry-after"] == "12"
    assert b'"retry_after":12.4' in response.body


@pytest.mark.parametrize("code", [code for code in Code if code not in STATUS])
def test_codes_that_only_end_executions_are_known(code: Code) -> None:
    of_steps = (Code.TIMEOUT, Code.JOIN_UNMET, Code.BUDGET_EXCEEDED, Code.NOBODY_ANSWERED)
    of_calls = (Code.SECRET_UNAVAILABLE, Code.CONTEXT_EXCEEDED, Code.NOT_RECORDED)
    assert code.startswith(("model_", "tool_")) or code in (Code.CANCELED, *of_steps, *of_calls)
