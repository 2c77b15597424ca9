from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from domain.agents import Agent
from domain.errors import Code, ProblemError
from domain.plans import Plan
from domain.steps import AgentStep
from domain.tools import Tool
from domain.values import content_hash
from domain.workflows import Workflow
from services.plans import CACHED, Plans
from services.wiring import Services


def plan(instructions: str = "Write.", version: int = 1) -> Plan:
    return Plan(
        workflow=Workflow(name="w", steps=(AgentStep(id="s", agent="a", input="ü ${input}"),)),
        workflow_version=version,
        agents={"a": Agent(name="a", instructions=instructions)},
        agent_versions={"a": version},
    )


async def test_the_hash_names_the_content(services: Services, others: Services) -> None:
    hash = await services.plans.save("acme", plan())
    assert hash == content_hash(plan().model_dump(mode="json"))
    assert await services.plans.save("acme", plan()) == hash == await others.plans.save("acme", plan())
    assert await services.plans.save("acme", plan("Else.")) != hash
    assert await others.plans.load("acme", hash) == plan()


async def test_a_plan_of_release_0_1_0_is_read_under_the_hash_it_was_given(services: Services) -> None:
    content = (Path(__file__).parent / "plans" / "0.1.0.json").read_bytes()
    hash = await services.artifacts.put("acme/plans", content, "application/json")
    assert hash == "557ccabd1b36c81e582cbb98f7ff3b4692694f1840ccdc474a2f3fc701ddf0bf"
    read = await services.plans.load("acme", hash)
    assert (read.workflow.name, read.workflow_version, read.agent_versions["chair"]) == ("incident-panel", 3, 1)
    assert (read.tools, read.workflows) == ({}, {})
    again = await services.plans.save("acme", read)
    assert await Plans(services.artifacts).load("acme", again) == read
    assert await Plans(services.artifacts).load("acme", hash) == read


async def test_tools_and_workflows_are_pinned_with_the_rest(services: Services) -> None:
    whole = plan().model_copy(
        update={
            "tools": {"t": Tool(name="t", function="f")},
            "tool_versions": {"t": 2},
            "workflows": {"w@3": plan().workflow},
            "workflow_versions": {"w@3": 3},
        }
    )
    hash = await services.plans.save("acme", whole)
    assert hash != await services.plans.save("acme", plan())
    assert await Plans(services.artifacts).load("acme", hash) == whole


async def test_a_large_plan(services: Services) -> None:
    large = plan("x" * 32_000).model_copy(
        update={"agents": {f"a{n}": Agent(name=f"a{n}", instructions="ü" * 32_000) for n in range(100)}}
    )
    hash = await services.plans.save("acme", large)
    assert await Plans(services.artifacts).load("acme", hash) == large


async def test_other_tenants_have_others(services: Services) -> None:
    hash = await services.plans.save("acme", plan())
    for tenant, wanted in (("other", hash), ("acme", "0" * 64), ("acme", "nonsense")):
        with pytest.raises(ProblemError) as caught:
            await services.plans.load(tenant, wanted)
        assert caught.value.problem.code is Code.NOT_FOUND


async def test_the_cache_is_bounded_and_forgets_the_least_used(services: Services) -> None:
    plans = Plans(services.artifacts)
    hashes = await asyncio.gather(*(plans.save("acme", plan(version=n + 1)) for n in range(CACHED)))
    for hash in hashes:
        await plans.load("acme", hash)
    kept = await plans.load("acme", hashes[0])
    await plans.save("acme", plan(version=CACHED + 1))
    assert await plans.load("acme", hashes[0]) is kept
    assert len(plans._cache) == CACHED
    assert (await plans.load("acme", hashes[1])).workflow_version == 2


EVERY_KIND = [
    {"id": "a", "agent": "x"},
    {"id": "t", "tool": "x"},
    {"id": "s", "sequential": [{"id": "s1", "agent": "x"}]},
    {"id": "c", "concurrent": [{"id": "c1", "agent": "x"}]},
    {"id": "m", "map": {"over": "input", "step": {"id": "m1", "agent": "x"}}},
    {"id": "g", "group_chat": {"participants": ["x", "y"], "task": "t", "until": {"any": [{"turns": 2}]}}},
    {"id": "h", "handoff": {"start": "x", "may_pass": {"x": ["y"]}}},
    {"id": "l", "loop": {"steps": [{"id": "l1", "agent": "x"}], "most": 2, "while": "true"}},
    {"id": "w", "switch": {"cases": [{"when": "true", "step": {"id": "w1", "agent": "x"}}]}},
    {"id": "p", "approval": {"ask": "?", "deadline": "PT5M"}},
    {"id": "w1", "wait": {"for": "PT5S"}},
    {"id": "w2", "wait": {"until": "${input}"}},
    {"id": "w3", "wait": {"event": "e", "within": "PT5S", "otherwise": {"fallback": None}}},
    {"id": "o", "workflow": "other"},
]


@pytest.mark.parametrize("step", EVERY_KIND, ids=lambda step: list(step)[1])
async def test_every_kind_of_step_reads_back(services: Services, step: dict[str, Any]) -> None:
    workflow = Workflow.model_validate({"name": "w", "steps": [step]})
    plan = Plan(workflow=workflow, workflow_version=1, agents={}, agent_versions={})
    assert await Plans(services.artifacts).load("t", await Plans(services.artifacts).save("t", plan)) == plan
