"""Agents and workflows over HTTP: versions, races, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import AGENT, WORKFLOW, problem


class TestVersions:
    async def test_created_read_changed_listed_and_hidden(self, api: httpx.AsyncClient) -> None:
        created = await api.post("/api/agents", json=AGENT)
        assert created.status_code == 201
        assert created.headers["location"] == "/api/agents/writer"
        assert created.json()["version"] == 1
        assert created.json()["definition"] == AGENT
        assert created.json()["updated"].endswith("Z")

        changed = await api.put("/api/agents/writer", json={"instructions": "Write well.", "description": "One."})
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
        assert changed.headers["etag"] != created.headers["etag"]

        latest = await api.get("/api/agents/writer")
        assert latest.json() == changed.json()
        assert latest.headers["etag"] == changed.headers["etag"]
        first = await api.get("/api/agents/writer", params={"version": 1})
        assert first.json()["definition"] == AGENT

        listed = (await api.get("/api/agents")).json()
        assert listed["continuation"] is None
        assert [(item["name"], item["version"], item["description"]) for item in listed["items"]] == [
            ("writer", 2, "One.")
        ]
        assert listed["items"][0]["etag"] == changed.headers["etag"]
        versions = (await api.get("/api/agents/writer/versions")).json()
        assert [item["version"] for item in versions["items"]] == [2, 1]

        assert (await api.delete("/api/agents/writer")).status_code == 204
        problem(await api.get("/api/agents/writer"), 404, "not_found")
        problem(await api.get("/api/agents/writer/versions"), 404, "not_found")
        problem(await api.delete("/api/agents/writer"), 404, "not_found")
        assert (await api.get("/api/agents")).json()["items"] == []

    async def test_the_same_definition_makes_no_version(self, api: httpx.AsyncClient) -> None:
        first = await api.put("/api/agents/writer", json=AGENT)
        again = await api.put("/api/agents/writer", json=AGENT)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()

    async def test_a_name_is_created_once(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        problem(await api.post("/api/agents", json=AGENT), 409, "conflict")

    async def test_lists_go_on_where_they_stopped(self, api: httpx.AsyncClient) -> None:
        for name in ("a", "b", "c"):
            await api.put(f"/api/agents/{name}", json={"instructions": "x"})
        first = (await api.get("/api/agents", params={"limit": 2})).json()
        rest = (await api.get("/api/agents", params={"continuation": first["continuation"]})).json()
        assert [item["name"] for item in first["items"] + rest["items"]] == ["a", "b", "c"]
        assert rest["continuation"] is None

    async def test_yaml_is_read_like_json(self, api: httpx.AsyncClient) -> None:
        text = "name: writer\ninstructions: |\n  Write.\n  Since 2024-01-01.\n"
        answer = await api.post("/api/agents", content=text, headers={"Content-Type": "application/yaml"})
        assert answer.status_code == 201
        assert answer.json()["definition"]["instructions"] == "Write.\nSince 2024-01-01.\n"


class TestRaces:
    async def test_only_one_of_many_writers_wins(self, api: httpx.AsyncClient) -> None:
        etag = (await api.post("/api/agents", json=AGENT)).headers["etag"]
        writes = [
            api.put("/api/agents/writer", json={"instructions": f"{n}"}, headers={"If-Match": etag}) for n in range(8)
        ]
        answers = await asyncio.gather(*writes)
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        for answer in answers:
            if answer.status_code == 412:
                problem(answer, 412, "precondition_failed")
        assert (await api.get("/api/agents/writer")).json()["version"] == 2

    async def test_only_one_of_many_creators_wins(self, api: httpx.AsyncClient) -> None:
        writes = [
            api.put("/api/agents/writer", json={"instructions": f"{n}"}, headers={"If-None-Match": "*"})
            for n in range(8)
        ]
        assert sorted(answer.status_code for answer in await asyncio.gather(*writes)) == [201] + [412] * 7

    async def test_writers_without_a_condition_all_get_through(self, api: httpx.AsyncClient) -> None:
        writes = [api.put("/api/agents/writer", json={"instructions": f"{n}"}) for n in range(8)]
        answers = await asyncio.gather(*writes)
        assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 9))

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    async def test_conditions_are_kept(self, api: httpx.AsyncClient, method: str) -> None:
        etag = (await api.post("/api/agents", json=AGENT)).headers["etag"]

        async def send(condition: str) -> httpx.Response:
            body = {"instructions": condition} if method == "PUT" else None
            return await api.request(method, "/api/agents/writer", json=body, headers={"If-Match": condition})

        problem(await send('"other"'), 412, "precondition_failed")
        problem(await send(f"W/{etag}"), 412, "precondition_failed")
        problem(await send("nonsense"), 400, "invalid_request")
        assert (await send(f'"other", {etag}')).status_code in (200, 204)

    async def test_a_condition_on_nothing_fails(self, api: httpx.AsyncClient) -> None:
        missing = await api.put("/api/agents/writer", json=AGENT, headers={"If-Match": "*"})
        problem(missing, 412, "precondition_failed")
        assert (await api.get("/api/agents")).json()["items"] == []
        await api.post("/api/agents", json=AGENT)
        there = await api.put("/api/agents/writer", json={"instructions": "new"}, headers={"If-Match": "*"})
        assert there.status_code == 200


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "where"),
        [
            ({}, "/name"),
            ({"name": "writer"}, "/instructions"),
            ({**AGENT, "name": "Writer"}, "/name"),
            ({**AGENT, "name": "a/b"}, "/name"),
            ({**AGENT, "name": "x" * 64}, "/name"),
            ({**AGENT, "instructons": "x"}, "/instructons"),
            ({**AGENT, "temperature": "hot"}, "/temperature"),
            ({**AGENT, "max_output_tokens": 0}, "/max_output_tokens"),
            ({**AGENT, "output_schema": {"type": "objct"}}, "/output_schema/type"),
            ([AGENT], ""),
            (5, ""),
        ],
    )
    async def test_a_bad_agent_leaves_nothing(self, api: httpx.AsyncClient, body: Any, where: str) -> None:
        errors = problem(await api.post("/api/agents", json=body), 422, "invalid_definition")
        assert where in errors
        assert (await api.get("/api/agents")).json()["items"] == []

    @pytest.mark.parametrize(
        ("change", "where", "what"),
        [
            ({"steps": []}, "/steps", "at least 1"),
            ({"steps": [{"id": "a", "agent": "writr"}]}, "/steps/0/agent", "did you mean `writer`?"),
            ({"steps": [{"id": "a", "agent": "writer@9"}]}, "/steps/0/agent", "no version 9"),
            ({"output": "${steps.nope}"}, "/output", "no step `nope`"),
            ({"input": {"type": 5}}, "/input/type", ""),
            ({"extra": 1}, "/extra", "unknown key"),
            (
                {"steps": [{"id": "c", "concurrent": [{"id": "a", "agent": "writr"}]}]},
                "/steps/0/concurrent/0/agent",
                "writer",
            ),
        ],
    )
    async def test_a_bad_workflow_leaves_nothing(
        self, api: httpx.AsyncClient, change: dict[str, Any], where: str, what: str
    ) -> None:
        await api.post("/api/agents", json=AGENT)
        errors = problem(await api.post("/api/workflows", json={**WORKFLOW, **change}), 422, "invalid_definition")
        assert list(errors) == [where]
        assert what in errors[where]
        assert (await api.get("/api/workflows")).json()["items"] == []

    async def test_the_body_may_not_have_another_name(self, api: httpx.AsyncClient) -> None:
        errors = problem(await api.put("/api/agents/other", json=AGENT), 422, "invalid_definition")
        assert list(errors) == ["/name"]

    @pytest.mark.parametrize("path", ["/api/agents/UPPER", "/api/agents/..", "/api/agents/%00", "/api/agents/x" * 40])
    async def test_names_that_cannot_be_are_not_found(self, api: httpx.AsyncClient, path: str) -> None:
        problem(await api.get(path), 404, "not_found")

    @pytest.mark.parametrize(
        "params",
        [
            {"limit": "0"},
            {"limit": "201"},
            {"limit": "x"},
            {"continuation": "~~~"},
            {"continuation": "x" * 501},
        ],
    )
    async def test_bad_parameters_are_named(self, api: httpx.AsyncClient, params: dict[str, str]) -> None:
        problem(await api.get("/api/agents", params=params), 400, "invalid_request")

    @pytest.mark.parametrize("version", ["0", "-1", "x", "99999999999999999999"])
    async def test_versions_are_numbers(self, api: httpx.AsyncClient, version: str) -> None:
        errors = problem(await api.get("/api/agents/a", params={"version": version}), 400, "invalid_request")
        assert list(errors) == ["/query/version"]

    async def test_a_missing_version_is_not_found(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        answer = await api.get("/api/agents/writer", params={"version": 7})
        problem(answer, 404, "not_found")
        assert "writer@7" in answer.json()["detail"]


class TestValidate:
    async def test_a_good_workflow_has_an_estimate(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        answer = await api.post("/api/workflows/validate", json=WORKFLOW)
        assert answer.json() == {"valid": True, "errors": [], "estimate": {"model_calls": 1}}
        assert (await api.get("/api/workflows")).json()["items"] == []

    @pytest.mark.parametrize(
        ("content", "media_type", "what"),
        [
            ("name: a\n  b: c", "application/yaml", "line 2, column 4"),
            ('{"name": }', "application/json", "line 1, column 10"),
            ("", "application/json", "empty"),
            ("name: a\nname: b", "application/yaml", "twice"),
        ],
    )
    async def test_text_that_cannot_be_read(
        self, api: httpx.AsyncClient, content: str, media_type: str, what: str
    ) -> None:
        answer = await api.post("/api/workflows/validate", content=content, headers={"Content-Type": media_type})
        assert answer.status_code == 200
        assert answer.json()["valid"] is False
        assert what in answer.json()["errors"][0]["message"]

    @pytest.mark.parametrize("steps", [[{"id": "a", "agent": "nobody"}], [{"id": "a"}], 5])
    async def test_mistakes_are_answers_not_failures(self, api: httpx.AsyncClient, steps: Any) -> None:
        answer = await api.post("/api/workflows/validate", json={"name": "w", "steps": steps})
        assert answer.status_code == 200
        assert answer.json()["valid"] is False
        assert answer.json()["errors"][0]["pointer"].startswith("/steps")
        assert answer.json()["estimate"] == {"model_calls": None}
