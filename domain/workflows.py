"""The workflow language: what an author writes, as pydantic models. The JSON Schema is generated from these."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from domain.base import Name, Reference, Shape, StepId
from domain.durations import Duration


def _one_key_of(*keys: str) -> Discriminator:
    """Chooses the member of a union by the one key of `keys` that is present, so errors speak of that member alone."""

    def choose(value: Any) -> str | None:
        present = [key for key in keys if (key in value if isinstance(value, dict) else hasattr(value, key))]
        return present[0] if len(present) == 1 else None

    return Discriminator(
        choose,
        custom_error_type="one_key",
        custom_error_message=f"exactly one of these keys is needed: {', '.join(keys)}",
    )


class Retry(Shape):
    """How often and how patiently a failed model call is tried again."""

    attempts: int = Field(default=4, ge=1, le=20, description="Tries in all, the first included.")
    first_delay: Duration = Field(default=timedelta(seconds=2), description="Wait before the second try.")
    backoff: float = Field(default=2, ge=1, le=10, description="Each further wait is this many times the one before.")
    max_delay: Duration = Field(default=timedelta(minutes=1), description="No wait is longer, unless the model asks.")

    def delay(self, failures: int, asked: float | None) -> timedelta:
        """Wait after the n-th failure (n ≥ 1). `asked` is the other side's Retry-After, in seconds; the longer wins."""
        own = min(self.first_delay * self.backoff ** (failures - 1), self.max_delay)
        return max(own, timedelta(seconds=asked or 0))


class Fallback(Shape):
    fallback: Any = Field(description="The step's output when it fails.")


OnError = Literal["fail", "skip"] | Fallback


class BaseStep(Shape):
    """What every step may say, whatever its kind."""

    id: StepId = Field(description="Unique within the workflow.")
    description: str = Field(default="", max_length=500)
    when: str | None = Field(default=None, description="CEL condition; the step is skipped when it is false.")
    on_error: OnError = Field(default="fail", description="What a failure of this step does to the execution.")
    retry: Retry = Field(default_factory=Retry)

    def children(self) -> tuple[Step, ...]:
        """Steps directly inside this one."""
        return ()


class AgentStep(BaseStep):
    """One turn of one agent."""

    agent: Reference
    input: str = Field(default="${input}", description="What the agent is asked; `${…}` holds CEL.")
    output_schema: dict[str, Any] | None = Field(default=None, description="Overrides the agent's.")


class SequentialStep(BaseStep):
    """Steps one after the other; the output is the last one's."""

    sequential: tuple[Step, ...] = Field(min_length=1)

    def children(self) -> tuple[Step, ...]:
        return self.sequential


class Concurrent(Shape):
    branches: tuple[Step, ...] = Field(min_length=1)


class ConcurrentStep(BaseStep):
    """Branches at the same time; the output maps their ids to outputs. A failing one loses no other's work."""

    concurrent: Concurrent

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


class MapStep(BaseStep):
    """One step for each item of a list; the output is the list of their outputs, in the list's order."""

    map: Map

    def children(self) -> tuple[Step, ...]:
        return (self.map.step,)


class AgentSpeaker(Shape):
    agent: Reference = Field(description="The chair: an agent that chooses who speaks next.")


class Turns(Shape):
    turns: int = Field(ge=1, le=10_000, description="Ends after this many turns.")


class Says(Shape):
    says: str = Field(min_length=1, max_length=200, description="Ends when a turn contains this text (case counts).")


class Agreed(Shape):
    agreed: Literal[True] = Field(description="Ends when the chair finds that the participants agree.")


class Holds(Shape):
    holds: str = Field(description="Ends when this CEL condition over `chat` (turns, last, speaker) is true.")


Stop = Annotated[
    Annotated[Turns, Tag("turns")]
    | Annotated[Says, Tag("says")]
    | Annotated[Agreed, Tag("agreed")]
    | Annotated[Holds, Tag("holds")],
    _one_key_of("turns", "says", "agreed", "holds"),
]


class Until(Shape):
    any: tuple[Stop, ...] = Field(min_length=1, description="The chat ends as soon as one of these is met.")


class View(Shape):
    last: int = Field(default=12, ge=1, le=100, description="How many of the latest turns a participant sees.")


class GroupChat(Shape):
    participants: tuple[Reference, ...] = Field(min_length=2, max_length=20)
    task: str = Field(min_length=1, description="What they are to settle; `${…}` holds CEL.")
    speaker: Literal["round_robin"] | AgentSpeaker = "round_robin"
    view: View = Field(default_factory=View)
    until: Until
    min_turns: int | None = Field(
        default=None, ge=0, description="No condition but `turns` is looked at before; default: each spoke once."
    )


class GroupChatStep(BaseStep):
    """Agents talk in turns until a condition is met; the output is the last turn's text, and the reason it stopped."""

    group_chat: GroupChat


KINDS: tuple[str, ...] = ("agent", "sequential", "concurrent", "map", "group_chat")


Step = Annotated[
    Annotated[AgentStep, Tag("agent")]
    | Annotated[SequentialStep, Tag("sequential")]
    | Annotated[ConcurrentStep, Tag("concurrent")]
    | Annotated[MapStep, Tag("map")]
    | Annotated[GroupChatStep, Tag("group_chat")],
    _one_key_of(*KINDS),
]


class Workflow(Shape):
    """A versioned workflow definition."""

    name: Name
    description: str = Field(default="", max_length=500)
    input: dict[str, Any] = Field(default_factory=lambda: {"type": "object"}, description="JSON Schema of the input.")
    steps: tuple[Step, ...] = Field(min_length=1, max_length=500)
    output: str | None = Field(default=None, description="Template of the result; default: the last step's output.")


for _model in (SequentialStep, Concurrent, ConcurrentStep, Map, MapStep, Workflow):
    _model.model_rebuild()


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step, parents before children, in the order written."""
    for step in steps:
        yield step
        yield from walk(step.children())


def agents_used(workflow: Workflow) -> list[str]:
    """Every agent reference in the workflow, in the order written, once each."""
    used: list[str] = []
    for step in walk(workflow.steps):
        if isinstance(step, AgentStep):
            used.append(step.agent)
        elif isinstance(step, GroupChatStep):
            used.extend(step.group_chat.participants)
            if isinstance(step.group_chat.speaker, AgentSpeaker):
                used.append(step.group_chat.speaker.agent)
    return list(dict.fromkeys(used))


def sources_in(step: Step) -> list[str]:
    """Every expression and template in a step and the steps inside it."""
    found: list[str] = []
    for inner in walk((step,)):
        found.extend([inner.when] if inner.when else [])
        match inner:
            case AgentStep():
                found.append(inner.input)
            case MapStep():
                found.append(inner.map.over)
            case GroupChatStep():
                stops = inner.group_chat.until.any
                found.extend([inner.group_chat.task, *(stop.holds for stop in stops if isinstance(stop, Holds))])
            case _:
                pass
    return found
