"""A workflow: what an author writes, as a pydantic model. The JSON Schema is generated from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from domain.base import Definition, Name
from domain.chat_rules import AgentSpeaker, ExpressionSpeaker, Holds, Human, Judged, stops_in
from domain.policies import Defaults, Limits
from domain.steps import (
    AgentStep,
    ApprovalStep,
    GroupChatStep,
    HandoffStep,
    LoopStep,
    MapStep,
    Step,
    SwitchStep,
    ToolStep,
    WaitStep,
    WaitUntil,
    WorkflowStep,
)


class Workflow(Definition):
    """A versioned workflow definition."""

    name: Name = Field(description="What it is started by, and what other workflows call it.")
    description: str = Field(default="", max_length=500, description="What it does, in a line.")
    input: dict[str, Any] = Field(default_factory=lambda: {"type": "object"}, description="JSON Schema of the input.")
    limits: Limits = Field(default_factory=Limits, description="The most that one execution may use.")
    defaults: Defaults = Field(default_factory=Defaults, description="What steps do that do not say otherwise.")
    steps: tuple[Step, ...] = Field(
        min_length=1, max_length=500, description="One after the other, or as their `needs` say."
    )
    output: str | None = Field(default=None, description="Template of the result; default: the last step's output.")


Workflow.model_rebuild()


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step, parents before children, in the order written."""
    for step in steps:
        yield step
        yield from walk(step.children())


def agents_used(workflow: Workflow) -> list[str]:
    """Every agent reference in the workflow, in the order written, once each."""
    used: list[str] = []
    for step in walk(workflow.steps):
        match step:
            case AgentStep():
                used.append(step.agent)
            case HandoffStep():
                used.extend(step.handoff.agents)
            case GroupChatStep():
                used.extend(_agents_in_chat(step))
            case _:
                pass
    return list(dict.fromkeys(used))


def _agents_in_chat(step: GroupChatStep) -> Iterator[str]:
    chat = step.group_chat
    yield from (participant for participant in chat.participants if not isinstance(participant, Human))
    if isinstance(chat.speaker, AgentSpeaker):
        yield chat.speaker.agent
    yield from chat.summarisers()
    yield from (stop.judged.agent for stop in stops_in(chat.until) if isinstance(stop, Judged))


def tools_used(workflow: Workflow) -> list[str]:
    """Every tool reference in the workflow, in the order written, once each."""
    return list(dict.fromkeys(step.tool for step in walk(workflow.steps) if isinstance(step, ToolStep)))


def workflows_used(workflow: Workflow) -> list[str]:
    """Every reference to another workflow, in the order written, once each."""
    return list(dict.fromkeys(step.workflow for step in walk(workflow.steps) if isinstance(step, WorkflowStep)))


def sources_in(*steps: Step) -> list[str]:
    """Every expression and template in the steps and the steps inside them."""
    return [source for step in walk(steps) for source in own_sources(step)]


def own_sources(step: Step) -> list[str]:  # noqa: C901 - one case for each kind
    """Every expression and template of a step, those of the steps inside it left out."""
    found = [step.when] if step.when else []
    match step:
        case AgentStep():
            found.append(step.input)
        case ToolStep():
            found.extend(texts_in(step.arguments))
        case WorkflowStep():
            found.extend(texts_in(step.input))
        case MapStep():
            found.append(step.map.over)
        case HandoffStep():
            found.append(step.handoff.task)
        case LoopStep():
            found.extend(source for source in (step.loop.until, step.loop.while_) if source)
        case SwitchStep():
            found.extend(case.when for case in step.switch.cases)
        case ApprovalStep():
            found.extend(source for source in (step.approval.ask, step.approval.show) if source)
        case WaitStep() if isinstance(step.wait, WaitUntil):
            found.append(step.wait.until)
        case GroupChatStep():
            chat = step.group_chat
            found.extend([chat.task, *(stop.holds for stop in stops_in(chat.until) if isinstance(stop, Holds))])
            if isinstance(chat.speaker, ExpressionSpeaker):
                found.append(chat.speaker.expression)
        case _:
            pass
    return found


def texts_in(value: Any) -> list[str]:
    """Every text in a JSON value, wherever it is: each may be a template."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for child in value.values() for text in texts_in(child)]
    return [text for child in value for text in texts_in(child)] if isinstance(value, list) else []
