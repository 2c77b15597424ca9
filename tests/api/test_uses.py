"""Where definitions are used, and versions of prompts side by side."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import problem

PROMPT = {"name": "greet", "template": "Greet ${name}.\nBe kind.", "variables": {"name": {"default": "all"}}}


async def keep(api: httpx.AsyncClient, kind: str, **definition: Any) -> None:
    answer = await api.put(f"/api/{kind}/{definition['name']}", json=definition)
    assert answer.is_success, answer.text


async def uses(api: httpx.AsyncClient, path: str) -> list[tuple[str, bool, list[str], list[str]]]:
    answer = await api.get(f"/api/{path}/uses")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["total"] == len(found["items"])
    assert found["direct"] == sum(item["direct"] for item in found["items"])
    return [
        (f"{item['kind']}/{item['name']}", item["direct"], item["references"], item["through"])
        for item in found["items"]
    ]


@pytest.fixture
async def house(api: httpx.AsyncClient) -> None:
    await keep(api, "prompts", **PROMPT)
    await keep(api, "prompts", **{**PROMPT, "template": "Hello ${name}."})
    await api.put("/api/prompts/greet/labels/production", json={"version": 1})
    await keep(api, "agents", name="host", prompt="greet:production")
    variants = [{"prompt": "greet@1"}, {"prompt": "greet@2"}]
    await keep(api, "agents", name="varied", prompt={"variants": variants})
    await keep(api, "agents", name="plain", instructions="x")
    await keep(api, "workflows", name="inner", steps=[{"id": "a", "agent": "host@1"}, {"id": "b", "agent": "plain"}])
    await keep(api, "workflows", name="outer", steps=[{"id": "a", "workflow": "inner"}])
    await keep(api, "tools", name="ask", agent="varied")
    schedule = {"name": "daily", "workflow": "outer", "cron": "0 7 * * *"}
    assert (await api.put("/api/schedules/daily", json=schedule)).is_success


@pytest.mark.usefixtures("house")
class TestUses:
    async def test_of_a_prompt_directly_and_through_others(self, api: httpx.AsyncClient) -> None:
        assert await uses(api, "prompts/greet") == [
            ("agent/host", True, ["greet:production"], []),
            ("agent/varied", True, ["greet@1", "greet@2"], []),
            ("schedule/daily", False, [], ["workflow/outer"]),
            ("tool/ask", False, [], ["agent/varied"]),
            ("workflow/inner", False, [], ["agent/host"]),
            ("workflow/outer", False, [], ["workflow/inner"]),
        ]

    async def test_of_an_agent_and_a_workflow(self, api: httpx.AsyncClient) -> None:
        assert [use[:3] for use in await uses(api, "agents/host")] == [
            ("workflow/inner", True, ["host@1"]),
            ("schedule/daily", False, []),
            ("workflow/outer", False, []),
        ]
        assert [use[0] for use in await uses(api, "workflows/outer")] == ["schedule/daily"]
        assert await uses(api, "tools/ask") == []

    async def test_only_latest_versions_count_and_pages_go_on(self, api: httpx.AsyncClient) -> None:
        first = (await api.get("/api/prompts/greet/uses", params={"limit": 4})).json()
        rest = await api.get("/api/prompts/greet/uses", params={"continuation": first["continuation"]})
        assert first["items"] + rest.json()["items"] == (await api.get("/api/prompts/greet/uses")).json()["items"]
        assert (rest.json()["continuation"], first["total"]) == (None, 6)
        await keep(api, "agents", name="host", instructions="No prompt any more.")
        assert [use[0] for use in await uses(api, "prompts/greet")] == ["agent/varied", "tool/ask"]

    async def test_of_another_tenants_nothing_is_said(self, other: httpx.AsyncClient) -> None:
        problem(await other.get("/api/prompts/greet/uses"), 404, "not_found")
        await keep(other, "prompts", **PROMPT)
        assert await uses(other, "prompts/greet") == []


@pytest.mark.usefixtures("house")
class TestDiff:
    async def test_two_versions_by_number_or_label(self, api: httpx.AsyncClient) -> None:
        await keep(api, "prompts", name="greet", template="Hello ${who}.", variables={"who": {"default": "you"}})
        answer = await api.get("/api/prompts/greet/diff", params={"from": "production", "to": "3"})
        found = answer.json()
        assert (found["from"]["version"], found["to"]["version"], found["same"]) == (1, 3, False)
        assert [line["kind"] for line in found["lines"]] == ["changed", "removed"]
        assert [(change["name"], change["kind"]) for change in found["variables"]] == [
            ("name", "removed"),
            ("who", "added"),
        ]
        latest = (await api.get("/api/prompts/greet/diff")).json()
        assert (latest["from"]["version"], latest["to"]["version"]) == (2, 3)
        same = (await api.get("/api/prompts/greet/diff", params={"from": "2", "to": "2"})).json()
        assert (same["same"], same["variables"], same["lines"][0]["kind"]) == (True, [], "same")

    async def test_what_is_not_there(self, api: httpx.AsyncClient) -> None:
        problem(await api.get("/api/prompts/greet/diff", params={"from": "9"}), 404, "not_found")
        problem(await api.get("/api/prompts/greet/diff", params={"to": "staging"}), 404, "not_found")
        problem(await api.get("/api/prompts/greet/diff", params={"to": "9" * 20}), 400, "invalid_request")
        problem(await api.get("/api/prompts/other/diff"), 404, "not_found")
