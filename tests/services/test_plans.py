from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.agents import Agent
from domain.errors import Code, ProblemError
from domain.plans import Plan, content_hash
from domain.steps import AgentStep
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
