"""The kinds of step: what an author writes inside `steps`, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag, model_validator

from domain.base import Name, Reference, Shape, StepId, one_key_of
from domain.chat_rules import GroupChat
from domain.durations import Duration
from domain.policies import Budget, Fallback, JoinPolicy, OnError, Question, Retry


class BaseStep(Shape):
    """What every step may say, whatever its kind."""

    id: StepId = Field(description="Unique within the workflow.")
    description: str = Field(default="", max_length=500, description="For people: what it is for.")
    needs: tuple[StepId, ...] | None = Field(
        default=None, description="Starts as soon as these beside it have ended; default: the one written before it."
    )
    when: str | None = Field(default=None, description="CEL condition; the step is skipped when it is false.")
    timeout: Duration | None = Field(default=None, description="The step fails when it takes longer.")
    retry: Retry | None = Field(
        default=None, description="How failed calls are tried again; default: as the step around it says."
    )
    on_error: OnError | None = Field(
        default=None,
        description="What a failure means: `fail`, `skip`, another output, or a question; default: `fail`.",
    )
    budget: Budget | None = Field(default=None, description="The most that the step, and those in it, may spend.")

    def children(self) -> tuple[Step, ...]:
        """Steps directly inside this one."""
        return ()


class AgentStep(BaseStep):
    """One turn of one agent."""

    agent: Reference = Field(description="Who takes the turn: `name` or `name@version`.")
    input: str = Field(default="${input}", description="What the agent is asked; `${…}` holds CEL.")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that the answer must satisfy, instead of the agent's."
    )


class ToolStep(BaseStep):
    """One call of a tool; the output is what it gave."""

    tool: Reference = Field(description="Which tool: `name` or `name@version`.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="What it is given; `${…}` in any text of it holds CEL."
    )


class SequentialStep(BaseStep):
    """Steps one after the other, or as their `needs` say; the output is the last one's."""

    sequential: tuple[Step, ...] = Field(min_length=1, description="The steps, in their order.")

    def children(self) -> tuple[Step, ...]:
        return self.sequential


class Concurrent(Shape):
    branches: tuple[Step, ...] = Field(min_length=1, description="Steps that begin together.")
    join: JoinPolicy = Field(default="all", description="When to go on: `all`, `any`, or how many and how long.")


class ConcurrentStep(BaseStep):
    """Branches at the same time; the output maps their ids to outputs. A failing one loses no other's work."""

    concurrent: Concurrent = Field(description="The branches, or `{branches, join}` to say when to go on.")

    @model_validator(mode="before")
    @classmethod
    def _accept_a_plain_list(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("concurrent"), list):
            return {**data, "concurrent": {"branches": data["concurrent"]}}
        return data

    def children(self) -> tuple[Step, ...]:
        return self.concurrent.branches


class Map(Shape):
    over: str = Field(description="CEL expression that gives the list.")
    step: Step = Field(description="Run once for each; sees `item` and `index`.")
    concurrency: int = Field(default=10, ge=1, le=100, description="Most items at the same time.")
    join: JoinPolicy = Field(default="all", description="When to go on, as for `concurrent`.")


class MapStep(BaseStep):
    """One step for each item of a list; the output is the list of their outputs, in the list's order."""

    map: Map = Field(description="`over` which list, and which `step` for each item.")

    def children(self) -> tuple[Step, ...]:
        return (self.map.step,)


class GroupChatStep(BaseStep):
    """Agents talk in turns until a condition is met; the output is the last turn's text, and the reason it stopped."""

    group_chat: GroupChat = Field(description="Who talks, about what, in which order, and until when.")


class Handoff(Shape):
    task: str = Field(default="${input}", min_length=1, description="What it is about; `${…}` holds CEL.")
    start: Reference = Field(description="The agent that begins.")
    may_pass: dict[Reference, tuple[Reference, ...]] = Field(
        description="Whom each agent may pass the conversation to; one that is not named must answer itself."
    )
    most: int = Field(default=8, ge=1, le=50, description="After so many handoffs, whoever has it must answer.")
    last: int = Field(default=12, ge=1, le=100, description="How many of the latest turns an agent sees.")

    @property
    def agents(self) -> tuple[str, ...]:
        """Everyone who may come to speak, in the order written."""
        passed_to = [name for names in self.may_pass.values() for name in names]
        return tuple(dict.fromkeys([self.start, *self.may_pass, *passed_to]))


class HandoffStep(BaseStep):
    """An agent answers, or passes the conversation to another it may pass to; the output is the answer."""

    handoff: Handoff = Field(description="Who begins, and whom each may pass the conversation to.")


class Loop(Shape):
    steps: tuple[Step, ...] = Field(min_length=1, description="Run again and again; they see `round`.")
    most: int = Field(ge=1, le=1_000, description="Never more rounds than this.")
    until: str | None = Field(default=None, description="CEL, looked at after each round: ends when true.")
    while_: str | None = Field(default=None, alias="while", description="CEL, looked at before each: ends when false.")

    @model_validator(mode="after")
    def _one_condition(self) -> Loop:
        if (self.until is None) == (self.while_ is None):
            raise ValueError("exactly one of these keys is needed: until, while")
        return self


class LoopStep(BaseStep):
    """Steps run again until a condition holds, at most so often; the output is the last round's last output."""

    loop: Loop = Field(description="The steps, until when, and how often at most.")

    def children(self) -> tuple[Step, ...]:
        return self.loop.steps


class Case(Shape):
    when: str = Field(description="CEL condition.")
    step: Step = Field(description="Run when it is the first that is true.")


class Switch(Shape):
    cases: tuple[Case, ...] = Field(min_length=1, description="The first whose condition is true is run.")
    otherwise: Step | None = Field(default=None, description="Run when none is; without it the step is skipped.")


class SwitchStep(BaseStep):
    """One of several steps; the output is that of the one that was run."""

    switch: Switch = Field(description="The cases, and what is run in none of them.")

    def children(self) -> tuple[Step, ...]:
        cases = tuple(case.step for case in self.switch.cases)
        return (*cases, self.switch.otherwise) if self.switch.otherwise else cases


class Approval(Question):
    ask: str = Field(min_length=1, description="The question; `${…}` holds CEL.")
    show: str | None = Field(default=None, description="What to look at before deciding; `${…}` holds CEL.")
    otherwise: Literal["approve", "reject", "fail"] = Field(
        default="reject", description="What counts after the deadline."
    )


class ApprovalStep(BaseStep):
    """A human says yes or no; the output is `{approved, by, comment, decided}`."""

    approval: Approval = Field(description="What is asked, of whom, and until when.")


class WaitFor(Shape):
    for_: Duration = Field(alias="for", description="How long, from when the step begins.")


class WaitUntil(Shape):
    until: str = Field(min_length=1, description="An RFC 3339 time; `${…}` holds CEL.")


def signal_preview(name: str) -> str:
    """What a step says that has waited for the event, and got it."""
    return f"`{name}` came"


class WaitEvent(Shape):
    event: Name = Field(description="Name of an event sent to the execution; the output is what came with it.")
    within: Duration | None = Field(default=None, description="The step fails when none has come after so long.")
    otherwise: Fallback | None = Field(
        default=None, description="Instead of failing: the output, as `{fallback: value}`."
    )


Wait = Annotated[
    Annotated[WaitFor, Tag("for")] | Annotated[WaitUntil, Tag("until")] | Annotated[WaitEvent, Tag("event")],
    one_key_of("for", "until", "event"),
]


class WaitStep(BaseStep):
    """Nothing happens until a time, or until an event is sent to the execution."""

    wait: Wait = Field(description="For a time, until a time, or for an event.")


class WorkflowStep(BaseStep):
    """Another workflow, as it is when the execution starts; the output is its output."""

    workflow: Reference = Field(description="Which one: `name` or `name@version`.")
    input: Any = Field(default="${input}", description="What it is given; `${…}` in any text of it holds CEL.")


KINDS: tuple[str, ...] = (
    "agent", "tool", "sequential", "concurrent", "map", "group_chat", "handoff", "loop", "switch", "approval", "wait",
    "workflow",
)  # fmt: skip


Step = Annotated[
    Annotated[AgentStep, Tag("agent")]
    | Annotated[ToolStep, Tag("tool")]
    | Annotated[SequentialStep, Tag("sequential")]
    | Annotated[ConcurrentStep, Tag("concurrent")]
    | Annotated[MapStep, Tag("map")]
    | Annotated[GroupChatStep, Tag("group_chat")]
    | Annotated[HandoffStep, Tag("handoff")]
    | Annotated[LoopStep, Tag("loop")]
    | Annotated[SwitchStep, Tag("switch")]
    | Annotated[ApprovalStep, Tag("approval")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[WorkflowStep, Tag("workflow")],
    one_key_of(*KINDS),
]

for _model in (
    SequentialStep, Concurrent, ConcurrentStep, Map, MapStep, Loop, LoopStep, Case, Switch, SwitchStep,
):  # fmt: skip
    _model.model_rebuild()
