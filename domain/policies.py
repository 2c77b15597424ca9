"""What a step may say about trying again, joining, spending and asking people: the same for every kind of step."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from domain.base import Shape
from domain.durations import Duration
from domain.errors import Code, Problem

NEVER_AGAIN = frozenset({Code.CANCELED, Code.BUDGET_EXCEEDED, Code.TOOL_UNCERTAIN})
"""Not tried again whatever a policy says: it would not be the same step any more, or not allowed."""

Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
ROLES: tuple[Role, ...] = ("operator",)


class Retry(Shape):
    """How often and how patiently a failed call of a model or tool is tried again."""

    attempts: int = Field(default=4, ge=1, le=20, description="Tries in all, the first included.")
    first_delay: Duration = Field(default=timedelta(seconds=2), description="Wait before the second try.")
    backoff: float = Field(default=2, ge=1, le=10, description="Each further wait is this many times the one before.")
    max_delay: Duration = Field(default=timedelta(minutes=1), description="No wait is longer, unless the model asks.")
    jitter: float = Field(default=0, ge=0, le=1, description="Each wait is longer by up to this share of itself.")
    on: tuple[Code, ...] | None = Field(
        default=None,
        description="Codes of the errors to try again after; default: all that may pass by themselves.",
    )

    def applies_to(self, problem: Problem) -> bool:
        """Whether this error is worth another try."""
        if problem.code in NEVER_AGAIN:
            return False
        return problem.retryable if self.on is None else problem.code in self.on

    def delay(self, failures: int, asked: float | None, chance: float = 0) -> timedelta:
        """Wait after the n-th failure (n ≥ 1). `asked` is the other side's Retry-After, in seconds; the longer wins.

        `chance`, from 0 to 1, says how much of the jitter this wait gets.
        """
        own = min(self.first_delay * self.backoff ** (failures - 1), self.max_delay)
        return max(own, timedelta(seconds=asked or 0)) * (1 + self.jitter * chance)


class Escalation(Shape):
    """Who else may decide, if nobody has after a while."""

    after: Duration = Field(description="How long the first ones have for themselves.")
    roles: tuple[Role, ...] = Field(min_length=1, description="Who may decide from then on, beside the first ones.")


class Question(Shape):
    """What every question to a human says about who may answer, and until when."""

    roles: tuple[Role, ...] = Field(default=ROLES, min_length=1, description="Who may answer; an admin always may.")
    deadline: Duration | None = Field(default=None, description="When nobody has answered by then, `otherwise` counts.")
    escalate: Escalation | None = Field(default=None, description="Who else may answer, after a while.")

    @model_validator(mode="after")
    def _escalates_in_time(self) -> Question:
        if self.escalate and self.deadline and self.escalate.after >= self.deadline:
            raise ValueError("`escalate.after` must be shorter than `deadline`")
        return self


class Fallback(Shape):
    """Go on with a value of the author's."""

    fallback: Any = Field(description="The step's output when it fails.")


class FailureQuestion(Question):
    """What to ask when a step has failed."""

    otherwise: Literal["retry", "skip", "fail"] = Field(
        default="fail", description="What counts after the deadline. A step is tried again at most 100 times."
    )


class Ask(Shape):
    """Let a human decide: try the step again, skip it, or fail."""

    ask: FailureQuestion = Field(description="Who is asked, and until when.")


OnError = Literal["fail", "skip"] | Fallback | Ask


class Join(Shape):
    """When branches that run at the same time are joined, and what becomes of those that are too late."""

    at_least: int | None = Field(default=None, ge=1, description="Joined as soon as so many have succeeded.")
    tolerate: int | None = Field(default=None, ge=0, description="Joined when all have ended, so many failures aside.")
    within: Duration | None = Field(default=None, description="Those that have not ended by then count as failed.")
    losers: Literal["cancel", "leave"] = Field(
        default="cancel", description="What is done with the rest: ended at once, or left to end by itself."
    )

    @model_validator(mode="after")
    def _one_measure(self) -> Join:
        if self.at_least is not None and self.tolerate is not None:
            raise ValueError("write `at_least` or `tolerate`, not both")
        return self

    def needed(self, number: int) -> int:
        """How many of `number` branches must succeed."""
        return min(self.at_least, number) if self.at_least is not None else max(0, number - (self.tolerate or 0))

    @property
    def is_early(self) -> bool:
        """Whether it can be met before all have ended."""
        return self.at_least is not None


JoinPolicy = Literal["all", "any"] | Join


def join_of(policy: JoinPolicy) -> Join:
    match policy:
        case "all":
            return Join()
        case "any":
            return Join(at_least=1)
        case _:
            return policy


class Amounts(Shape):
    """So much money, so many tokens, so many model calls; what is not given is not looked at."""

    cost_usd: Decimal | None = Field(default=None, gt=0, description="US dollars.")
    tokens: int | None = Field(default=None, ge=1, description="Tokens of all model calls, in and out.")
    model_calls: int | None = Field(default=None, ge=1, description="Model calls, tries after failures not counted.")

    @property
    def is_empty(self) -> bool:
        return self.cost_usd is None and self.tokens is None and self.model_calls is None


AtCap = Literal["fail", "pause"]


class Budget(Amounts):
    """The most that may be spent. Checked and reserved before each model call, settled after it."""

    at_cap: AtCap = Field(
        default="fail",
        exclude_if=lambda at_cap: at_cap == "fail",  # plans of definitions without it keep their hash
        description="What happens instead of a call beyond it: the step fails, or the execution pauses until it is "
        "raised.",
    )

    @model_validator(mode="after")
    def _has_a_cap(self) -> Budget:
        if self.at_cap == "pause" and self.is_empty:
            raise ValueError("`at_cap` needs `cost_usd`, `tokens` or `model_calls` to be capped")
        return self


class Limits(Budget):
    """What one execution of the workflow may use in all."""

    duration: Duration | None = Field(default=None, description="Time from its start; pauses count.")


class Defaults(Shape):
    """What steps of the workflow do unless they, or a step around them, say otherwise."""

    retry: Retry | None = Field(default=None, description="How failed calls are tried again.")
    timeout: Duration | None = Field(default=None, description="Of each `agent` and `tool` step.")
    on_error: OnError | None = Field(default=None, description="What the failure of a step does.")
