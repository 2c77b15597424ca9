"""What was used, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from domain.events import Draft, EventType
from services.wiring import Services
from tests.api.conftest import problem

PAID = {"model_calls": 1, "tokens_in": 10, "tokens_out": 5, "cost_usd": "0.01"}


@pytest.fixture
async def used(services: Services, execution: str) -> str:
    """An execution with a paid call, counted."""
    data = {"call": "draft#0", "model": "m", "usage": PAID, "seconds": 0.5}
    draft = Draft(
        id="draft#0:call.completed", type=EventType.CALL_COMPLETED, time=datetime.now(UTC), step="draft",
        agent="writer", data=data,
    )  # fmt: skip
    await services.events.append("one", execution, [draft])
    await services.usage.add("one", execution, "brief")
    return execution


async def test_by_what_is_asked_for(api: httpx.AsyncClient, other: httpx.AsyncClient, used: str) -> None:
    answer = (await api.get("/api/usage", params={"by": "workflow,tenant,model"})).json()
    assert answer["by"] == ["workflow", "tenant", "model"]
    [item] = answer["items"]
    assert (item["tenant"], item["workflow"], item["model"], item["cost_usd"]) == ("one", "brief", "m", "0.01")
    assert answer["total"]["tokens_in"] == 10
    by_day = (await api.get("/api/usage")).json()
    assert [day["day"] for day in by_day["items"]] == [by_day["to"]]
    assert (await api.get("/api/usage", params={"to": "2020-01-31"})).json()["items"] == []
    assert (await other.get("/api/usage")).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"by": "agnt"}, "/query/by"),
        ({"by": "day,"}, None),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "/query/from"),
        ({"from": "1990-01-01"}, "/query/from"),
        ({"from": "soon"}, "/query/from"),
    ],
)
async def test_what_cannot_be_asked(api: httpx.AsyncClient, query: dict[str, str], pointer: str | None) -> None:
    answer = await api.get("/api/usage", params=query)
    if pointer is None:
        assert answer.status_code == 200
    else:
        assert pointer in {error["pointer"] for error in answer.json()["errors"]}


async def test_of_one_execution(api: httpx.AsyncClient, other: httpx.AsyncClient, used: str) -> None:
    answer = (await api.get(f"/api/executions/{used}/usage")).json()
    [item] = answer["items"]
    assert (item["step"], item["agent"], item["model"], item["model_calls"]) == ("draft", "writer", "m", 1)
    assert answer["total"]["cost_usd"] == "0.01"
    by_agent = (await api.get(f"/api/executions/{used}/usage", params={"by": "agent"})).json()
    assert [one["agent"] for one in by_agent["items"]] == ["writer"]
    problem(await other.get(f"/api/executions/{used}/usage"), 404, "not_found")
    assert problem(await api.get(f"/api/executions/{used}/usage", params={"by": "day"}), 400, "invalid_request")
