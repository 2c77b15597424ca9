"""Models over HTTP: who may store them, and that no key is ever shown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.models.client import ModelClient
from services.models.registry import ModelRegistry
from services.settings import Settings
from services.wiring import Services, use
from tests.api.conftest import AGENT, problem

SMALL = {"provider": "openai", "model": "gpt-4.1-mini"}
KEY = "sk-this-must-never-be-seen"


@pytest.fixture(autouse=True)
async def _models(services: Services) -> AsyncIterator[None]:
    settings = Settings.from_environment(
        {"OPENAI_API_KEY": KEY, "MODEL_NAME": "gpt-4.1", "MODEL_PRICES": '{"own": [1, 2]}'}
    )
    registry = ModelRegistry(settings, services.documents)
    models = ModelClient(settings, registry=registry)
    use(dataclasses.replace(services, model_registry=registry, models=models))
    yield
    await models.close()


def as_(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}"}


async def test_stored_read_listed_and_taken_away(api: httpx.AsyncClient) -> None:
    made = await api.put("/api/models/small", json=SMALL)
    assert (made.status_code, made.headers["location"]) == (201, "/api/models/small")
    read = await api.get("/api/models/small")
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    assert read.json()["model"] == SMALL
    assert (read.json()["source"], read.json()["by"]) == ("stored", "ann")
    again = await api.put("/api/models/small", json={**SMALL, "description": "Quick."})
    assert again.status_code == 200
    listed = (await api.get("/api/models")).json()
    assert [(item["alias"], item["source"]) for item in listed["items"]] == [
        ("default", "settings"),
        ("small", "stored"),
    ]
    assert (await api.delete("/api/models/small")).status_code == 204
    problem(await api.get("/api/models/small"), 404, "not_found")


async def test_where_a_price_comes_from(api: httpx.AsyncClient) -> None:
    given: dict[str, dict[str, Any]] = {
        "listed": SMALL,
        "own": {"provider": "openai", "model": "own"},
        "told": {**SMALL, "prices": {"input": "0.1", "output": "0.2"}},
        "unknown": {"provider": "openai", "model": "nobody-knows"},
        "both": {"cascade": {"first": "unknown", "then": "told"}},
    }
    prices = {}
    for alias, entry in given.items():
        prices[alias] = (await api.put(f"/api/models/{alias}", json=entry)).json()["price"]
    listed = prices.pop("listed")
    assert listed["source"].startswith("genai-prices ")
    assert float(listed["input"]) > 0
    assert prices == {
        "own": {"input": "1", "output": "2", "source": "MODEL_PRICES"},
        "told": {"input": "0.1", "output": "0.2", "source": "alias"},
        "unknown": None,
        "both": {"input": "0.1", "output": "0.2", "source": "alias"},
    }


async def test_only_admins_may_write(api: httpx.AsyncClient) -> None:
    for role in ("operator", "reader"):
        assert (await api.get("/api/models", headers=as_(role))).status_code == 200
        problem(await api.put("/api/models/small", json=SMALL, headers=as_(role)), 403, "forbidden")
        problem(await api.delete("/api/models/default", headers=as_(role)), 403, "forbidden")


async def test_they_are_the_same_for_every_tenant(api: httpx.AsyncClient) -> None:
    await api.put("/api/models/small", json=SMALL)
    assert (await api.get("/api/models/small", headers=as_("two"))).json()["model"] == SMALL


async def test_keys_are_not_shown(api: httpx.AsyncClient) -> None:
    entry = {**SMALL, "api_key": {"env": "OPENAI_API_KEY"}}
    assert (await api.put("/api/models/small", json=entry)).json()["model"]["api_key"] == {"env": "OPENAI_API_KEY"}
    assert KEY not in json.dumps((await api.get("/api/models")).json())
    refused = await api.put("/api/models/other", json={**SMALL, "api_key": KEY})
    problem(refused, 422, "invalid_definition")
    assert KEY not in refused.text


@pytest.mark.parametrize(
    ("alias", "body", "pointer"),
    [
        ("small", {**SMALL, "fallback": ["nobody"]}, "/fallback/0"),
        ("small", {**SMALL, "base_url": "https://evil.example/v1"}, "/base_url"),
        ("small", {**SMALL, "modle": "x"}, "/modle"),
    ],
)
async def test_what_cannot_be_stored(api: httpx.AsyncClient, alias: str, body: dict[str, Any], pointer: str) -> None:
    answer = await api.put(f"/api/models/{alias}", json=body)
    assert list(problem(answer, 422, "invalid_definition")) == [pointer]


async def test_an_alias_is_a_name(api: httpx.AsyncClient) -> None:
    assert list(problem(await api.put("/api/models/Small", json=SMALL), 400, "invalid_request")) == ["/path/alias"]


async def test_races_are_told(api: httpx.AsyncClient) -> None:
    first = (await api.put("/api/models/small", json=SMALL, headers={"If-None-Match": "*"})).headers["etag"]
    changed = {**SMALL, "cache": "PT1H"}
    assert (await api.put("/api/models/small", json=changed, headers={"If-Match": first})).status_code == 200
    conditions: list[dict[str, str]] = [{"If-Match": first}, {"If-None-Match": "*"}]
    for headers in conditions:
        problem(await api.put("/api/models/small", json=SMALL, headers=headers), 412, "precondition_failed")
    problem(await api.delete("/api/models/small", headers={"If-Match": first}), 412, "precondition_failed")


async def test_what_is_not_stored_is_not_taken_away(api: httpx.AsyncClient) -> None:
    problem(await api.delete("/api/models/default"), 409, "conflict")
    problem(await api.delete("/api/models/nobody"), 404, "not_found")
    await api.put("/api/models/default", json=SMALL)
    assert (await api.delete("/api/models/default")).status_code == 204
    assert (await api.get("/api/models/default")).json()["source"] == "settings"


@pytest.mark.parametrize(
    ("model", "says"), [("default", None), ("defualt", "did you mean `default`?"), ("xyz", "`xyz`")]
)
async def test_an_agent_that_names_no_model_of_this_deployment_is_warned(
    api: httpx.AsyncClient, model: str, says: str | None
) -> None:
    agent = {"kind": "agent", "definition": {**AGENT, "model": model}}
    [found] = (await api.post("/api/validate", json={"definitions": [agent]})).json()["results"]
    assert found["valid"] is True
    assert [warning["pointer"] for warning in found["warnings"]] == ([] if says is None else ["/model"])
    assert says is None or says in found["warnings"][0]["message"]
