"""What is looked at in a handoff: who can come to have the conversation, and who never does."""

from __future__ import annotations

from domain.steps import Handoff
from domain.validation.checker import Checker
from domain.validation.findings import Parts
from domain.validation.places import Here


def check_handoff(checker: Checker, handoff: Handoff, at: Parts, here: Here) -> None:
    checker.template(handoff.task, (*at, "task"), here)
    checker.agent(handoff.start, (*at, "start"))
    passed = distances(handoff)
    for owner, others in handoff.may_pass.items():
        place = (*at, "may_pass", owner)
        checker.agent(owner, place)
        if owner not in passed:
            checker.notes.warning(
                place, f"the conversation never comes to `{owner}`: nobody who has it may pass it there"
            )
        elif passed[owner] >= handoff.most:
            checker.notes.warning(place, f"when it comes to `{owner}`, all {handoff.most} handoffs are up (`most`)")
        _check_passing(checker, owner, others, place)
    if not handoff.may_pass.get(handoff.start):
        message = f"`{handoff.start}` may pass to nobody, so that this is a step of one agent"
        checker.notes.warning((*at, "may_pass"), message)


def _check_passing(checker: Checker, owner: str, others: tuple[str, ...], at: Parts) -> None:
    for index, other in enumerate(others):
        checker.agent(other, (*at, index))
        if other == owner:
            checker.notes.error((*at, index), "nobody passes the conversation to itself")
        elif other in others[:index]:
            checker.notes.warning((*at, index), f"`{other}` stands here twice")


def distances(handoff: Handoff) -> dict[str, int]:
    """The fewest handoffs after which each agent can have the conversation."""
    found = {handoff.start: 0}
    waiting = [handoff.start]
    for owner in waiting:
        for other in handoff.may_pass.get(owner, ()):
            if other not in found and found[owner] < handoff.most:
                found[other] = found[owner] + 1
                waiting.append(other)
    return found
