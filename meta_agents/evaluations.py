"""What the API answers about evaluations: of agents and workflows on data sets, and of prompts on past calls."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from meta_agents.results import Execution, Json, Result, Usage


class Interval(Result):
    """Of 95 %."""

    low: float
    high: float


class Grade(Result):
    """`score` from 0 to 1; None: the grader can say nothing of the case."""

    score: float | None = None
    passed: bool | None = None
    reason: str = ""


class Recorded(Result):
    """What was answered in the past, for a trial."""

    execution: str
    step: str = ""
    call: str = ""
    output: Json = None
    error: str | None = None
    usage: Usage = Usage()


class CaseResult(Result):
    """One case. `status`: waiting, running, answered or failed. `judging` is what its judges cost."""

    id: str
    status: str
    input: Json = None
    expected: Json = None
    output: Json = None
    error: str | None = None
    usage: Usage = Usage()
    judging: Usage = Usage()
    seconds: float | None = None
    step: str = ""
    grades: dict[str, Grade] = Field(default_factory=dict)
    recorded: Recorded | None = None
    recorded_grades: dict[str, Grade] = Field(default_factory=dict)


class GraderSummary(Result):
    """`unknown`: cases of which the grader can say nothing."""

    name: str
    kind: str = ""
    graded: int = 0
    unknown: int = 0
    passed: int = 0
    rate: float | None = None
    rate_interval: Interval | None = None
    mean: float | None = None
    mean_interval: Interval | None = None


class Summary(Result):
    """The sums. `recorded` and `same` (answers that are word for word those of the past) are there for a trial."""

    cases: int
    answered: int = 0
    failed: int = 0
    waiting: int = 0
    usage: Usage = Usage()
    judging: Usage = Usage()
    seconds: float | None = None
    graders: tuple[GraderSummary, ...] = ()
    recorded: Usage | None = None
    recorded_graders: tuple[GraderSummary, ...] = ()
    same: int | None = None


class Evaluated(Result):
    """What was evaluated. `kind`: evaluation or trial."""

    kind: str
    agent: str | None = None
    workflow: str | None = None
    prompt: str | None = None
    dataset: str | None = None
    graders: tuple[Json, ...] = ()
    cases: int = 0

    @property
    def target(self) -> str:
        """What was evaluated, in a word or two."""
        name = self.agent or self.workflow or "?"
        return f"{name} with {self.prompt}" if self.prompt else name


class EvaluationRecord(Execution):
    """The record of its execution, without input and output. `skipped`: what a trial had nothing to try on."""

    evaluation: Evaluated
    skipped: tuple[Json, ...] = ()


class CasePage(Result):
    items: tuple[CaseResult, ...] = ()
    continuation: str | None = None


class Evaluation(EvaluationRecord):
    """With what came of it."""

    summary: Summary
    cases: CasePage = CasePage()


class EvaluationSide(EvaluationRecord):
    summary: Summary


class Flip(Result):
    """A case that passed on one side alone."""

    id: str
    left: Grade
    right: Grade


class GraderComparison(Result):
    """`difference`: right less left, of the mean scores; `chance`: of flips so one-sided by luck."""

    name: str
    paired: int
    left: float | None = None
    right: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    gained: tuple[Flip, ...] = ()
    lost: tuple[Flip, ...] = ()
    chance: float | None = None


class Comparison(Result):
    """Two evaluations over the cases that both have."""

    left: EvaluationSide
    right: EvaluationSide
    paired: int
    only_left: int = 0
    only_right: int = 0
    graders: tuple[GraderComparison, ...] = ()
    left_usage: Usage = Usage()
    right_usage: Usage = Usage()
    cost_difference: Decimal | None = None
