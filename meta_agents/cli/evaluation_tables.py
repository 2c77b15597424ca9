"""What evaluations come to, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from meta_agents.cli.tables import table_of
from meta_agents.evaluations import (
    CaseResult,
    Comparison,
    Evaluation,
    EvaluationRecord,
    Flip,
    Grade,
    GraderSummary,
    Interval,
)
from meta_agents.live.style import clock, counted, shown
from meta_agents.results import Usage

_SHORT = 60
_PASSED, _FAILED, _UNKNOWN = "✓", "✗", "?"


def show_evaluation(out: Console, found: Evaluation) -> None:
    """The cases, then the sums."""
    is_trial = found.evaluation.kind == "trial"
    out.print(_cases(found, is_trial))
    out.print()
    for line in _sums(found, is_trial):
        out.print(line, soft_wrap=True)


def show_evaluations(out: Console, found: Iterable[EvaluationRecord]) -> None:
    table = table_of("ID", "STATUS", "WHAT", "DATA", "CASES", "CREATED", "COST")
    for one in found:
        about = one.evaluation
        cells = (one.id, one.status, about.target, about.dataset or "", str(about.cases), clock(one.created))
        table.add_row(*cells, _money(one.usage))
    out.print(table)


def show_comparison(out: Console, found: Comparison) -> None:
    for name, side in (("left ", found.left), ("right", found.right)):
        out.print(Text(f"{name}  {side.id}  {side.evaluation.target}  {_money(side.summary.usage)}"), soft_wrap=True)
    alone = (
        f", {found.only_left} only left, {found.only_right} only right" if found.only_left or found.only_right else ""
    )
    out.print(f"{counted(found.paired, 'case')} in both{alone}")
    table = table_of("GRADER", "CASES", "LEFT", "RIGHT", "DIFFERENCE", "95 %", "GAINED", "LOST", "BY LUCK")
    for one in found.graders:
        chance = "" if one.chance is None else f"{one.chance:.3f}"
        numbers = (_part(one.left), _part(one.right), _signed(one.difference), _interval(one.interval, signed=True))
        flips = str(len(one.gained)), str(len(one.lost))
        table.add_row(one.name, str(one.paired), *numbers, *flips, chance)
    out.print(table)
    for one in found.graders:
        for word, flips_of in (("gained", one.gained), ("lost", one.lost)):
            for flip in flips_of:
                out.print(Text(_flip(one.name, word, flip)), soft_wrap=True)
    if found.cost_difference is not None:
        out.print(f"cost of a case: {found.cost_difference:+.6f} $")


def _flip(grader: str, word: str, flip: Flip) -> str:
    reason = (flip.right if word == "lost" else flip.left).reason
    return f"{_PASSED if word == 'gained' else _FAILED} {grader} {word}: {flip.id}{f' ({reason})' if reason else ''}"


def _cases(found: Evaluation, is_trial: bool) -> Table:
    names = [grader.name for grader in found.summary.graders]
    columns = ["CASE", "INPUT", *(["THEN"] if is_trial else []), "OUTPUT", *names]
    table = table_of(*columns, *(["COST THEN"] if is_trial else []), "COST")
    for case in found.cases.items:
        then = [_cut(case.recorded.error or case.recorded.output) if case.recorded else ""] if is_trial else []
        costs = [_money(case.recorded.usage) if case.recorded else ""] if is_trial else []
        grades = [_grade(case.grades.get(name)) for name in names]
        name = case.recorded.step if case.recorded else case.id
        table.add_row(name, _cut(case.input), *then, _answer(case), *grades, *costs, _money(case.usage))
    return table


def _answer(case: CaseResult) -> str:
    if case.status == "failed":
        return _cut(f"failed: {case.error}")
    return _cut(case.output) if case.status == "answered" else case.status


def _grade(grade: Grade | None) -> str:
    if grade is None or grade.score is None:
        return "" if grade is None else _UNKNOWN
    mark = _PASSED if grade.passed else _FAILED
    return mark if grade.score in (0, 1) else f"{mark} {grade.score:.2f}"


def _sums(found: Evaluation, is_trial: bool) -> Iterable[Text | Table]:
    sums = found.summary
    yield Text(
        f"{found.evaluation.target}: {counted(sums.cases, 'case')}, {sums.answered} answered, {sums.failed} failed"
        + (f", {sums.waiting} to come" if sums.waiting else ""),
        "bold",
    )
    if sums.graders:
        table = table_of("GRADER", "PASSED", "RATE", "95 %", "MEAN", "95 %", *(["RATE THEN"] if is_trial else []))
        then = {one.name: one for one in sums.recorded_graders}
        for one in sums.graders:
            past = [_part(then[one.name].rate) if one.name in then else ""] if is_trial else []
            table.add_row(*_grader(one), *past)
        yield table
    spent = f"{_money(sums.usage)}, {_tokens(sums.usage)}"
    if sums.judging.model_calls:
        spent += f"; judges {_money(sums.judging)}, {_tokens(sums.judging)}"
    if is_trial and sums.recorded is not None:
        spent += f"; then {_money(sums.recorded)}, {_tokens(sums.recorded)}"
        spent += f"; {sums.same} of {sums.answered} answers are the same"
    yield Text(f"cost {spent}")
    yield Text(f"evaluation {found.id}  {found.status}", "bright_black")


def _grader(one: GraderSummary) -> tuple[str, ...]:
    unknown = f" ({one.unknown} unknown)" if one.unknown else ""
    counts = f"{one.passed} of {one.graded}{unknown}"
    return (
        one.name,
        counts,
        _part(one.rate),
        _interval(one.rate_interval),
        _part(one.mean),
        _interval(one.mean_interval),
    )


def _part(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def _interval(found: Interval | None, *, signed: bool = False) -> str:
    if found is None:
        return ""
    return f"{found.low:+.3f} … {found.high:+.3f}" if signed else f"{found.low:.3f} … {found.high:.3f}"


def _money(usage: Usage) -> str:
    return "not known" if usage.cost_usd is None else f"${Decimal(usage.cost_usd):.4f}"


def _tokens(usage: Usage) -> str:
    return f"{usage.tokens_in:,} + {usage.tokens_out:,} tokens"


def _cut(value: object) -> str:
    text = " ".join(shown(value).split())
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
