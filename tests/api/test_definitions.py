"""Agents, tools and workflows over HTTP: versions, races, what is refused, and batches."""

from __future__ import annotations

import asyncio
import dataclasses
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.resolving import resolve
from domain.workflows import Workflow
from services.models.client import ModelClient
from services.wiring import Services, use
from tests.api.conftest import AGENT, WORKFLOW, problem

NEITHER = "exactly one of these keys is needed: instructions, prompt"
NO_ESTIMATE = {"model_calls": None, "tokens_out": None, "output_usd": None}


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
        assert answer.json() == {
            "valid": True,
            "errors": [],
            "warnings": [],
            "estimate": {"model_calls": 1, "tokens_out": 1_024, "output_usd": None},
        }
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
        assert answer.json()["estimate"] == NO_ESTIMATE

    async def test_warnings_are_told_and_keep_nothing_from_being_stored(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        workflow = {"name": "w", "steps": [{"id": "a", "agent": "writer", "when": "false"}]}
        answer = (await api.post("/api/workflows/validate", json=workflow)).json()
        assert answer["valid"] is True
        assert answer["warnings"] == [
            {"pointer": "/steps/0/when", "message": "this is never true, so the step is always skipped"}
        ]
        assert (await api.post("/api/workflows", json=workflow)).status_code == 201

    async def test_prices_are_those_of_the_models_that_agents_name(
        self, api: httpx.AsyncClient, services: Services
    ) -> None:
        settings = services.settings.model_copy(
            update={"model_aliases": {"small": "s-1"}, "model_prices": {"s-1": (Decimal(1), Decimal("2.5"))}}
        )
        settings = settings.model_copy(update={"model_name": "m", "openai_api_key": SecretStr("k")})
        use(dataclasses.replace(services, models=ModelClient(settings)))
        await api.post("/api/agents", json={**AGENT, "model": "small", "max_output_tokens": 1_000})
        estimate = (await api.post("/api/workflows/validate", json=WORKFLOW)).json()["estimate"]
        assert estimate == {"model_calls": 1, "tokens_out": 1_000, "output_usd": "0.0025"}


MAIL = {
    "name": "mail",
    "function": "send-mail",
    "input": {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}}},
}
OUTER: dict[str, Any] = {
    "name": "outer",
    "steps": [{"id": "t", "tool": "mail", "arguments": {"to": "x"}}, {"id": "b", "workflow": "brief"}],
}


class TestTools:
    async def test_they_have_versions_like_the_others(self, api: httpx.AsyncClient) -> None:
        created = await api.post("/api/tools", json=MAIL)
        assert (created.status_code, created.headers["location"]) == (201, "/api/tools/mail")
        assert created.json()["definition"] == MAIL
        assert (await api.put("/api/tools/mail", json={**MAIL, "description": "Mail."})).json()["version"] == 2
        assert [item["name"] for item in (await api.get("/api/tools")).json()["items"]] == ["mail"]
        assert (await api.delete("/api/tools/mail")).status_code == 204
        problem(await api.get("/api/tools/mail"), 404, "not_found")

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"function": None}, ""),
            ({"http": {"url": "https://x.example"}}, ""),
            ({"functoin": "x"}, "/functoin"),
            ({"input": {"type": "objct"}}, "/input/type"),
            ({"function": None, "http": {"url": "https://x.example/${input}"}}, "/http/url"),
        ],
    )
    async def test_a_bad_one_leaves_nothing(self, api: httpx.AsyncClient, change: dict[str, Any], where: str) -> None:
        errors = problem(await api.post("/api/tools", json={**MAIL, **change}), 422, "invalid_definition")
        assert list(errors) == [where]
        assert (await api.get("/api/tools")).json()["items"] == []

    async def test_a_step_can_only_call_one_that_is_there(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        await api.post("/api/workflows", json=WORKFLOW)
        errors = problem(await api.post("/api/workflows", json=OUTER), 422, "invalid_definition")
        assert errors == {"/steps/0/tool": "there is no tool `mail`"}
        await api.post("/api/tools", json=MAIL)
        assert (await api.post("/api/workflows", json=OUTER)).status_code == 201


class TestAgentsWithTools:
    CLERK = {**AGENT, "name": "clerk", "tools": ["mail", "ask"]}  # noqa: RUF012
    ASK = {"name": "ask", "agent": "writer"}  # noqa: RUF012

    async def test_an_agent_names_tools_that_are_there(self, api: httpx.AsyncClient) -> None:
        errors = problem(await api.post("/api/agents", json=self.CLERK), 422, "invalid_definition")
        assert errors == {"/tools/0": "there is no tool `mail`", "/tools/1": "there is no tool `ask`"}
        await api.post("/api/tools", json=MAIL)
        errors = problem(
            await api.post("/api/agents", json={**self.CLERK, "tools": ["male"]}), 422, "invalid_definition"
        )
        assert errors == {"/tools/0": "there is no tool `male`; did you mean `mail`?"}
        errors = problem(
            await api.post("/api/agents", json={**self.CLERK, "tools": ["mail@3"]}), 422, "invalid_definition"
        )
        assert errors == {"/tools/0": "the tool `mail` has no version 3"}

    async def test_a_tool_names_what_is_behind_it(self, api: httpx.AsyncClient) -> None:
        errors = problem(await api.post("/api/tools", json=self.ASK), 422, "invalid_definition")
        assert errors == {"/agent": "there is no agent `writer`"}

    async def test_a_plan_pins_the_whole_team(self, services: Services, api: httpx.AsyncClient) -> None:
        for path, definition in (("agents", AGENT), ("tools", MAIL), ("tools", self.ASK), ("agents", self.CLERK)):
            assert (await api.post(f"/api/{path}", json=definition)).status_code == 201
        workflow = {"name": "w", "steps": [{"id": "s", "agent": "clerk"}]}
        plan = (await resolve(services, "one", Workflow.model_validate(workflow))).plan(None)
        assert set(plan.agents) == {"clerk", "writer"}
        assert plan.tool_versions == {"mail": 1, "ask": 1}

    async def test_one_that_would_ask_itself_is_refused(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        await api.post("/api/tools", json=self.ASK)
        await api.put("/api/agents/writer", json={**AGENT, "tools": ["ask"]})
        workflow = {"name": "w", "steps": [{"id": "s", "agent": "writer"}]}
        errors = problem(await api.post("/api/workflows", json=workflow), 422, "invalid_definition")
        assert "(w → writer → ask → writer)" in errors["/steps"]


class TestBatches:
    async def results(self, api: httpx.AsyncClient, *definitions: tuple[str, Any]) -> list[dict[str, Any]]:
        body = {"definitions": [{"kind": kind, "definition": definition} for kind, definition in definitions]}
        answer = await api.post("/api/validate", json=body)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    async def test_definitions_know_each_other_before_any_is_stored(self, api: httpx.AsyncClient) -> None:
        outer, inner, agent, tool = await self.results(
            api, ("workflow", OUTER), ("workflow", WORKFLOW), ("agent", AGENT), ("tool", MAIL)
        )
        assert outer["estimate"]["model_calls"] == 1
        assert all(result["valid"] for result in (outer, inner, agent, tool))
        for path in ("agents", "tools", "workflows"):
            assert (await api.get(f"/api/{path}")).json()["items"] == []

    async def test_each_has_its_own_mistakes(self, api: httpx.AsyncClient) -> None:
        wrong = {**OUTER, "steps": [{"id": "t", "tool": "mail", "arguments": {}}, {"id": "b", "workflow": "breif"}]}
        results = await self.results(
            api,
            ("workflow", wrong),
            ("workflow", WORKFLOW),
            ("agent", {"name": "writer"}),
            ("tool", MAIL),
            ("agent", 5),
        )
        told = [{error["pointer"]: error["message"] for error in result["errors"]} for result in results]
        assert told[0] == {
            "/steps/0/arguments/to": "`mail` does not take this: this key is needed",
            "/steps/1/workflow": "there is no workflow `breif`; did you mean `brief`?",
        }
        assert told[1:] == [{}, {"/instructions": NEITHER}, {}, {"": "should be an object"}]
        assert results[1]["estimate"] == {"model_calls": 1, "tokens_out": None, "output_usd": None}

    async def test_a_batch_stands_for_the_next_versions(self, api: httpx.AsyncClient) -> None:
        for version in ("one", "two"):
            await api.put("/api/agents/writer", json={"instructions": version})

        async def told(reference: str, instructions: str) -> list[str]:
            workflow = {"name": "w", "steps": [{"id": "a", "agent": reference}]}
            agent = {"name": "writer", "instructions": instructions}
            result, _ = await self.results(api, ("workflow", workflow), ("agent", agent))
            return [error["message"] for error in result["errors"]]

        assert await told("writer@1", "three") == []
        assert await told("writer@3", "three") == []
        assert await told("writer@3", "two") == ["the agent `writer` has no version 3"]
        assert await told("writer@4", "three") == ["the agent `writer` has no version 4"]

    async def test_circles_of_workflows_are_found_in_it_and_beyond(self, api: httpx.AsyncClient) -> None:
        def using(name: str, other: str) -> dict[str, Any]:
            return {"name": name, "steps": [{"id": "x", "workflow": other}]}

        first, second = await self.results(api, ("workflow", using("a", "b")), ("workflow", using("b", "a")))
        assert "(a → b → a)" in first["errors"][0]["message"]
        assert "(b → a → b)" in second["errors"][0]["message"]
        await api.post("/api/agents", json=AGENT)
        await api.post("/api/workflows", json={"name": "a", "steps": [{"id": "x", "agent": "writer"}]})
        await api.post("/api/workflows", json=using("b", "a"))
        errors = problem(await api.put("/api/workflows/a", json=using("a", "b")), 422, "invalid_definition")
        assert "without end" in errors["/steps/0/workflow"]
        assert (await api.put("/api/workflows/a", json=using("a", "b@1"))).status_code == 422

    async def test_what_has_gone_from_inside_another_is_said(self, api: httpx.AsyncClient) -> None:
        await api.post("/api/agents", json=AGENT)
        await api.post("/api/workflows", json=WORKFLOW)
        await api.delete("/api/agents/writer")
        outer = {"name": "outer", "steps": [{"id": "b", "workflow": "brief", "input": {"topic": "x"}}]}
        errors = problem(await api.post("/api/workflows", json=outer), 422, "invalid_definition")
        assert errors["/steps/0/workflow"] == "`brief` cannot be used here: in `brief`, there is no agent `writer`"

    async def test_a_plan_pins_all_that_is_inside(self, services: Services, api: httpx.AsyncClient) -> None:
        for path, definition in (("agents", AGENT), ("tools", MAIL), ("workflows", WORKFLOW)):
            await api.post(f"/api/{path}", json=definition)
        outer = {**OUTER, "steps": [OUTER["steps"][0], {**OUTER["steps"][1], "input": {"topic": "x"}}]}
        plan = (await resolve(services, "one", Workflow.model_validate(outer))).plan(None)
        assert set(plan.agents) == {"writer"}
        assert (plan.tool_versions, plan.workflow_versions) == ({"mail": 1}, {"brief": 1})
        assert plan.workflows["brief"] == Workflow.model_validate(WORKFLOW)

    @pytest.mark.parametrize("body", [{}, {"definitions": [{"kind": "recipe", "definition": {}}]}, []])
    async def test_what_is_no_batch_is_refused(self, api: httpx.AsyncClient, body: Any) -> None:
        problem(await api.post("/api/validate", json=body), 400, "invalid_request")
