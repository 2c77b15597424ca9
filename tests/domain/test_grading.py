"""Graders: what each says of an answer, and of what it can say nothing."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.datasets import Case, named
from domain.evaluation_results import CaseResult, all_graded
from domain.graders import Grader
from domain.grading import Answer, Grade, grade
from domain.usage import Usage

USAGE = Usage(model_calls=1, tokens_in=10, tokens_out=20, cost_usd=Decimal("0.5"))


def graded(output: Any, expected: Any = None, verdict: Any = None, **fields: Any) -> Grade:
    grader = Grader.model_validate({"name": "g", **fields})
    return grade(grader, {"input": {"q": 1}, "expected": expected}, Answer(output=output, usage=USAGE), verdict)


@pytest.mark.parametrize(
    ("fields", "output", "expected", "passed"),
    [
        ({"rule": "equals"}, " Paris\n", "Paris", True),
        ({"rule": "equals"}, "paris", "Paris", False),
        ({"rule": "equals", "ignore_case": True}, "paris", "Paris", True),
        ({"rule": "equals"}, {"a": [1]}, {"a": [1]}, True),
        ({"rule": "equals"}, "42", 42, True),
        ({"rule": "equals"}, 1, True, False),
        ({"rule": "equals", "of": "output.city"}, {"city": "Rome"}, "Rome", True),
        ({"rule": "contains"}, "It is Paris, of course.", "Paris", True),
        ({"rule": "contains"}, "It is Paris.", ["Paris", "France"], False),
        ({"rule": "regex"}, "abc 123", r"\d+$", True),
        ({"rule": "regex", "pattern": "^b"}, "abc", None, False),
        ({"rule": "regex", "pattern": "^A", "ignore_case": True}, "abc", None, True),
        ({"rule": "number", "tolerance": 0.5}, "3.4", 3, True),
        ({"rule": "number", "tolerance": 0.1, "relative": True}, 111, 100, False),
        ({"rule": "number"}, "many", 3, False),
        ({"rule": "number"}, "nan", 3, False),
        ({"schema": {"type": "object", "required": ["a"]}}, {"a": 1}, None, True),
        ({"schema": {"type": "object", "required": ["a"]}}, '```json\n{"a": 1}\n```', None, True),
        ({"schema": {"type": "object"}}, "{", None, False),
        ({"cel": "size(output) < 5 && usage.tokens_out == 20"}, "abc", None, True),
        ({"cel": "output == expected && input.q == 1"}, "abc", "x", False),
        ({"cel": "usage.cost_usd", "pass_at": 0.6}, "", None, False),
    ],
)
def test_what_each_says(fields: Any, output: Any, expected: Any, passed: bool) -> None:
    found = graded(output, expected, **fields)
    assert found.passed is passed
    assert found.score is not None


@pytest.mark.parametrize(
    ("fields", "output", "expected"),
    [
        ({"rule": "equals"}, "x", None),
        ({"rule": "equals", "of": "output.nothing"}, {}, "x"),
        ({"rule": "regex", "pattern": "(?=x)"}, "x", None),
        ({"cel": "'text'"}, "x", None),
        ({"cel": "7"}, "x", None),
        ({"cel": "output.nothing"}, "x", None),
        ({"judge": {"agent": "critic"}}, "x", None),
    ],
)
def test_of_what_nothing_can_be_said(fields: Any, output: Any, expected: Any) -> None:
    found = graded(output, expected, **fields)
    assert (found.score, found.passed) == (None, None)
    assert found.reason


def test_judges() -> None:
    judge = {"judge": {"agent": "critic"}}
    assert graded("x", verdict={"pass": True, "reason": "Good."}, **judge) == Grade(
        score=1, passed=True, reason="Good."
    )
    low = graded("x", verdict={"score": 0.4, "reason": ""}, **judge)
    assert (low.score, low.passed) == (0.4, False)
    assert graded("x", verdict={"score": 0.4}, pass_at=0.3, **judge).passed
    assert graded("x", verdict={"score": 40}, **judge).score is None
    assert "timed out" in graded("x", verdict="it timed out", **judge).reason


@pytest.mark.parametrize(
    "fields",
    [
        {"cel": "output.all(a, output.all(b, a <= 1000 || b == a))"},
        {"schema": {"uniqueItems": True, "items": {"anyOf": [{"const": n} for n in range(50)]}}},
        {"rule": "regex", "pattern": "(a?){500}b"},
    ],
)
def test_graders_that_are_too_much_work_together_say_nothing_in_the_end(fields: Any) -> None:
    grader = Grader.model_validate({"name": "g", **fields})
    output: Any = "a" * 20_000 if "rule" in fields else list(range(300))
    results = [CaseResult(id=str(n), input=1, status="answered", output=output) for n in range(300)]
    begun = time.process_time()
    graded = all_graded(results, [grader])
    assert time.process_time() - begun < 30
    assert "too much work" in graded[-1].grades["g"].reason


def test_without_an_answer_no_grader_passes() -> None:
    answer = Answer(error="the model is down")
    found = grade(Grader(name="g", cel="true"), {}, answer)
    assert (found.score, found.passed) == (0.0, False)
    assert "the model is down" in found.reason


@pytest.mark.parametrize("fields", [{}, {"rule": "equals", "cel": "true"}, {"rule": "is"}, {"judge": {}}])
def test_what_is_no_grader(fields: Any) -> None:
    with pytest.raises(ValidationError):
        Grader.model_validate({"name": "g", **fields})


def test_cases_are_called_by_their_input_whatever_is_around_them() -> None:
    one, two = Case(input="a"), Case(input={"b": 1}, expected=5)
    first, second, again, own = named([one, two, one, Case(id="own", input="a")])
    assert own.id == "own"
    assert again.id == f"{first.id}-2"
    assert [case.id for case in named([two, one])] == [second.id, first.id]
    with pytest.raises(ValueError, match="`own` is there twice"):
        named([Case(id="own", input=1), Case(id="own", input=2)])
