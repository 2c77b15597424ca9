"""What graders say of one answer. Pure: judges have answered by now, and everything else is worked out here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from domain.base import Shape
from domain.errors import ProblemError
from domain.expressions import as_text, evaluate
from domain.graders import Grader
from domain.patterns import UnusablePattern, found
from domain.usage import Usage
from domain.values import Json
from domain.work import MOST_WORK, TooMuchWork, Work

MOST_REASON = 500
MOST_COMPLAINTS = 3
KEYWORD = 10
"""Cells of work that a keyword of a schema counts for, as long as it takes to look at."""


class Grade(Shape):
    """`score` from 0 to 1; None: nothing can be said, and the case does not count for the grader."""

    score: float | None
    passed: bool | None
    reason: str = ""


class Answer(Shape):
    """What came of a case: `output`, or why there is none."""

    output: Json = None
    error: str | None = None
    usage: Usage = Usage()


def grade(
    grader: Grader, case: Mapping[str, Json], answer: Answer, verdict: Json = None, work: Work | None = None
) -> Grade:
    """`case` holds `input` and `expected`, `verdict` what the judge answered, or why it did not (a text).

    `work`: what is left of a bound for many grades, of which this one takes its part.
    """
    if answer.error is not None:
        return _grade(0.0, f"no answer: {answer.error}", grader)
    most = MOST_WORK if work is None else min(MOST_WORK, work.left)
    if most <= 0:
        return Grade(score=None, passed=None, reason="the graders of this evaluation are too much work together")
    own = Work(most)
    try:
        return _graded(grader, case, answer, verdict, own)
    except ProblemError as error:
        return Grade(score=None, passed=None, reason=error.problem.message[:MOST_REASON])
    except (UnusablePattern, TooMuchWork) as error:
        said = str(error) or "it is too much work"
        return Grade(score=None, passed=None, reason=f"it cannot be graded: {said}"[:MOST_REASON])
    finally:
        if work is not None:
            work.left -= most - max(own.left, 0)


def _graded(grader: Grader, case: Mapping[str, Json], answer: Answer, verdict: Json, work: Work) -> Grade:
    if grader.judge is not None:
        return _judged(grader, verdict)
    if grader.schema_ is not None:
        return _fits(grader.schema_, answer.output, work)
    if grader.cel is not None:
        return _expressed(grader, grader.cel, case, answer, work)
    return _ruled(grader, case.get("expected"), answer.output, work)


def _grade(score: float, reason: str, grader: Grader) -> Grade:
    return Grade(score=score, passed=score >= grader.pass_at, reason=reason[:MOST_REASON])


def _truth(passed: bool, reason: str = "") -> Grade:
    return Grade(score=float(passed), passed=passed, reason="" if passed else reason[:MOST_REASON])


def _judged(grader: Grader, verdict: Json) -> Grade:
    if not isinstance(verdict, dict):
        return Grade(score=None, passed=None, reason=f"the judge gave no verdict: {verdict}"[:MOST_REASON])
    said = verdict.get("pass", verdict.get("score"))
    reason = as_text(verdict.get("reason", ""))
    if isinstance(said, bool):
        return Grade(score=float(said), passed=said, reason=reason[:MOST_REASON])
    if isinstance(said, int | float) and 0 <= said <= 1:
        return _grade(float(said), reason, grader)
    return Grade(score=None, passed=None, reason="the judge's verdict is neither true or false nor from 0 to 1")


def _fits(schema: dict[str, Json], output: Json, work: Work) -> Grade:
    complaints = _complaints(output, schema, work)
    if complaints and isinstance(output, str):
        read, is_json = _read(output)
        complaints = _complaints(read, schema, work) if is_json else complaints
    return _truth(not complaints, "; ".join(f"{'/'.join(map(str, at)) or '/'}: {why}" for at, why in complaints))


def _complaints(value: Json, schema: dict[str, Json], work: Work) -> list[tuple[tuple[str | int, ...], str]]:
    """The first few. Raises `TooMuchWork`."""
    from domain.schemas import MOST_KEYWORDS, errors_of  # noqa: PLC0415 - slow to import
    from domain.validation.schemas import complaint_of  # noqa: PLC0415 - slow to import

    keywords = Work(min(MOST_KEYWORDS, work.left // KEYWORD))
    before = keywords.left
    try:
        return [complaint_of(error) for error in errors_of(value, schema, MOST_COMPLAINTS, keywords)]
    finally:
        work.left -= KEYWORD * (before - max(keywords.left, 0))


def _read(text: str) -> tuple[Json, bool]:
    """The JSON that a text is, perhaps between the fences that models put around it."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare[3:-3].partition("\n")[2]
    try:
        return json.loads(bare), True
    except (ValueError, RecursionError):
        return None, False


def _expressed(grader: Grader, expression: str, case: Mapping[str, Json], answer: Answer, work: Work) -> Grade:
    value = evaluate(expression, _scope(case, answer), work)
    if isinstance(value, bool):
        return _truth(value, "the expression is false")
    if isinstance(value, int | float) and 0 <= value <= 1:
        return _grade(float(value), "", grader)
    return Grade(score=None, passed=None, reason="the expression gives neither true or false nor a number from 0 to 1")


def _scope(case: Mapping[str, Json], answer: Answer) -> dict[str, Json]:
    usage = answer.usage
    spent = {
        "model_calls": usage.model_calls,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "cost_usd": None if usage.cost_usd is None else float(usage.cost_usd),
    }
    return {"output": answer.output, "expected": case.get("expected"), "input": case.get("input"), "usage": spent}


def _ruled(grader: Grader, expected: Json, output: Json, work: Work) -> Grade:
    value = output if grader.of is None else evaluate(grader.of, {"output": output}, work)
    if expected is None and grader.pattern is None:
        return Grade(score=None, passed=None, reason="the case says nothing of what is expected")
    match grader.rule:
        case "number":
            return _near(grader, expected, value)
        case "contains":
            wanted = expected if isinstance(expected, list) else [expected]
            text = _folded(grader, value)
            missing = [as_text(one) for one in wanted if _folded(grader, one) not in text]
            return _truth(not missing, f"it does not contain {', '.join(missing)}")
        case "regex":
            pattern = grader.pattern if grader.pattern is not None else as_text(expected)
            flags = "(?i)" if grader.ignore_case else ""
            return _truth(found(flags + pattern, as_text(value), work), f"it does not match {pattern}")
        case _:
            same = value == expected and isinstance(value, bool) == isinstance(expected, bool)
            return _truth(same or _folded(grader, value) == _folded(grader, expected), "it is not what is expected")


def _folded(grader: Grader, value: Json) -> str:
    """The value as a text that is compared: without blanks around it."""
    text = as_text(value).strip()
    return text.casefold() if grader.ignore_case else text


def _near(grader: Grader, expected: Json, value: Json) -> Grade:
    wanted, given = _number(expected), _number(value)
    if wanted is None or given is None:
        return _truth(False, f"{'what is expected' if wanted is None else 'the output'} is not a number")
    margin = grader.tolerance * abs(wanted) if grader.relative else grader.tolerance
    return _truth(abs(given - wanted) <= margin, f"{given} is not within {margin} of {wanted}")


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
