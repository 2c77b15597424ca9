"""The language of a group chat: who takes part, who speaks next, what each sees, and when it ends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from domain.base import Name, Reference, Shape, one_key_of, split_reference
from domain.durations import Duration
from domain.policies import Amounts, Question


class Human(Question):
    """A person who takes part: asked for words of their own when it is their turn."""

    human: Name = Field(description="What the others call them.")
    description: str = Field(default="", max_length=500, description="Who they are, in a line; the others are told.")
    otherwise: Literal["pass", "fail"] = Field(default="pass", description="What counts after the deadline.")


Participant = Reference | Human


def name_of(participant: Participant) -> str:
    """What a participant is called in the chat: `writer@3` is called as it is written."""
    return participant.human if isinstance(participant, Human) else participant


def _introduced(participant: Participant) -> str:
    if not isinstance(participant, Human):
        return participant
    return f"{participant.human} (a person{f': {participant.description}' if participant.description else ''})"


class AgentSpeaker(Shape):
    agent: Reference = Field(description="The chair: an agent that chooses who speaks next.")


class Seed(Shape):
    seed: int = Field(default=0, description="Another seed gives another order; the same seed the same one.")


class RandomSpeaker(Shape):
    random: Seed = Field(description="Anyone but the last speaker, by chance that a seed decides.")


class ExpressionSpeaker(Shape):
    expression: str = Field(
        description="CEL over `chat` (turns, last, speaker, participants) that gives the name of a participant."
    )


Speaker = (
    Literal["round_robin"]
    | Annotated[
        Annotated[AgentSpeaker, Tag("agent")]
        | Annotated[RandomSpeaker, Tag("random")]
        | Annotated[ExpressionSpeaker, Tag("expression")],
        one_key_of("agent", "random", "expression"),
    ]
)


class Turns(Shape):
    turns: int = Field(ge=1, le=10_000, description="Ends after this many turns.")


class Says(Shape):
    says: str = Field(min_length=1, max_length=200, description="Ends when a turn contains this text (case counts).")


class Agreed(Shape):
    agreed: Literal[True] = Field(description="Ends when the chair finds that the participants agree.")


class Holds(Shape):
    holds: str = Field(
        description="Ends when this CEL condition over `chat` (turns, last, speaker, participants) is true."
    )


class Verdict(Shape):
    agent: Reference = Field(description="The judge: an agent that answers yes or no, with a reason.")
    question: str = Field(min_length=1, max_length=2_000, description="What it decides, for example: is it settled?")
    every: int = Field(default=1, ge=1, le=100, description="It is asked after each so many turns.")


class Judged(Shape):
    judged: Verdict = Field(description="Ends when a judge says so.")


class NoProgress(Shape):
    no_progress: int = Field(ge=2, le=50, description="Ends when so many turns in a row repeat earlier ones.")


class Spent(Shape):
    budget: Amounts = Field(description="Ends when the chat, its chair and judges included, has spent this much.")


class Elapsed(Shape):
    time: Duration = Field(description="Ends at the first turn that ends after so long.")


class AllOf(Shape):
    all: tuple[Stop, ...] = Field(min_length=1, description="Ends when all of these hold after the same turn.")


class AnyOf(Shape):
    any: tuple[Stop, ...] = Field(min_length=1, description="Ends as soon as one of these holds.")


STOPS: tuple[str, ...] = (
    "turns", "says", "agreed", "holds", "judged", "no_progress", "budget", "time", "all", "any",
)  # fmt: skip

Stop = Annotated[
    Annotated[Turns, Tag("turns")]
    | Annotated[Says, Tag("says")]
    | Annotated[Agreed, Tag("agreed")]
    | Annotated[Holds, Tag("holds")]
    | Annotated[Judged, Tag("judged")]
    | Annotated[NoProgress, Tag("no_progress")]
    | Annotated[Spent, Tag("budget")]
    | Annotated[Elapsed, Tag("time")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")],
    one_key_of(*STOPS),
]

Until = Annotated[Annotated[AnyOf, Tag("any")] | Annotated[AllOf, Tag("all")], one_key_of("any", "all")]


class View(Shape):
    """What a speaker sees of what was said; the log keeps all of it."""

    last: int = Field(default=12, ge=1, le=100, description="How many of the latest turns a participant sees.")
    tokens: int | None = Field(
        default=None, ge=100, le=1_000_000, description="Of these only as many of the latest as are so many tokens."
    )
    summary: Reference | None = Field(
        default=None, description="An agent that sums up the turns before these; its summary is seen instead of them."
    )
    only: Literal["all", "addressed"] = Field(
        default="all",
        description="`addressed`: a participant sees only its own turns and those that name it; `last` counts these.",
    )


class GroupChat(Shape):
    participants: tuple[Participant, ...] = Field(
        min_length=2, max_length=20, description="Agents, and people: `{human: name}`."
    )
    task: str = Field(min_length=1, description="What they are to settle; `${…}` holds CEL.")
    speaker: Speaker = Field(default="round_robin", description="Who chooses who speaks next.")
    view: View = Field(default_factory=View, description="What a speaker sees of what was said.")
    views: dict[str, View] = Field(default_factory=dict, description="For some participants, by name, another view.")
    until: Until = Field(
        description="When it ends: as soon as `any` of these holds, or when `all` do. One must bound it."
    )
    min_turns: int | None = Field(
        default=None,
        ge=0,
        description="Until then only `turns`, `budget` and `time` count; default: as many turns as participants.",
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The participants' names, in the order written."""
        return tuple(name_of(participant) for participant in self.participants)

    def view_of(self, name: str) -> View:
        return self.views.get(name) or self.views.get(split_reference(name)[0]) or self.view

    def human(self, name: str) -> Human | None:
        """The person of that name; None when it is an agent."""
        humans = (one for one in self.participants if isinstance(one, Human))
        return next((human for human in humans if human.human == name), None)

    def introductions(self) -> tuple[str, ...]:
        """The participants as the others are told of them: of people, that they are."""
        return tuple(_introduced(participant) for participant in self.participants)

    def summarisers(self) -> dict[str, int]:
        """The agents that sum up, each with the length of the shortest view that it sums up for."""
        found: dict[str, int] = {}
        for view in (self.view, *self.views.values()):
            if view.summary is not None:
                found[view.summary] = min(view.last, found.get(view.summary, view.last))
        return found

    def addressees(self) -> tuple[str, ...]:
        """Those who see only what addresses them: of each turn it has to be known whether it does."""
        return tuple(name for name in self.names if self.view_of(name).only == "addressed")


for _model in (AllOf, AnyOf, GroupChat):
    _model.model_rebuild()


def stops_in(*stops: Stop) -> tuple[Stop, ...]:
    """Each condition, the ones inside `any` and `all` in place of those."""
    found: list[Stop] = []
    for stop in stops:
        match stop:
            case AnyOf():
                found.extend(stops_in(*stop.any))
            case AllOf():
                found.extend(stops_in(*stop.all))
            case _:
                found.append(stop)
    return tuple(found)
