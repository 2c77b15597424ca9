"""Whatever is sent to any route is taken, or refused with a reason, in a moment."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import finish
from tests.api.routes import Attacker, Route, routes_in

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
ROUTES = list(routes_in(DOCUMENT))
REQUESTS = 20
SECONDS = 3.0
"""Of the processor, for one request: they take a hundredth of that, but the first that needs some library."""


@pytest.fixture
async def ids(api: httpx.AsyncClient, services: Any, execution: str) -> dict[str, str]:
    """What is there, by the name of the path parameter that leads to it."""
    await finish(services, execution)
    await api.post("/api/tools", json={"name": "mail", "http": {"url": "https://api.example.com/"}})
    await api.post("/api/prompts", json={"name": "mail", "template": "Hello."})
    return {"id": execution, "other": execution}


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_anything_is_taken_or_refused_with_a_reason(
    api: httpx.AsyncClient, ids: dict[str, str], route: Route
) -> None:
    attacker = Attacker(route, ids)
    for _ in range(REQUESTS):
        request = attacker.request(api)
        began = time.process_time()
        answer = await api.send(request)
        took = time.process_time() - began
        about = f"{request.method} {request.url} {request.content[:2_000]!r}: {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500 or answer.json()["code"] not in ("platform_failed", "internal"), about
        assert took < SECONDS, f"{took:.1f} s: {about}"
        if answer.status_code >= 400 and request.url.path.startswith("/api/"):
            assert answer.headers["content-type"] == "application/problem+json", about
            assert answer.json()["detail"], about
        assert "Traceback" not in answer.text, about
