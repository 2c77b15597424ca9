"""Whether a plan that somebody else wrote down is one that an execution could have pinned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from domain.base import split_reference
from domain.errors import Detail
from domain.plans import Plan
from domain.prompt_definitions import hash_of
from domain.validation import Known, check_given, check_prompt, check_schema, check_workflow, pointer
from domain.workflows import Workflow, tools_used, workflows_used


def check_plan(plan: Plan, written: Any) -> list[Detail]:
    """Every mistake, its pointer beginning with `/plan`; `written` is what the plan was read from."""
    found = [
        *_check_names(plan),
        *_check_prompts(plan),
        *_check_workflow(plan, plan.workflow, written["workflow"], "/plan/workflow"),
    ]
    for reference, workflow in plan.workflows.items():
        place = "/plan/workflows" + pointer([reference])
        found.extend(_check_workflow(plan, workflow, written["workflows"][reference], place))
    for kind, schemas in _schemas(plan).items():
        for reference, (name, schema) in schemas.items():
            place = f"/plan/{kind}{pointer([reference])}/{name}"
            found.extend(Detail(pointer=place + pointer(at), message=said) for at, said in check_schema(schema))
    if any(reference in _reached(plan, [reference]) for reference in plan.workflows):
        found.append(Detail(pointer="/plan/workflows", message="one of them is a step of itself, by way of others"))
    return found


def _check_workflow(plan: Plan, workflow: Workflow, written: Any, place: str) -> Iterator[Detail]:
    # Those that are missing are told of once each, below.
    tools = {**plan.tools, **{reference: plan.tools.get(reference) for reference in tools_used(workflow)}}
    used = {reference: plan.workflows.get(reference) for reference in workflows_used(workflow)}
    workflows = {**plan.workflows, **used}
    for detail in check_workflow(workflow, Known(plan.agents, tools, workflows), written).errors:
        yield Detail(pointer=place + detail.pointer, message=detail.message)
    yield from _missing("tools", tools_used(workflow), plan.tools)
    yield from _missing("workflows", workflows_used(workflow), plan.workflows)


def _missing(kind: str, used: list[str], known: Collection[str]) -> Iterator[Detail]:
    for reference in used:
        if reference not in known:
            yield Detail(pointer=f"/plan/{kind}", message=f"lacks `{reference}`, which a step uses")


def _check_names(plan: Plan) -> Iterator[Detail]:
    """References lead to what bears their names, and versions are those of what is there."""
    kinds: dict[str, tuple[Mapping[str, Any], Mapping[str, int]]] = {
        "agent": (plan.agents, plan.agent_versions),
        "tool": (plan.tools, plan.tool_versions),
        "workflow": (plan.workflows, plan.workflow_versions),
    }
    for kind, (definitions, versions) in kinds.items():
        for reference, definition in definitions.items():
            if definition.name != split_reference(reference)[0]:
                place = f"/plan/{kind}s{pointer([reference])}/name"
                yield Detail(pointer=place, message="is not the name that the workflow uses")
        if not versions.keys() <= definitions.keys():
            yield Detail(pointer=f"/plan/{kind}_versions", message=f"should name only what is in `{kind}s`")


def _check_prompts(plan: Plan) -> Iterator[Detail]:
    """Agents with a prompt have it pinned, and give it what it takes."""
    for reference in sorted(plan.prompts.keys() - plan.agents.keys()):
        yield Detail(pointer=f"/plan/prompts{pointer([reference])}", message="is the prompt of no agent of the plan")
    for reference, agent in plan.agents.items():
        prompt, place = plan.prompts.get(reference), f"/plan/prompts{pointer([reference])}"
        if (prompt is None) != (agent.prompt is None):
            yield Detail(pointer=place, message="is there exactly for agents with a `prompt`")
        if prompt is None:
            continue
        if prompt.hash != hash_of(prompt):
            yield Detail(pointer=f"{place}/hash", message="is not the hash of its template and variables")
        for detail in check_prompt(prompt).errors:
            yield Detail(pointer=place + detail.pointer, message=detail.message)
        for detail in check_given(agent, {prompt.reference: prompt}).errors:
            yield Detail(pointer=f"/plan/agents{pointer([reference])}{detail.pointer}", message=detail.message)


def _schemas(plan: Plan) -> dict[str, dict[str, tuple[str, dict[str, Any]]]]:
    """By kind and reference the schema that each definition holds, and the key it is under."""
    return {
        "agents": {name: ("output_schema", agent.output_schema or {}) for name, agent in plan.agents.items()},
        "tools": {name: ("input", tool.input) for name, tool in plan.tools.items()},
    }


def _reached(plan: Plan, begin: list[str]) -> set[str]:
    """The workflows that are steps of these, and steps of those."""
    waiting = [used for reference in begin for used in workflows_used(plan.workflows[reference])]
    reached: set[str] = set()
    while waiting:
        reference = waiting.pop()
        if reference not in reached and reference in plan.workflows:
            reached.add(reference)
            waiting.extend(workflows_used(plan.workflows[reference]))
    return reached
