"""Evaluations over HTTP, really run: what is asked, what each grader says, what is paid once, and two side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.errors import Code, Fault, Problem
from services.models.base import ModelRequest
from tests.api.conftest import problem
from tests.api.living import Living, living
from tests.support.scripted_model import Answer

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

CAPITALS = {
    "name": "capitals",
    "cases": [
        {"id": "fr", "input": "France", "expected": "Paris"},
        {"id": "it", "input": "Italy", "expected": "Rome"},
        {"id": "no", "input": "Nowhere", "expected": "Nothing"},
        {"id": "de", "input": "Germany", "expected": "Berlin"},
    ],
}
REFUSED = Problem(code=Code.MODEL_REFUSED, message="It refuses.", action="Reword.", fault=Fault.MODEL)
KNOWN = {"France": "Paris", "Italy": "Milan", "Germany": "It is Berlin."}
GRADERS = [
    {"name": "exact", "rule": "equals"},
    {"name": "has", "rule": "contains"},
    {"name": "short", "cel": "size(output) < 8 && usage.model_calls == 1"},
    {"name": "text", "schema": {"type": "string"}},
    {"name": "judged", "judge": {"agent": "critic", "ask": "Is ${output} right for ${input}? (${expected})"}},
    {"name": "scored", "judge": {"agent": "critic", "ask": "Score ${output}.", "scale": "score"}, "pass_at": 0.9},
]


def says(request: ModelRequest) -> Answer:
    system, user = (str(request.messages[at]["content"]) for at in (0, -1))
    if system == "Judge.":
        if "Score" in user:
            return {"reason": "Hm.", "score": 0.25 if "Milan" in user else 1.0}
        return {"reason": "Because.", "pass": "Milan" not in user}
    if "Nowhere" in user:
        return REFUSED
    known = next(capital for country, capital in KNOWN.items() if country in user)
    return known.upper() if "loudly" in system else known


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Living]:
    async with living(tmp_path / "here", says) as made:
        made.bench.model.price = Decimal("0.001")
        for kind, definition in (
            ("agents", {"name": "guide", "instructions": "Name the capital."}),
            ("agents", {"name": "critic", "instructions": "Judge."}),
            ("prompts", {"name": "answer", "template": "Answer ${how}.", "variables": {"how": {"default": "softly"}}}),
            ("datasets", CAPITALS),
            (
                "workflows",
                {
                    "name": "capital",
                    "input": {"type": "string"},
                    "defaults": {"retry": {"attempts": 1}},
                    "steps": [{"id": "say", "agent": "guide", "input": "Of ${input}"}],
                    "output": "${steps.say.output}",
                },
            ),
        ):
            answer = await made.api.put(f"/api/{kind}/{definition['name']}", json=definition)
            assert answer.is_success, answer.text
        yield made


async def evaluated(live: Living, **request: Any) -> dict[str, Any]:
    answer = await live.api.post("/api/evaluations", json=request)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/evaluations/{answer.json()['id']}"
    record = await live.bench.ended(answer.json()["id"])
    assert record.error is None, record.error
    return await read(live.api, record.id)


async def read(api: httpx.AsyncClient, id: str, **params: Any) -> dict[str, Any]:
    answer = await api.get(f"/api/evaluations/{id}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def passed(found: dict[str, Any], grader: str) -> dict[str, Any]:
    return {case["id"]: case["grades"][grader].get("passed") for case in found["cases"]["items"]}


@pytest.mark.parametrize("target", [{"workflow": "capital"}, {"agent": "guide"}])
async def test_each_grader_says_of_each_case(live: Living, target: dict[str, str]) -> None:
    if "agent" in target:
        agent = {"name": "guide", "instructions": "Name the capital."}
        await live.api.put("/api/agents/guide", json=agent)
    found = await evaluated(live, **target, data="capitals@1", graders=GRADERS, limits={"model_calls": 50})
    assert found["evaluation"]["dataset"] == "capitals@1"
    assert found["evaluation"][next(iter(target))].endswith("@1")
    assert [case["status"] for case in found["cases"]["items"]] == ["answered", "answered", "failed", "answered"]
    assert passed(found, "exact") == {"fr": True, "it": False, "no": False, "de": False}
    assert passed(found, "has") == {"fr": True, "it": False, "no": False, "de": True}
    assert passed(found, "short") == {"fr": True, "it": True, "no": False, "de": False}
    assert passed(found, "text") == {"fr": True, "it": True, "no": False, "de": True}
    assert passed(found, "judged") == {"fr": True, "it": False, "no": False, "de": True}
    first, second, third, _ = found["cases"]["items"]
    assert (first["output"], second["grades"]["judged"]["reason"]) == ("Paris", "Because.")
    assert second["grades"]["scored"]["score"] == 0.25
    assert third["error"] == "It refuses."
    assert (first["usage"]["model_calls"], first["judging"]["model_calls"]) == (1, 2)
    sums = found["summary"]
    assert (sums["cases"], sums["answered"], sums["failed"], sums["waiting"]) == (4, 3, 1, 0)
    exact = next(one for one in sums["graders"] if one["name"] == "exact")
    assert (exact["passed"], exact["graded"], exact["rate"]) == (1, 4, 0.25)
    assert exact["rate_interval"] == {"low": pytest.approx(0.0456, abs=1e-4), "high": pytest.approx(0.6994, abs=1e-4)}
    scored = next(one for one in sums["graders"] if one["name"] == "scored")
    assert scored["mean"] == pytest.approx(2.25 / 4)
    assert scored["mean_interval"]["low"] < 2.25 / 4 < scored["mean_interval"]["high"]
    record = (await live.api.get(f"/api/executions/{found['id']}")).json()
    whole = Decimal(sums["usage"]["cost_usd"]) + Decimal(sums["judging"]["cost_usd"])
    assert whole == Decimal(record["usage"]["cost_usd"]) > 0
    asked = [str(request.messages[-1]["content"]) for request in live.bench.model.asked]
    assert "Is Milan right for Italy? (Rome)" in asked


async def test_a_page_at_a_time_and_only_what_did_not_pass(live: Living) -> None:
    id = (await evaluated(live, agent="guide", data="capitals", graders=GRADERS[:1]))["id"]
    first = await read(live.api, id, limit=3)
    rest = await read(live.api, id, continuation=first["cases"]["continuation"])
    assert [case["id"] for case in first["cases"]["items"] + rest["cases"]["items"]] == ["fr", "it", "no", "de"]
    assert [case["id"] for case in (await read(live.api, id, cases="failed"))["cases"]["items"]] == ["it", "no", "de"]


async def test_more_cases_than_one_orchestrator_takes(live: Living) -> None:
    cases = [{"id": f"c{number}", "input": f"Germany {number} {'x' * 40}"} for number in range(130)]
    graders = [{"name": "text", "schema": {"type": "string"}}, GRADERS[4]]
    found = await evaluated(live, agent="guide", cases=cases, graders=graders, concurrency=20)
    assert (found["summary"]["answered"], found["summary"]["graders"][0]["passed"]) == (130, 130)
    assert found["summary"]["graders"][1]["passed"] == 130, found["cases"]["items"][0]
    last = await read(live.api, found["id"], limit=200)
    assert [case["step"] for case in last["cases"]["items"]][-1] == "cases[129]"


async def test_evaluations_are_executions_and_listed_apart(live: Living) -> None:
    id = (await evaluated(live, agent="guide", cases=[{"input": "France"}]))["id"]
    [item] = (await live.api.get("/api/evaluations")).json()["items"]
    assert (item["id"], item["workflow"], item["evaluation"]["cases"]) == (id, "evaluate-guide", 1)
    assert "input" not in item
    assert (await live.api.get("/api/evaluations", params={"kind": "trial"})).json()["items"] == []
    assert (await live.api.get("/api/executions")).json()["items"][0]["id"] == id
    problem(await live.other.get(f"/api/evaluations/{id}"), 404, "not_found")
    assert (await live.other.get("/api/evaluations")).json()["items"] == []
    other = await live.api.post("/api/executions", json={"workflow": "capital", "input": "France"})
    await live.bench.ended(other.json()["id"])
    problem(await live.api.get(f"/api/evaluations/{other.json()['id']}"), 404, "not_found")
    # Taken elsewhere it is an execution like others.
    bundle = (await live.api.get(f"/api/executions/{id}/bundle")).json()
    imported = await live.other.post("/api/executions/import", json=bundle)
    assert (imported.status_code, imported.json()["evaluation"]) == (201, None)


async def test_a_repeated_request_starts_nothing_and_a_retry_pays_nothing_again(live: Living) -> None:
    request = {"agent": "guide", "data": "capitals", "graders": GRADERS}
    headers = {"Idempotency-Key": "once"}
    first = await live.api.post("/api/evaluations", json=request, headers=headers)
    await live.bench.ended(first.json()["id"])
    calls = len(live.bench.model.asked)
    again = await live.api.post("/api/evaluations", json=request, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    other = await live.api.post("/api/evaluations", json={**request, "graders": []}, headers=headers)
    problem(other, 409, "conflict")
    forked = await live.api.post(f"/api/executions/{first.json()['id']}/fork", json={})
    await live.bench.ended(forked.json()["id"])
    # The one that failed is asked anew.
    assert {str(request.messages[-1]["content"]) for request in live.bench.model.asked[calls:]} == {"Nowhere"}
    before, after = await read(live.api, first.json()["id"]), await read(live.api, forked.json()["id"])
    assert before["cases"]["items"][0]["output"] == after["cases"]["items"][0]["output"]
    assert after["summary"]["usage"] == before["summary"]["usage"], "what was taken over had cost the same"


async def test_two_over_the_same_cases(live: Living) -> None:
    left = await evaluated(live, agent="guide", prompt="answer", data="capitals", graders=GRADERS)
    cases = [*CAPITALS["cases"], {"id": "new", "input": "France"}]
    right = await evaluated(
        live, agent="guide", prompt="answer", variables={"how": "loudly"}, cases=cases, graders=GRADERS[:2]
    )
    assert (left["evaluation"]["prompt"], right["evaluation"]["prompt"]) == ("answer", "answer")
    found = (await live.api.get(f"/api/evaluations/{left['id']}/compare/{right['id']}")).json()
    assert (found["paired"], found["only_left"], found["only_right"]) == (4, 0, 1)
    exact, has = found["graders"]
    assert (exact["name"], exact["paired"], exact["left"], exact["right"]) == ("exact", 4, 0.25, 0.0)
    assert ([flip["id"] for flip in exact["lost"]], exact["gained"]) == (["fr"], [])
    assert exact["lost"][0]["right"]["reason"] == "it is not what is expected"
    assert (exact["difference"], exact["chance"]) == (-0.25, 1.0)
    assert exact["interval"]["low"] < -0.25 < exact["interval"]["high"]
    assert [flip["id"] for flip in has["lost"]] == ["fr", "de"]
    assert found["left"]["summary"]["answered"] == 3
    assert Decimal(found["cost_difference"]) == 0
    lonely = await evaluated(live, agent="guide", cases=[{"input": "Italy"}])
    answer = await live.api.get(f"/api/evaluations/{left['id']}/compare/{lonely['id']}")
    assert "no case in common" in problem(answer, 400, "invalid_request")["/path/other"]


async def test_a_workflow_with_other_prompts_for_its_agents(live: Living) -> None:
    loud = {"name": "answer", "template": "Answer loudly."}
    await live.api.put("/api/prompts/answer", json=loud)
    found = await evaluated(
        live, workflow="capital", prompts={"guide": "answer@2"}, data="capitals", graders=GRADERS[:1]
    )
    assert (found["evaluation"]["workflow"], found["evaluation"]["prompt"]) == ("capital@1", "guide: answer@2")
    assert found["cases"]["items"][0]["output"] == "PARIS"
    record = await live.bench.services.executions.get("t1", found["id"])
    assert record is not None
    plan = await live.bench.services.plans.load("t1", record.plan)
    assert plan.prompts["guide"].reference == "answer@2"


async def test_at_its_cap_the_other_cases_fail_or_all_of_it_pauses(live: Living) -> None:
    limits = {"model_calls": 2}
    found = await evaluated(live, agent="guide", data="capitals", graders=GRADERS[:1], limits=limits, concurrency=1)
    assert [case["status"] for case in found["cases"]["items"]] == ["answered", "answered", "failed", "failed"]
    assert "2 of 2 model calls" in found["cases"]["items"][3]["error"]
    body = {"agent": "guide", "data": "capitals", "limits": {**limits, "at_cap": "pause"}, "concurrency": 1}
    id = (await live.api.post("/api/evaluations", json=body)).json()["id"]

    async def is_paused() -> bool:
        return bool((await read(live.api, id))["status"] == "paused")

    await live.bench.until(is_paused)
    assert (await read(live.api, id))["summary"]["waiting"] == 2


async def test_a_draft_and_variables_of_the_input(live: Living) -> None:
    draft = {"template": "Speak ${how} of ${place}.", "variables": {"how": {"default": "loudly"}, "place": {}}}
    cases = [{"input": {"place": "France"}, "expected": "PARIS"}]
    found = await evaluated(
        live, agent="guide", draft=draft, variables={"place": "${input.place}"}, cases=cases, graders=GRADERS[:1]
    )
    assert passed(found, "exact") == {found["cases"]["items"][0]["id"]: True}
    assert str(live.bench.model.asked[-1].messages[0]["content"]) == "Speak loudly of France."
    record = await live.bench.services.executions.get("t1", found["id"])
    assert record is not None
    plan = await live.bench.services.plans.load("t1", record.plan)
    assert (plan.prompts["guide"].version, plan.agent_versions) == (None, {})


async def test_while_it_goes_on_it_tells_how_far_it_has_come(live: Living) -> None:
    gate = live.bench.model.gate("cases[1]")
    answer = await live.api.post(
        "/api/evaluations", json={"agent": "guide", "data": "capitals", "graders": GRADERS[:1], "concurrency": 2}
    )
    id = answer.json()["id"]
    await live.bench.model.until(lambda: any("Germany" in str(one.messages[-1]) for one in live.bench.model.asked))

    async def is_told() -> bool:
        found = await read(live.api, id)
        return [case["status"] for case in found["cases"]["items"]] == ["answered", "running", "failed", "answered"]

    await live.bench.until(is_told)
    found = await read(live.api, id)
    assert (found["status"], found["summary"]["waiting"]) == ("running", 1)
    assert passed({"cases": {"items": [found["cases"]["items"][0]]}}, "exact") == {"fr": True}
    await live.api.post(f"/api/executions/{id}/cancel")
    gate.set()
    await live.bench.ended(id)
    found = await read(live.api, id)
    assert (found["status"], found["cases"]["items"][1]["status"]) == ("canceled", "failed")


@pytest.mark.parametrize(
    ("request_", "where", "what"),
    [
        ({"data": "capitals"}, "", "exactly one of these keys is needed: agent, workflow"),
        ({"agent": "guide"}, "", "exactly one of these keys is needed: data, cases"),
        ({"agent": "guide", "cases": []}, "/cases", "1"),
        ({"agent": "guide", "cases": [{"id": "a", "input": 1}, {"id": "a", "input": 2}]}, "/cases", "twice"),
        ({"workflow": "capital", "data": "capitals", "prompt": "answer"}, "/prompt", "by agent"),
        ({"workflow": "capital", "data": "capitals", "prompts": {"gide": "answer"}}, "/prompts/gide", "`guide`?"),
        ({"workflow": "capital", "data": "capitals", "prompts": {"guide": "answer@7"}}, "/prompts/guide", "version 7"),
        ({"agent": "guide", "data": "capitals", "prompts": {"guide": "answer"}}, "/prompts", "one prompt"),
        ({"agent": "guide", "data": "capitals", "prompt": "answer", "draft": {"template": "x"}}, "/draft", "not both"),
        ({"agent": "guide", "data": "capitals", "draft": {"template": "${x}"}}, "/draft/template", "`x`"),
    ],
)
async def test_what_is_no_evaluation(live: Living, request_: Any, where: str, what: str) -> None:
    answer = await live.api.post("/api/evaluations", json=request_)
    assert what in problem(answer, 400, "invalid_request")[where]
    assert (await live.api.get("/api/evaluations")).json()["items"] == []


@pytest.mark.parametrize(
    ("grader", "where", "what"),
    [
        ({}, "", "exactly one"),
        ({"rule": "equal"}, "/rule", "equals"),
        ({"cel": "outptu"}, "/cel", "`outptu` is not known here"),
        ({"cel": "1 +"}, "/cel", "failed"),
        ({"rule": "regex", "pattern": "(?=x)"}, "/pattern", "look-around"),
        ({"rule": "equals", "of": "input"}, "/of", "`input`"),
        ({"schema": {"type": "txt"}}, "/schema/type", "not"),
        ({"judge": {"agent": "nobody"}}, "/judge/agent", "nobody"),
        ({"judge": {"agent": "critic", "ask": "${item}"}}, "/judge/ask", "`item`"),
    ],
)
async def test_what_is_no_grader(live: Living, grader: Any, where: str, what: str) -> None:
    body = {"agent": "guide", "data": "capitals", "graders": [{"name": "g", **grader}]}
    found = problem(await live.api.post("/api/evaluations", json=body), 400, "invalid_request")
    assert what in found[f"/graders/0{where}"], found


async def test_cases_that_a_workflow_does_not_take_and_what_is_not_there(live: Living) -> None:
    body = {"workflow": "capital", "cases": [{"input": "x"}, {"input": 5}]}
    assert "/cases/1/input" in problem(await live.api.post("/api/evaluations", json=body), 422, "invalid_input")
    for agent, data in (("nobody", "capitals"), ("guide", "capitals@2")):
        missing = await live.api.post("/api/evaluations", json={"agent": agent, "data": data})
        problem(missing, 404, "not_found")
    strange = {"agent": "guide", "data": "capitals", "prompt": "answer@7"}
    problem(await live.api.post("/api/evaluations", json=strange), 422, "invalid_definition")


async def test_data_sets_are_definitions(live: Living) -> None:
    assert (await live.api.get("/api/datasets/capitals")).json()["definition"] == CAPITALS
    twice = {"cases": [{"id": "a", "input": 1}, {"id": "a", "input": 2}]}
    errors = problem(await live.api.put("/api/datasets/capitals", json=twice), 422, "invalid_definition")
    assert errors == {"/cases": "the id `a` is there twice"}
    changed = await live.api.put("/api/datasets/capitals", json={"cases": [{"input": None}]})
    assert changed.json()["version"] == 2
