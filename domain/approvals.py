"""A question to a human, as stored, listed and decided: one record for each, settled once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.base import Shape

MOST_SHOWN = 20_000
"""Characters of what is shown beside a question; the rest is in the log."""


class Kind(StrEnum):
    """What is asked for: a yes or no (of a step, or of an agent's tool call), what to do about a failure, words of
    one's own in a chat, or what is known of a tool call that was cut off.
    """

    APPROVAL = "approval"
    FAILURE = "failure"
    TURN = "turn"
    TOOL = "tool"
    UNCERTAIN = "uncertain"


class State(StrEnum):
    PENDING = "pending"
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Approval(Shape):
    """`decision` is one of `options`; the words of a `turn` are in `comment`. Expired: `otherwise`."""

    id: str
    tenant: str
    execution: str
    workflow: str
    step: str
    kind: Kind
    ask: str
    show: Any = None
    options: tuple[str, ...]
    roles: tuple[str, ...]
    escalated: bool = False
    created: datetime
    deadline: datetime | None = None
    otherwise: str | None = None
    state: State = State.PENDING
    decision: str | None = None
    comment: str = ""
    by: str | None = None
    decided: datetime | None = None

    def may_be_decided_by(self, roles: tuple[str, ...]) -> bool:
        return "admin" in roles or any(role in self.roles for role in roles)


class Decision(Shape):
    """What someone who decides sends: one of the record's options, or for a `turn` the words."""

    decision: str = Field(min_length=1, max_length=64)
    comment: str = Field(default="", max_length=10_000)


OPTIONS: dict[Kind, tuple[str, ...]] = {
    Kind.APPROVAL: ("approve", "reject"),
    Kind.FAILURE: ("retry", "skip", "fail"),
    Kind.TURN: ("say", "pass"),
    Kind.TOOL: ("approve", "reject"),
    Kind.UNCERTAIN: ("carried_out", "call_again", "fail"),
}
