"""Expressions are typed, safe, and explain what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import Code, ProblemError
from domain.expressions import (
    MAX_LENGTH,
    check,
    check_template,
    evaluate,
    placeholders,
    render,
    steps_used,
    truth,
)

SCOPE: dict[str, Any] = {
    "input": {"n": 3, "words": ["a", "b"], "text": "hi"},
    "steps": {"sign-off": {"output": {"approved": True}, "status": "succeeded"}, "draft": {"output": "D"}},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("input.n + 1", 4),
        ('steps["sign-off"].output.approved', True),
        ("size(input.words)", 2),
        ("input.words.map(w, w + '!')", ["a!", "b!"]),
        ("has(input.missing)", False),
        ("{'k': [1, 2.5, null]}", {"k": [1, 2.5, None]}),
        ("timestamp('2026-01-01T00:00:00Z')", "2026-01-01T00:00:00+00:00"),
        ("{'wait': [duration('90m')]}", {"wait": ["PT1H30M"]}),
    ],
)
def test_evaluates(expression: str, value: Any) -> None:
    assert evaluate(expression, SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("1 +", "Syntax error"),
        ("nobody.x", "nobody"),
        ("input.missing", "no key"),
        ("1 / 0", "zero"),
        ("input.words[2]", "out of bounds: 2"),
        ("[1.0, 0.0 / 0.0]", "nan is not finite"),
        ("-1.0 / 0.0", "-inf is not finite"),
        ("'a' + 1", "int"),
        ("x" * (MAX_LENGTH + 1), "longer than"),
        ("input.text.x", "no key `x` in what is no object"),
        ("type(input.n) == 1 ? 'a' : optional.of(1)", "no function `of`"),
        ("input.words.mpa(w, w)", "no function `mpa`; did you mean `map`?"),
        ("input.n.map(x, x)", "goes through a list or an object"),
        ("input.words.filter(w, 1)", "true or false for each item"),
        ("input.words.map(w, w.matches('('))", "missing \\)"),
        ("input.words.all(w, w.matches('(?=a)'))", "look-around"),
        ("input.words.exists(w, input.missing)", "no key 'missing'"),
        (" && ".join(["input.words.all(w, true)"] * 6), "more than 5"),
    ],
)
def test_a_failure_is_typed_and_says_why(expression: str, complaint: str) -> None:
    with pytest.raises(ProblemError, match=complaint) as caught:
        evaluate(expression, SCOPE)
    assert caught.value.problem.code is Code.EXPRESSION_FAILED


def test_a_condition_must_be_true_or_false() -> None:
    assert truth("input.n > 2", True) is True
    with pytest.raises(ProblemError, match="true or false"):
        truth("'no'", "no")


def test_a_template_of_one_placeholder_keeps_the_type_and_any_other_gives_text() -> None:
    assert render("${input.words}", SCOPE) == ["a", "b"]
    assert render("${input.text}, ${input.n} ${input.words}", SCOPE) == 'hi, 3 ["a", "b"]'
    assert render("no placeholder", SCOPE) == "no placeholder"


def test_a_short_template_cannot_fill_the_memory() -> None:
    scope = {"input": "x" * 1_000_000}
    assert len(render("${input} " * 3, scope)) == 3_000_003
    with pytest.raises(ProblemError, match="longer than 4000000 characters"):
        render("${input} " * 100, scope)


def test_braces_and_quotes_inside_a_placeholder() -> None:
    assert placeholders("${ {'a': 1}.a } and ${'}'}") == ["{'a': 1}.a", "'}'"]
    assert render("${ {'a': 1}.a } and ${'}'}", {}) == "1 and }"


def test_values_are_never_templates_themselves() -> None:
    assert render("${input.text}", {"input": {"text": "${1+1}"}}) == "${1+1}"
    assert render("say ${input.text}", {"input": {"text": "${1+1}"}}) == "say ${1+1}"


def test_objects_read_the_same_each_time() -> None:
    scope = {"input": {key: {"y": 1, "x": 2} for key in "kjihgfedcba"}}
    in_order = {key: {"x": 2, "y": 1} for key in "abcdefghijk"}
    assert render("Read ${input}", scope) == f"Read {json.dumps(in_order)}"


def test_the_keys_of_an_object_are_gone_through_in_order() -> None:
    scope = {"input": dict.fromkeys("kjihgfedcba", 1), "item": ["b", "a"]}
    assert evaluate("input.map(key, key)", scope) == list("abcdefghijk")
    assert evaluate("input . filter (key, key != 'b').map(key, key + key)", scope)[:2] == ["aa", "cc"]
    assert evaluate("item.map(word, word + '.map(')", scope) == ["b.map(", "a.map("]


def test_an_unclosed_placeholder_is_said() -> None:
    with pytest.raises(ProblemError, match="not closed"):
        check_template("hello ${input.x")


def test_check_names_what_is_not_known_here() -> None:
    check("input.words.all(w, w != '')", frozenset({"input"}))
    with pytest.raises(ProblemError, match="`item` is not known here; it may use input"):
        check("item.x", frozenset({"input"}))


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("steps.a.output", {"a"}),
        ('${steps["sign-off"].output} ${steps.draft.status}', {"sign-off", "draft"}),
        ("input.x", set()),
        ("steps[input.which]", None),
    ],
)
def test_steps_used(source: str, used: set[str] | None) -> None:
    assert steps_used(source) == used
