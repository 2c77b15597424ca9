"""How much a workflow can cost at most, as far as that can be told without running it."""

from __future__ import annotations

from domain.chat_rules import AgentSpeaker, AllOf, AnyOf, GroupChat, Stop, Turns
from domain.steps import AgentStep, GroupChatStep, MapStep, Step
from domain.workflows import Workflow


def estimate_model_calls(workflow: Workflow) -> int | None:
    """Most model calls of one execution, tries after failures not counted; None when the input decides (`map`)."""
    return _of_all(workflow.steps)


def turn_limit(chat: GroupChat) -> int | None:
    """The turns after which the chat ends whatever is said, or None when nothing bounds it."""
    return _bound(chat.until)


def _bound(stop: Stop) -> int | None:
    match stop:
        case Turns():
            return stop.turns
        case AnyOf():
            return min((bound for inner in stop.any if (bound := _bound(inner)) is not None), default=None)
        case AllOf():
            bounds = [_bound(inner) for inner in stop.all]
            return None if None in bounds else max(bound or 0 for bound in bounds)
        case _:
            return None


def _of_all(steps: tuple[Step, ...]) -> int | None:
    total = 0
    for step in steps:
        calls = _of(step)
        if calls is None:
            return None
        total += calls
    return total


def _of(step: Step) -> int | None:
    match step:
        case AgentStep():
            return 1
        case GroupChatStep(group_chat=chat):
            turns = turn_limit(chat)
            asked_each_turn = 2 if isinstance(chat.speaker, AgentSpeaker) else 1
            return None if turns is None else turns * asked_each_turn
        case MapStep():
            return None
        case _:
            return _of_all(step.children())
