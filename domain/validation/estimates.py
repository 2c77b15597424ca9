"""How much a workflow can cost at most, as far as that can be told without running it."""

from __future__ import annotations

from domain.workflows import AgentSpeaker, AgentStep, GroupChat, GroupChatStep, MapStep, Step, Turns, Workflow


def estimate_model_calls(workflow: Workflow) -> int | None:
    """Most model calls of one execution, tries after failures not counted; None when the input decides (`map`)."""
    return _of_all(workflow.steps)


def turn_limit(chat: GroupChat) -> int | None:
    """The turns after which the chat ends whatever is said, or None when nothing bounds it."""
    return min((stop.turns for stop in chat.until.any if isinstance(stop, Turns)), default=None)


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
