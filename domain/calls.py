"""What an orchestrator asks of the activities, and the outcomes it gets back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from pydantic import Field

from domain.approvals import Kind
from domain.base import Shape
from domain.errors import Problem
from domain.events import Draft
from domain.executions import StopReason
from domain.hearing import Heard, Listening
from domain.policies import Budget, Retry
from domain.prompt_shapes import ChatPrompt, Prompt, Repair
from domain.semaphores import Wake
from domain.toolcalls import Asking, Round
from domain.tracing import Spanned, Trace
from domain.usage import Usage


class Cap(Shape):
    """A budget and the step it is of (the empty path: the whole execution)."""

    path: str
    budget: Budget


class Action(Shape):
    """What every request of an orchestrator to an activity says of whose it is and how it may be woken.

    `key` is the same on every attempt: what is finished under it is never done again. `tries` counts the attempts, so
    that each has a wake of its own.
    """

    tenant: str
    execution: str
    key: str
    step: str
    tries: int = 0
    instance: str | None = Field(default=None, description="The orchestrator that waits; None: the execution's own.")
    retry_of: str | None = Field(default=None, description="The execution whose answers may be used again.")
    retry_until: int | None = Field(default=None, description="Only those before this offset of its log.")
    offline: bool = Field(default=False, description="Nothing is called: what is not recorded there is a failure.")
    events: tuple[Draft, ...] = Field(default=(), description="Events the orchestrator caused, to be logged first.")
    trace: Trace | None = Field(default=None, description="The span that it is in; None: nobody follows it.")
    head: int = Field(default=0, description="Offset of the last event that the orchestrator has been told of.")
    quiet: bool = Field(default=False, description="Up to there nothing was asked of the execution that is not known.")

    @property
    def wake(self) -> str:
        """Name of the external event that ends the wait which may follow."""
        return wake_name(self.key, self.tries)


class ModelCall(Action, Listening):
    """One model call. `agent` is the reference as written in the workflow."""

    plan: str
    agent: str
    prompt: Prompt
    rounds: tuple[Round, ...] = Field(default=(), description="The tools that earlier answers of the turn asked for.")
    repair: Repair | None = None
    escalated: bool = Field(default=False, description="The cheap answer of a cascade was not accepted.")
    output_schema: dict[str, Any] | None = None
    pick: tuple[str, ...] = Field(default=(), description="Keys of the answer, an object, to hand back beside it.")
    data: dict[str, Any] = Field(default_factory=dict, description="Facts for the call's events: turn, role.")
    tell_usage: bool = Field(default=False, description="The orchestrator counts what its calls use.")
    retry: Retry
    failures: int = Field(default=0, description="How often this call has failed before.")
    caps: tuple[Cap, ...] = Field(default=(), description="Budgets that the call counts towards.")
    turn: Spanned | None = Field(default=None, description="The turn it is in, where that is not a step of its own.")


class AskedAt(Shape):
    """Where an agent's tool call is written: the event of the answer that asks for it, and its place in that."""

    event: str
    index: int


class Settled(Shape):
    """What a human said of a call that nobody knew to have been carried out, after `begun` attempts at it.

    `event`: where the human's words are, which are the result; None: the call is to be made again.
    """

    begun: int
    event: str | None = None


class ToolCall(Action):
    """One tool call: the arguments are those an agent `asked` with, or `arguments` with its texts rendered over
    `scope`.
    """

    plan: str
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    scope: dict[str, Any] = Field(default_factory=dict)
    asked: AskedAt | None = None
    agent: str | None = Field(default=None, description="Whose call it is.")
    settled: Settled | None = None
    retry: Retry
    failures: int = 0


class CallOutcome(Heard):
    """How a call ended: `value` (a `Value`) or `error`. `held`: it was not made, for the execution is paused."""

    value: dict[str, Any] | None = None
    event: str | None = Field(default=None, description="The event with the answer, where it is not the first call's.")
    error: Problem | None = None
    rejected: str | None = Field(default=None, description="The event that holds an answer that did not fit.")
    held: bool = False
    final: bool = Field(default=False, description="It is as recorded elsewhere: another try changes nothing.")
    asks: tuple[Asking, ...] = Field(default=(), description="Neither yet: these tool calls first.")
    begun: int = Field(default=0, description="Attempts at a tool call that nobody knows to have been carried out.")
    picked: dict[str, str] = Field(default={}, description="The beginnings of what `pick` asked for.")
    usage: Usage = Usage()
    head: int = Field(default=0, description="Offset of the last event that was logged for the call; 0: none was.")
    quiet: bool = Field(default=False, description="As of an `Action`, up to that offset.")


class Ask(Action, Listening):
    """A question to a human: made when it is not there yet, looked at when it is, closed when its time is up."""

    kind: Kind
    workflow: str
    ask: str
    show: str | None = None
    chat: ChatPrompt | None = Field(default=None, description="What whoever is to speak is shown, of a `turn`.")
    scope: dict[str, Any] = Field(default_factory=dict)
    roles: tuple[str, ...]
    deadline: datetime | None = None
    otherwise: str
    escalate_to: tuple[str, ...] = Field(default=(), description="From now on these may answer as well.")
    expired: bool = Field(default=False, description="The deadline is reached: `otherwise` counts, unless decided.")
    data: dict[str, Any] = Field(default_factory=dict, description="Facts for its events: turn, speaker.")
    time: datetime


class Park(Action):
    """Note that a strand waits: for an event sent to the execution, or only for time."""

    signal: str | None = None
    expired: bool = Field(default=False, description="It waits no longer; a signal that is there still counts.")


class NextTurns(Action):
    """Wake those who have been given a turn; `waits`: the call itself has to wait for its own, or does no longer."""

    wakes: tuple[Wake, ...] = ()
    waits: bool = False


class Arrival(Heard):
    """What a human, whose words are heard, or a signal brought; neither `value` nor `error`: nothing yet."""

    value: dict[str, Any] | None = None
    error: Problem | None = None
    over: bool = Field(default=False, description="Its time is up already, as recorded elsewhere.")
    stale: bool = Field(default=False, description="The question came to nothing in an earlier attempt: ask another.")


class CancelSteps(Action):
    """End what runs under these paths: they are not needed any more."""

    paths: tuple[str, ...]
    reason: str
    own: bool = Field(default=False, description="A step ends itself: people may be asked what to do about that.")
    spans: dict[str, Spanned] = Field(default={}, description="Those of the steps, by path.")
    time: datetime


class Evaluation(Shape):
    """An expression or template to evaluate where the values it needs can be loaded."""

    tenant: str
    execution: str
    id: str = Field(description="Id of the event that records the result when it is too large to travel inline.")
    step: str
    source: Any = Field(description="CEL; or, for a template, a text or JSON with templates in its texts.")
    template: bool
    input_schema: dict[str, Any] | None = Field(default=None, description="The value has to satisfy it.")
    scope: dict[str, Any]
    time: datetime
    events: tuple[Draft, ...] = ()
    trace: Trace | None = None


class Ending(Shape):
    """What `finish` needs to close an execution: the result to render, or the error."""

    tenant: str
    execution: str
    template: str | None = Field(default=None, description="The workflow's `output`; None gives `value` as it is.")
    scope: dict[str, Any] = Field(default_factory=dict)
    value: dict[str, Any] | None = None
    error: Problem | None = None
    stop_reason: StopReason
    tries: int = 0
    events: tuple[Draft, ...] = ()
    trace: Trace | None = None

    @property
    def wake(self) -> str:
        return wake_name("finish", self.tries)


HELD = "held"
"""What `finish` answers while the execution is paused."""


def wake_name(key: str, tries: int) -> str:
    """Safe in an address, where a key with its path is not: the SDK puts it there as it is."""
    return f"wake-{hashlib.sha256(key.encode()).hexdigest()[:16]}-{tries}"


def following_key(key: str) -> str:
    """The next of those that end in a number."""
    before = key.rstrip("0123456789")
    return f"{before}{int(key[len(before) :]) + 1}"


def completed_id(key: str) -> str:
    """Id of the event that holds a call's answer: the ledger's key."""
    return f"{key}:call.completed"


def rejected_id(key: str) -> str:
    """Id of the event that holds an answer which was paid for and did not fit."""
    return f"{key}:call.rejected"


def asked_id(key: str) -> str:
    """Id of the event that holds an answer which asks for tools."""
    return f"{key}:call.asked"


def told_id(key: str) -> str:
    """Id of the event that holds the last failure of an agent's tool call: it was told to the agent, and stays so."""
    return f"{key}:call.failed"


def requested_id(key: str) -> str:
    """Id of the event that holds a question to a human."""
    return f"{key}:approval.requested"


def decided_id(key: str) -> str:
    """Id of the event that holds what a human answered."""
    return f"{key}:approval.decided"
