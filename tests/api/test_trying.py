"""Prompts tried on calls of past executions: asked the same under other instructions, side by side with what was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.models.base import ModelRequest
from tests.api.conftest import problem
from tests.api.living import Living, living
from tests.support.scripted_model import Answer, rejected

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

GREET = {
    "name": "greet",
    "template": "Greet in ${language}.",
    "variables": {"language": {"type": "string", "default": "French"}},
}
CHAT = {"participants": ["host", "planner"], "task": "Talk.", "until": {"any": [{"turns": 2}]}}
STEPS = {
    "name": "day",
    "steps": [
        {"id": "plan", "agent": "planner", "input": "Plan ${input.day}."},
        {
            "id": "each",
            "map": {
                "over": "['Ann', 'Bob']",
                "step": {"id": "hi", "agent": "host", "input": "${item}: ${steps.plan.output}"},
            },
        },
        {
            "id": "talk",
            "group_chat": {"participants": ["host", "planner"], "task": "Talk.", "until": {"any": [{"turns": 2}]}},
        },
    ],
}
LONG = "long " * 1_000


def says(request: ModelRequest) -> Answer:
    system, user = (str(request.messages[at]["content"]) for at in (0, -1))
    if system == "Plan.":
        return f"the plan is {LONG}"
    return f"{system} {user[:5]}"


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Living]:
    async with living(tmp_path / "here", says) as made:
        made.bench.model.price = Decimal("0.001")
        for kind, definition in (
            ("prompts", GREET),
            ("agents", {"name": "planner", "instructions": "Plan."}),
            ("agents", {"name": "host", "prompt": "greet", "temperature": 0.5, "max_output_tokens": 99}),
            ("workflows", STEPS),
        ):
            await keep(made, kind, definition)
        yield made


async def keep(live: Living, kind: str, definition: dict[str, Any]) -> None:
    answer = await live.api.put(f"/api/{kind}/{definition['name']}", json=definition)
    assert answer.is_success, answer.text


async def run(live: Living, workflow: str = "day", value: Any = None) -> str:
    answer = await live.api.post("/api/executions", json={"workflow": workflow, "input": value or {"day": "Monday"}})
    assert answer.status_code == 202, answer.text
    return (await live.bench.ended(answer.json()["id"])).id


async def tried(live: Living, **request: Any) -> tuple[dict[str, Any], list[ModelRequest]]:
    """What came of it, and what the model was asked for it."""
    before = len(live.bench.model.asked)
    answer = await live.api.post("/api/prompts/greet/try", json=request)
    assert answer.status_code == 202, answer.text
    record = await live.bench.ended(answer.json()["id"])
    assert record.error is None, record.error
    found = (await live.api.get(f"/api/evaluations/{record.id}")).json()
    return {**found, "skipped": answer.json()["skipped"]}, live.bench.model.asked[before:]


async def test_the_same_is_asked_under_the_new_prompt_and_nothing_else_is_done(live: Living) -> None:
    id = await run(live)
    then = [request for request in live.bench.model.asked if "Greet" in str(request.messages[0])]
    await keep(live, "prompts", {**GREET, "template": "Salute in ${language}!"})
    found, asked = await tried(
        live, agent="host", executions=[id], graders=[{"name": "long", "cel": "size(output) > 22"}]
    )
    evaluation = found["evaluation"]
    assert [evaluation[key] for key in ("kind", "agent", "prompt", "cases")] == ["trial", "host", "greet@2", 3]
    assert sorted(str(request.messages[-1]["content"]) for request in asked) == sorted(
        str(request.messages[-1]["content"]) for request in then
    )
    assert {str(request.messages[0]["content"]) for request in asked} == {"Salute in French!"}
    assert {(request.temperature, request.max_output_tokens) for request in asked} == {(0.5, 99)}
    # They stand in the order in which they were answered then.
    [first] = [case for case in found["cases"]["items"] if case["recorded"]["step"] == "each[0]"]
    assert (first["recorded"]["output"], first["output"]) == ("Greet in French. Ann: ", "Salute in French! Ann: ")
    assert first["recorded"]["execution"] == id
    assert LONG in first["input"]
    sums = found["summary"]
    assert sums["same"] == 0
    assert Decimal(sums["recorded"]["cost_usd"]) == Decimal(sums["usage"]["cost_usd"]) > 0
    assert [(one["name"], one["passed"]) for one in (*sums["graders"], *sums["recorded_graders"])] == [
        ("long", 3),
        ("long", 0),
    ]
    assert (await live.api.get("/api/evaluations", params={"kind": "trial"})).json()["items"][0]["id"] == found["id"]
    changed = (await live.api.get(f"/api/evaluations/{found['id']}", params={"cases": "changed"})).json()
    assert len(changed["cases"]["items"]) == 3


async def test_the_latest_executions_of_a_workflow_a_draft_and_what_cannot_be_tried(live: Living) -> None:
    first, second = await run(live), await run(live)
    await keep(live, "workflows", {"name": "day", "steps": STEPS["steps"][:1]})
    third = await run(live)
    draft = {"template": "Wave ${language}.", "variables": {"language": {"enum": ["left", "right"]}}}
    found, asked = await tried(
        live, agent="host", draft=draft, variables={"language": "left"}, executions={"workflow": "day", "last": 2}
    )
    assert found["evaluation"]["prompt"] == "greet (draft)"
    assert {case["recorded"]["execution"] for case in found["cases"]["items"]} == {second}
    assert found["skipped"] == [{"execution": third, "reason": "it has no agent `host`"}]
    assert {str(request.messages[0]["content"]) for request in asked} == {"Wave left."}
    assert first not in str(found)


async def test_variables_of_the_input_are_those_of_each_execution(live: Living) -> None:
    await keep(live, "agents", {"name": "host", "prompt": "greet", "variables": {"language": "${input.language}"}})
    await keep(live, "workflows", {"name": "hi", "steps": [{"id": "hi", "agent": "host", "input": "Ann"}]})
    ids = [await run(live, "hi", {"language": language}) for language in ("Dutch", "Welsh")]
    await keep(live, "prompts", {**GREET, "template": "Salute in ${language}!"})
    found, asked = await tried(live, agent="host", executions=ids)
    assert sorted(str(request.messages[0]["content"]) for request in asked) == [
        "Salute in Dutch!",
        "Salute in Welsh!",
    ]
    outputs = {case["recorded"]["execution"]: case["output"] for case in found["cases"]["items"]}
    assert outputs == dict(zip(ids, ["Salute in Dutch! Ann", "Salute in Welsh! Ann"], strict=True))


async def test_a_fork_that_paid_nothing_and_an_answer_that_did_not_fit(
    live: Living,
) -> None:
    id = await run(live)
    forked = await live.api.post(f"/api/executions/{id}/fork", json={})
    await live.bench.ended(forked.json()["id"])
    found, _ = await tried(live, agent="host", executions=[forked.json()["id"]])
    assert found["summary"]["same"] == 3
    assert Decimal(found["summary"]["recorded"]["cost_usd"]) > 0

    live.bench.model._script = lambda request: rejected("nonsense") if "Say" in str(request.messages[1]) else "yes"
    schema = {"type": "object", "required": ["a"]}
    step = {"id": "hi", "agent": "host", "input": "Say.", "output_schema": schema, "on_error": "skip"}
    await keep(live, "workflows", {"name": "hi", "steps": [step]})
    id = await run(live, "hi")
    live.bench.model._script = lambda request: {"a": 1}
    found, asked = await tried(live, agent="host", executions=[id])
    [case] = found["cases"]["items"]
    assert (case["recorded"]["error"], case["output"]) == ("It does not fit.", {"a": 1})
    assert asked[0].response_schema == schema


@pytest.mark.parametrize(
    ("request_", "where", "what"),
    [
        ({"executions": []}, "/executions", "there is no call"),
        ({"executions": ["0" * 32] * 101}, "/executions", "at most 100"),
        ({"executions": ["nothing"]}, "/executions/0", "[0-9a-f]{32}"),
        ({"executions": {"workflow": "nothing"}}, "/executions", "there are no executions"),
        ({"agent": "nobody"}, "/executions", "it has no agent `nobody`"),
        ({"version": 1, "draft": {"template": "x"}}, "/draft", "not both"),
        ({"draft": {"template": "${x}"}}, "/draft/template", "`x`"),
        ({"draft": {"template": "${x}", "variables": {"x": {}}}}, "/variables", "needs `x`"),
        ({"variables": {"tone": 1}}, "/variables/tone", "no variable `tone`"),
        ({"graders": [{"name": "g", "cel": "1 +"}]}, "/graders/0/cel", "failed"),
    ],
)
async def test_what_cannot_be_tried(live: Living, request_: Any, where: str, what: str) -> None:
    id = await run(live)
    body = {"agent": "host", "executions": [id], **request_}
    found = problem(await live.api.post("/api/prompts/greet/try", json=body), 400, "invalid_request")
    assert what in found[where], found


async def test_what_is_not_there_or_another_tenants(live: Living) -> None:
    id = await run(live)
    problem(
        await live.api.post("/api/prompts/nothing/try", json={"agent": "host", "executions": [id]}), 404, "not_found"
    )
    body = {"agent": "host", "executions": [id], "version": 7}
    problem(await live.api.post("/api/prompts/greet/try", json=body), 404, "not_found")
    answer = await live.other.put("/api/prompts/greet", json=GREET)
    assert answer.is_success
    problem(
        await live.other.post("/api/prompts/greet/try", json={"agent": "host", "executions": [id]}), 404, "not_found"
    )
