"""Prompts over HTTP: what agents may say of them, what an execution pins of them, and how its instructions are made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import labels
from domain.plans import Plan
from services.wiring import Services
from tests.api.bundles import changed, exported, imported, sent
from tests.api.conftest import FakeDurable, problem
from tests.api.living import Living, living
from tests.orchestrators.bench import TENANT

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

GREET = {
    "name": "greet",
    "template": "Greet in ${language}, ${size(tone) > 5 ? 'at length' : 'briefly'}. Tone: ${tone}.",
    "variables": {"language": {"type": "string"}, "tone": {"type": "string", "default": "warm"}},
}
AGENT = {"name": "host", "prompt": "greet", "variables": {"language": "French"}}
VARIED = {**AGENT, "prompt": {"variants": [{"prompt": "greet@1", "weight": 3}, {"prompt": "greet@2"}]}}
WORKFLOW = {"name": "hello", "steps": [{"id": "say", "agent": "host", "input": "Ann"}]}


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Living]:
    async with living(tmp_path / "here") as made:
        yield made


async def keep(api: httpx.AsyncClient, **definitions: Any) -> None:
    for kind, definition in definitions.items():
        answer = await api.put(f"/api/{kind}/{definition['name']}", json=definition)
        assert answer.is_success, answer.text


async def run(live: Living, workflow: str = "hello", value: Any = None) -> dict[str, Any]:
    answer = await live.api.post("/api/executions", json={"workflow": workflow, "input": value or {}})
    assert answer.status_code == 202, answer.text
    await live.bench.ended(answer.json()["id"])
    record: dict[str, Any] = (await live.api.get(f"/api/executions/{answer.json()['id']}")).json()
    return record


def told(live: Living) -> list[str]:
    """The system messages of all calls so far."""
    return [str(request.messages[0]["content"]) for request in live.bench.model.asked]


async def plan_of(services: Services, execution: dict[str, Any], tenant: str = TENANT) -> Plan:
    record = await services.executions.get(tenant, execution["id"])
    assert record is not None
    return await services.plans.load(tenant, record.plan)


class TestDefinitions:
    async def test_prompts_are_definitions_like_others(self, api: httpx.AsyncClient) -> None:
        created = await api.post("/api/prompts", json=GREET)
        assert (created.status_code, created.json()["definition"]) == (201, GREET)
        assert (await api.put("/api/prompts/greet", json={"template": "Hi."})).json()["version"] == 2
        assert [item["version"] for item in (await api.get("/api/prompts/greet/versions")).json()["items"]] == [2, 1]
        assert (await api.get("/api/prompts", params={"limit": 1})).json()["items"][0]["name"] == "greet"
        assert (await api.delete("/api/prompts/greet")).status_code == 204

    async def test_they_are_the_tenants_own(self, api: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
        await api.post("/api/prompts", json=GREET)
        problem(await other.get("/api/prompts/greet"), 404, "not_found")
        problem(await other.get("/api/prompts/greet/labels"), 404, "not_found")
        errors = problem(await other.post("/api/agents", json=AGENT), 422, "invalid_definition")
        assert errors == {"/prompt": "there is no prompt `greet`"}

    @pytest.mark.parametrize(
        ("body", "where", "what"),
        [
            ({"template": "Hi ${nmae}.", "variables": {"name": {}}}, "/template", "did you mean `name`?"),
            ({"template": "Hi ${input.name}."}, "/template", "`input` is not one of the `variables`"),
            ({"template": "Hi ${name", "variables": {"name": {}}}, "/template", "not closed"),
            ({"template": "Hi.", "variables": {"a b": {}}}, "/variables/a b", "pattern"),
            ({"template": "Hi.", "variables": {"in": {}}}, "/variables/in", "CEL"),
            ({"template": "Hi.", "variables": {"a": {"type": "txt"}}}, "/variables/a/type", "not"),
            ({"template": "${a}", "variables": {"a": {"type": "string", "default": 5}}}, "/variables/a/default", "not"),
            ({"template": ""}, "/template", "1"),
        ],
    )
    async def test_mistakes_are_named(self, api: httpx.AsyncClient, body: Any, where: str, what: str) -> None:
        errors = problem(await api.put("/api/prompts/greet", json=body), 422, "invalid_definition")
        assert what in errors[where]
        assert (await api.get("/api/prompts")).json()["items"] == []

    async def test_a_variable_that_is_not_used_is_told(self, api: httpx.AsyncClient) -> None:
        prompt = {"name": "p", "template": "Hi.", "variables": {"name": {}}}
        answer = await api.post("/api/validate", json={"definitions": [{"kind": "prompt", "definition": prompt}]})
        [result] = answer.json()["results"]
        assert result["valid"]
        assert result["warnings"] == [{"pointer": "/variables/name", "message": "the template does not use it"}]


class TestAgents:
    @pytest.mark.parametrize(
        ("fields", "where", "what"),
        [
            ({"prompt": "greet", "instructions": "x"}, "/instructions", "exactly one"),
            ({}, "/instructions", "exactly one"),
            ({"instructions": "x", "variables": {"a": 1}}, "/variables", "only a `prompt` has variables"),
            ({"prompt": "gret"}, "/prompt", "did you mean `greet`?"),
            ({"prompt": "greet@7"}, "/prompt", "the prompt `greet` has no version 7"),
            ({"prompt": "greet:production"}, "/prompt", "no version of the prompt `greet` has the label `production`"),
            ({"prompt": "greet@1:x"}, "/prompt", "pattern"),
            ({"prompt": "greet"}, "/variables", "needs `language`, which has no default"),
            ({"prompt": "greet", "variables": {"language": 5}}, "/variables/language", "not of type"),
            ({"prompt": "greet", "variables": {"langage": "x"}}, "/variables/langage", "did you mean `language`?"),
            ({"prompt": "greet", "variables": {"language": "${steps.x}"}}, "/variables/language", "`steps`"),
            (
                {"prompt": {"variants": [{"prompt": "greet@1"}, {"prompt": "greet@2"}]}},
                "/prompt/variants/1/prompt",
                "no version 2",
            ),
            ({"prompt": {"variants": [{"prompt": "greet"}]}}, "/prompt/variants", "2"),
            ({"prompt": {"variants": [{"prompt": "greet", "weight": 0}]}}, "/prompt/variants/0/weight", "1"),
        ],
    )
    async def test_mistakes_are_named(self, api: httpx.AsyncClient, fields: Any, where: str, what: str) -> None:
        await keep(api, prompts=GREET)
        errors = problem(await api.put("/api/agents/host", json=fields), 422, "invalid_definition")
        assert what in errors[where], errors

    async def test_a_batch_knows_its_own_prompts(self, api: httpx.AsyncClient) -> None:
        batch = [{"kind": "agent", "definition": AGENT}, {"kind": "prompt", "definition": GREET}]
        answer = await api.post("/api/validate", json={"definitions": batch})
        assert [result["errors"] for result in answer.json()["results"]] == [[], []]
        workflow = {"kind": "workflow", "definition": WORKFLOW}
        broken = {"kind": "prompt", "definition": {**GREET, "template": "${"}}
        answer = await api.post("/api/validate", json={"definitions": [*batch[:1], broken, workflow]})
        assert [result["valid"] for result in answer.json()["results"]] == [True, False, True]
        without = await api.post("/api/validate", json={"definitions": [*batch[:1], workflow]})
        [_, result] = without.json()["results"]
        assert "in the agent `host`, at `/prompt`: there is no prompt `greet`" in result["errors"][0]["message"]

    async def test_what_has_gone_since_is_said_at_the_start(self, api: httpx.AsyncClient) -> None:
        await keep(api, prompts=GREET, agents=AGENT, workflows=WORKFLOW)
        await api.delete("/api/prompts/greet")
        errors = problem(await api.post("/api/executions", json={"workflow": "hello"}), 422, "invalid_definition")
        assert "there is no prompt `greet`" in errors["/steps"]


class TestExecutions:
    async def test_the_model_reads_the_prompt(self, live: Living) -> None:
        await keep(live.api, prompts=GREET, agents=AGENT, workflows=WORKFLOW)
        await run(live)
        assert told(live) == ["Greet in French, briefly. Tone: warm."]

    async def test_variables_may_be_made_of_the_input(self, live: Living) -> None:
        agent = {**AGENT, "variables": {"language": "${input.language}", "tone": "as in ${input.place}"}}
        await keep(live.api, prompts=GREET, agents=agent, workflows=WORKFLOW)
        await run(live, value={"language": "Welsh", "place": "${1 + 1} ${input.language}"})
        # What a caller writes is text: nothing in it is evaluated.
        assert told(live) == ["Greet in Welsh, at length. Tone: as in ${1 + 1} ${input.language}."]

    async def test_in_a_workflow_inside_another_the_input_is_that_workflows(self, live: Living) -> None:
        agent = {**AGENT, "variables": {"language": "${input.language}"}}
        outer = {
            "name": "outer",
            "steps": [{"id": "in", "workflow": "hello", "input": "${input.inner}"}, {"id": "say", "agent": "host"}],
        }
        await keep(live.api, prompts=GREET, agents=agent, workflows=WORKFLOW)
        await keep(live.api, workflows=outer)
        long = "Dutch " * 1_000  # too long to travel inline
        await run(live, "outer", {"language": "Welsh", "inner": {"language": long}})
        assert told(live) == [f"Greet in {long}, briefly. Tone: warm.", "Greet in Welsh, briefly. Tone: warm."]
        record = await run(live, "outer", {"language": "Welsh", "inner": {"language": 5}})
        assert (record["status"], record["error"]["code"]) == ("failed", "invalid_input")

    @pytest.mark.parametrize("value", [{}, {"language": 5}])
    async def test_an_input_that_does_not_fit_a_prompt_starts_nothing(
        self, api: httpx.AsyncClient, durable: FakeDurable, value: Any
    ) -> None:
        agent = {**AGENT, "variables": {"language": "${input.language}"}}
        await keep(api, prompts=GREET, agents=agent, workflows=WORKFLOW)
        body = {"workflow": "hello", "input": value}
        assert "/input" in problem(await api.post("/api/executions", json=body), 422, "invalid_input")
        assert durable.started == {}

    async def test_it_pins_what_it_found(self, api: httpx.AsyncClient, services: Services) -> None:
        await keep(api, prompts=GREET)
        await api.put("/api/prompts/greet/labels/production", json={"version": 1})
        await keep(api, agents={**AGENT, "prompt": "greet:production"}, workflows=WORKFLOW)
        first = (await api.post("/api/executions", json={"workflow": "hello"})).json()
        await keep(api, prompts={**GREET, "template": "${language} ${tone}"})
        await api.put("/api/prompts/greet/labels/production", json={"version": 2})
        second = (await api.post("/api/executions", json={"workflow": "hello"})).json()
        before = (await plan_of(services, first, "one")).prompts["host"]
        after = (await plan_of(services, second, "one")).prompts["host"]
        assert (before.version, before.label, before.template) == (1, "production", GREET["template"])
        assert (after.version, after.label, after.template) == (2, "production", "${language} ${tone}")
        assert before.hash != after.hash

    async def test_a_retry_and_a_fork_keep_their_prompt_unless_it_is_changed(self, live: Living) -> None:
        await keep(live.api, prompts=GREET, agents=AGENT, workflows=WORKFLOW)
        record = await run(live)
        await keep(live.api, prompts={**GREET, "template": "Now ${language}, ${tone}."})

        async def forked(**changes: Any) -> None:
            answer = await live.api.post(f"/api/executions/{record['id']}/fork", json=changes)
            assert answer.status_code == 202, answer.text
            await live.bench.ended(answer.json()["id"])

        await forked()
        assert len(told(live)) == 1, "the same request was paid for"
        await forked(agents={"host": {**AGENT, "variables": {"language": "Dutch"}}})
        assert told(live)[1] == "Greet in Dutch, briefly. Tone: warm."
        await forked(agents={"host": {**AGENT, "prompt": "greet@2"}})
        assert told(live)[2] == "Now French, warm."
        await forked(agents={"host": {"instructions": "Wave."}})
        assert told(live)[3] == "Wave."
        answer = await live.api.post(
            f"/api/executions/{record['id']}/fork", json={"agents": {"host": {"prompt": "greet@3"}}}
        )
        assert "no version 3" in problem(answer, 422, "invalid_definition")["/agents/host/prompt"]

    async def test_a_fork_with_another_input_makes_its_prompt_of_that(self, live: Living) -> None:
        agent = {**AGENT, "variables": {"language": "${input.language}"}}
        await keep(live.api, prompts=GREET, agents=agent, workflows=WORKFLOW)
        record = await run(live, value={"language": "Welsh"})
        answer = await live.api.post(f"/api/executions/{record['id']}/fork", json={"input": {"language": "Dutch"}})
        await live.bench.ended(answer.json()["id"])
        assert told(live)[1] == "Greet in Dutch, briefly. Tone: warm."
        refused = await live.api.post(f"/api/executions/{record['id']}/fork", json={"input": {}})
        problem(refused, 422, "invalid_input")


class TestVariants:
    async def varied(self, api: httpx.AsyncClient) -> None:
        await keep(api, prompts=GREET)
        await keep(api, prompts={**GREET, "template": "Short: ${language} ${tone}."})
        await keep(api, agents=VARIED, workflows=WORKFLOW)

    async def test_each_execution_has_one_and_says_which(self, api: httpx.AsyncClient, services: Services) -> None:
        await self.varied(api)
        counts = {"greet@1": 0, "greet@2": 0}
        for number in range(200):
            # By the key, so that the test is the same each time.
            headers = {"Idempotency-Key": f"key-{number}"}
            record = (await api.post("/api/executions", json={"workflow": "hello"}, headers=headers)).json()
            pinned = (await plan_of(services, record, "one")).prompts["host"]
            assert record["variants"] == {"host": pinned.variant} == {"host": pinned.reference}
            counts[record["variants"]["host"]] += 1
        # 150 expected, and a standard deviation of 6.1.
        assert 130 <= counts["greet@1"] <= 170

        listed = (await api.get("/api/executions", params={"variant": "greet@2", "limit": 200})).json()["items"]
        assert len(listed) == counts["greet@2"]
        assert all(item["variants"] == {"host": "greet@2"} for item in listed)
        assert (await api.get("/api/executions", params={"variant": "greet@9"})).json()["items"] == []
        problem(await api.get("/api/executions", params={"variant": "$.x"}), 400, "invalid_request")

    async def test_the_prompt_that_was_chosen_is_the_one_read_also_by_forks(self, live: Living) -> None:
        await self.varied(live.api)
        texts = {"greet@1": "Greet in French, briefly. Tone: warm.", "greet@2": "Short: French warm."}
        seen = set()
        for _ in range(12):
            record = await run(live)
            variant = record["variants"]["host"]
            seen.add(variant)
            assert told(live)[-1] == texts[variant]
            answer = await live.api.post(f"/api/executions/{record['id']}/fork", json={})
            assert (await live.bench.ended(answer.json()["id"])).variants == {"host": variant}
        assert len(told(live)) == 12, "forks paid again"

    async def test_a_bundle_takes_it_along(self, live: Living) -> None:
        await self.varied(live.api)
        bundle = await exported(live.api, (await run(live))["id"])
        record = await imported(live.other, bundle)
        assert record["variants"] == bundle["execution"]["variants"] != {}
        again = await exported(live.other, record["id"])
        assert again["plan"]["prompts"] == bundle["plan"]["prompts"]
        for pointer, value in (
            ("/execution/variants", {}),
            ("/plan/prompts/host/hash", "0" * 64),
            ("/plan/prompts/host/template", "${nobody}"),
            ("/plan/prompts", ...),
            ("/plan/agents/host/variables", {}),
        ):
            problem(await sent(live.other, changed(bundle, pointer, value)), 400, "invalid_request")


class TestLabels:
    @pytest.fixture(autouse=True)
    async def _kept(self, api: httpx.AsyncClient) -> None:
        for template in ("One.", "Two.", "Three."):
            await keep(api, prompts={"name": "greet", "template": template})

    async def put(self, api: httpx.AsyncClient, label: str, version: int, **headers: str) -> httpx.Response:
        return await api.put(f"/api/prompts/greet/labels/{label}", json={"version": version}, headers=headers)

    async def test_they_are_put_moved_taken_away_and_each_move_is_kept(self, api: httpx.AsyncClient) -> None:
        first = await self.put(api, "staging", 1)
        assert (first.status_code, first.json()["version"], first.json()["protected"]) == (200, 1, False)
        assert (await self.put(api, "staging", 1)).json() == first.json(), "the same again is no move"
        await self.put(api, "staging", 3)
        await self.put(api, "production", 2)
        shown = (await api.get("/api/prompts/greet/labels")).json()
        assert [(one["label"], one["version"], one["protected"]) for one in shown["items"]] == [
            ("production", 2, True),
            ("staging", 3, False),
        ]
        assert (await api.delete("/api/prompts/greet/labels/staging")).status_code == 204
        problem(await api.delete("/api/prompts/greet/labels/staging"), 404, "not_found")
        shown = (await api.get("/api/prompts/greet/labels")).json()
        assert [one["label"] for one in shown["items"]] == ["production"]
        moves = [(move["label"], move["from"], move["to"], move["by"]) for move in shown["moves"]]
        assert moves == [
            ("staging", 3, None, "ann"),
            ("production", None, 2, "ann"),
            ("staging", 1, 3, "ann"),
            ("staging", None, 1, "ann"),
        ]
        page = (await api.get("/api/prompts/greet/moves", params={"limit": 3})).json()
        rest = await api.get("/api/prompts/greet/moves", params={"continuation": page["continuation"]})
        assert page["items"] + rest.json()["items"] == shown["moves"]

    async def test_a_number_is_no_label(self, api: httpx.AsyncClient) -> None:
        errors = problem(await self.put(api, "3", 1), 400, "invalid_request")
        assert "versions" in errors["/path/label"]

    async def test_only_one_of_two_who_saw_the_same_moves_it(self, api: httpx.AsyncClient) -> None:
        etag = (await self.put(api, "staging", 1)).headers["etag"]
        moved = await self.put(api, "staging", 2, **{"If-Match": etag})
        assert moved.status_code == 200
        problem(await self.put(api, "staging", 3, **{"If-Match": etag}), 412, "precondition_failed")
        delete = await api.delete("/api/prompts/greet/labels/staging", headers={"If-Match": etag})
        problem(delete, 412, "precondition_failed")
        problem(await self.put(api, "new", 3, **{"If-Match": "*"}), 412, "precondition_failed")

    async def test_of_many_who_move_it_at_once_each_move_is_kept(self, api: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(self.put(api, "staging", number % 3 + 1) for number in range(12)))
        assert {answer.status_code for answer in answers} == {200}
        moves = (await api.get("/api/prompts/greet/moves", params={"limit": 50})).json()["items"]
        ends = [(move["from"], move["to"]) for move in reversed(moves)]
        assert ends[0][0] is None
        assert all(before[1] == after[0] for before, after in pairwise(ends)), "a move began where none had ended"
        [label] = (await api.get("/api/prompts/greet/labels")).json()["items"]
        assert label["version"] == ends[-1][1]

    async def test_a_protected_one_is_moved_by_admins_alone(self, api: httpx.AsyncClient) -> None:
        author = {"Authorization": "Bearer author"}
        assert (await self.put(api, "staging", 1, **author)).status_code == 200
        problem(await self.put(api, "production", 1, **author), 403, "forbidden")
        await self.put(api, "production", 1)
        problem(await api.delete("/api/prompts/greet/labels/production", headers=author), 403, "forbidden")
        assert (await api.get("/api/prompts/greet/labels")).json()["items"][0]["version"] == 1

    async def test_they_are_so_many_and_no_more(self, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(labels, "MOST", 2)
        for label in ("one", "two"):
            assert (await self.put(api, label, 1)).status_code == 200
        problem(await self.put(api, "three", 1), 409, "conflict")
        assert (await self.put(api, "two", 2)).status_code == 200

    async def test_what_is_not_there_is_refused(self, api: httpx.AsyncClient) -> None:
        assert "no version 4" in problem(await self.put(api, "staging", 4), 400, "invalid_request")["/version"]
        assert "/path/label" in problem(await self.put(api, "Staging", 1), 400, "invalid_request")
        problem(await api.put("/api/prompts/other/labels/x", json={"version": 1}), 404, "not_found")
        problem(await api.put("/api/prompts/greet/labels/x", json={"verison": 1}), 400, "invalid_request")
