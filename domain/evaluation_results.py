"""What came of an evaluation, case by case and in sum, and of two over the same cases side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from statistics import fmean
from typing import Any, Literal

from pydantic import Field

from domain.base import Shape
from domain.graders import Grader
from domain.grading import Answer, Grade, grade
from domain.intervals import Interval, bootstrap, mcnemar, wilson
from domain.usage import Usage
from domain.work import MOST_WORK, Work

Status = Literal["waiting", "running", "answered", "failed"]


class Recorded(Shape):
    """What was answered in the past, under the prompt of that time."""

    execution: str
    step: str
    call: str
    output: Any = None
    error: str | None = None
    usage: Usage = Usage()


class CaseResult(Shape):
    """One case. `usage` is what was evaluated, `judging` what its judges cost. `grades` are there once it has ended."""

    id: str
    input: Any = None
    expected: Any = None
    status: Status = "waiting"
    output: Any = None
    error: str | None = None
    usage: Usage = Usage()
    judging: Usage = Usage()
    seconds: float | None = None
    step: str = Field(default="", description="Path of the case's step in the execution.")
    verdicts: dict[str, Any] = Field(default_factory=dict, exclude=True)
    grades: dict[str, Grade] = Field(default_factory=dict)
    recorded: Recorded | None = None
    recorded_grades: dict[str, Grade] = Field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        return self.status in ("answered", "failed")


class GraderSummary(Shape):
    """`unknown`: cases of which the grader can say nothing; they count for nothing else here."""

    name: str
    kind: str
    graded: int
    unknown: int
    passed: int
    rate: float | None
    rate_interval: Interval | None
    mean: float | None
    mean_interval: Interval | None


class Summary(Shape):
    """The sums. `recorded` is what the calls of the past had cost, for a trial."""

    cases: int
    answered: int
    failed: int
    waiting: int
    usage: Usage
    judging: Usage
    seconds: float | None = Field(description="Mean seconds until an answer.")
    graders: tuple[GraderSummary, ...]
    recorded: Usage | None = None
    recorded_graders: tuple[GraderSummary, ...] = ()
    same: int | None = Field(default=None, description="Answers that are word for word those of the past.")


MOST_GRADING = 20 * MOST_WORK
"""For all grades of an evaluation that are worked out when it is read: ten seconds at most."""


def all_graded(results: Sequence[CaseResult], graders: Sequence[Grader]) -> list[CaseResult]:
    """In their order: where the graders are too much work together, the last ones have no grades."""
    work = Work(MOST_GRADING)
    return [graded(result, graders, work) for result in results]


def graded(result: CaseResult, graders: Sequence[Grader], work: Work | None = None) -> CaseResult:
    """The result with what each grader says of it. `work` as of `grade`."""
    if not result.has_ended:
        return result
    case = {"input": result.input, "expected": result.expected}
    answer = Answer(output=result.output, error=result.error, usage=result.usage)
    grades = {one.name: grade(one, case, answer, result.verdicts.get(one.name), work) for one in graders}
    update: dict[str, Any] = {"grades": grades}
    if result.recorded is not None:
        past = Answer(output=result.recorded.output, error=result.recorded.error, usage=result.recorded.usage)
        # Judges were not asked about what was answered in the past.
        update["recorded_grades"] = {
            one.name: grade(one, case, past, None, work) for one in graders if one.judge is None
        }
    return result.model_copy(update=update)


def summary(results: Sequence[CaseResult], graders: Sequence[Grader]) -> Summary:
    """`results` with their grades."""
    ended = [result for result in results if result.has_ended]
    past = [result.recorded for result in ended if result.recorded is not None]
    seconds = [result.seconds for result in ended if result.seconds is not None]
    is_trial = any(result.recorded is not None for result in results)
    own = [one for one in graders if one.judge is None]
    return Summary(
        cases=len(results),
        answered=sum(result.status == "answered" for result in results),
        failed=sum(result.status == "failed" for result in results),
        waiting=len(results) - len(ended),
        usage=_sum(result.usage for result in results),
        judging=_sum(result.judging for result in results),
        seconds=round(fmean(seconds), 3) if seconds else None,
        graders=tuple(_of_grader(one, [result.grades[one.name] for result in ended]) for one in graders),
        recorded=_sum(one.usage for one in past) if is_trial else None,
        recorded_graders=tuple(
            _of_grader(one, [result.recorded_grades[one.name] for result in ended if result.recorded]) for one in own
        )
        if is_trial
        else (),
        same=sum(result.recorded is not None and result.output == result.recorded.output for result in ended)
        if is_trial
        else None,
    )


def _sum(usages: Iterable[Usage]) -> Usage:
    return sum(usages, Usage())


def _of_grader(grader: Grader, grades: Sequence[Grade]) -> GraderSummary:
    scores = [one.score for one in grades if one.score is not None]
    passed = sum(bool(one.passed) for one in grades)
    return GraderSummary(
        name=grader.name,
        kind=grader.kind,
        graded=len(scores),
        unknown=len(grades) - len(scores),
        passed=passed,
        rate=passed / len(scores) if scores else None,
        rate_interval=wilson(passed, len(scores)),
        mean=fmean(scores) if scores else None,
        mean_interval=bootstrap(scores),
    )


class Flip(Shape):
    """A case that passed on one side and did not on the other."""

    id: str
    left: Grade
    right: Grade


class GraderComparison(Shape):
    """Over the `paired` cases that both sides have a grade for: `difference` is right less left, of the mean scores.

    `chance`: of as many flips one way or more if neither side did better (McNemar's exact test).
    """

    name: str
    paired: int
    left: float | None
    right: float | None
    difference: float | None
    interval: Interval | None
    gained: tuple[Flip, ...]
    lost: tuple[Flip, ...]
    chance: float | None


class Comparison(Shape):
    """Two evaluations over the cases that both have; the others are counted."""

    paired: int
    only_left: int
    only_right: int
    graders: tuple[GraderComparison, ...]
    left_usage: Usage
    right_usage: Usage
    cost_difference: Decimal | None = Field(description="US dollars a case, right less left; None: not known.")


def compared(left: Sequence[CaseResult], right: Sequence[CaseResult], names: Sequence[str]) -> Comparison:
    """`names`: graders that both sides have."""
    others = {result.id: result for result in right}
    pairs = [(one, others[one.id]) for one in left if one.id in others]
    ended = [pair for pair in pairs if all(one.has_ended for one in pair)]
    before, after = _sum(one.usage for one, _ in ended), _sum(one.usage for _, one in ended)
    difference = None
    if ended and before.cost_usd is not None and after.cost_usd is not None:
        difference = (after.cost_usd - before.cost_usd) / len(ended)
    return Comparison(
        paired=len(pairs),
        only_left=len(left) - len(pairs),
        only_right=len(right) - len(pairs),
        graders=tuple(_compared(name, ended) for name in names),
        left_usage=before,
        right_usage=after,
        cost_difference=difference,
    )


def _compared(name: str, pairs: Sequence[tuple[CaseResult, CaseResult]]) -> GraderComparison:
    both = list(_grades(name, pairs))
    differences = [(right.score or 0.0) - (left.score or 0.0) for _, left, right in both]
    gained = tuple(Flip(id=id, left=left, right=right) for id, left, right in both if right.passed and not left.passed)
    lost = tuple(Flip(id=id, left=left, right=right) for id, left, right in both if left.passed and not right.passed)
    return GraderComparison(
        name=name,
        paired=len(both),
        left=fmean(left.score or 0.0 for _, left, _ in both) if both else None,
        right=fmean(right.score or 0.0 for _, _, right in both) if both else None,
        difference=fmean(differences) if both else None,
        interval=bootstrap(differences),
        gained=gained,
        lost=lost,
        chance=mcnemar(len(gained), len(lost)) if both else None,
    )


def _grades(name: str, pairs: Sequence[tuple[CaseResult, CaseResult]]) -> Iterator[tuple[str, Grade, Grade]]:
    for left, right in pairs:
        before, after = left.grades.get(name), right.grades.get(name)
        if before and after and before.score is not None and after.score is not None:
            yield left.id, before, after
