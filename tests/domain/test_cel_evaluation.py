"""Macros that we go through ourselves give what the library's own give, and cost what their items do."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cel_text import paths, tokens
from domain.errors import Code, ProblemError
from domain.expressions import check, evaluate, names_in, placeholders, render
from domain.work import MOST_WORK, Work

SCOPE: dict[str, Any] = {
    "input": {
        "n": 3,
        "words": ["b", "a", "c"],
        "people": [{"name": "Ann", "age": 31, "tags": ["x", "y"]}, {"name": "Bob", "age": 19, "tags": []}],
        "limits": {"age": 20, "map": {"x": 1}},
    },
    "steps": {"sign-off": {"output": [1, 2, 3]}},
}

SAME = [
    "input.words.map(w, w + '!')",
    "input.people.filter(p, p.age > input.limits.age)",
    "input.people.filter(p, p.age > input.limits.age).map(p, p.name)",
    "input.people.map(p, p.age < 20, p.name)",
    "input.people.map(p, p.tags.map(t, t + p.name))",
    "input.people.all(p, p.tags.exists(t, t == 'x') || p.age < 20)",
    "input.people.exists_one(p, p.age == 19)",
    "input.people.existsOne(p, p.age > 0)",
    "has(input.people) && input.people.exists(p, has(p.name))",
    "has(input.nobody) && input.nobody.exists(p, has(p.name))",
    "has(input.nobody) ? input.nobody.map(x, x) : [0]",
    "true || input.nobody.all(x, x)",
    "input.words.map(w, input.words.map(w, w + w)[0] + w)",
    "input.words.map(input, input)",
    "[1, 2, 3].map(x, x * 2).filter(x, x > input.n)",
    "[[1, 2], [3]].map(x, x.map(y, y + size(x)))",
    "{'k': input.words.filter(w, w.matches('[ab]'))}",
    "input.words.filter(w, w in ['a', \"b\"]).size()",
    "size(input.words.map(w, w)) == size(input.words) && input.n in steps['sign-off'].output",
    "input.words.map(w, {'w': w, 'n': input.n})[1].n",
    "input.words // .map(\n . // (\n map // )\n (w, w)",
    r"input.words.map(w, w + r'\' + '''.map(x, y)''' + '\'')",
    "input.limits.map.x",
    "input.limits['map'].x + input.limits.size()",
    "[timestamp('2026-01-01T00:00:00Z')].map(t, t.getFullYear())",
]


@pytest.mark.parametrize("expression", SAME)
def test_the_value_is_the_librarys_own(expression: str) -> None:
    assert evaluate(expression, SCOPE) == cel.evaluate(expression, SCOPE)


_LISTS = st.recursive(
    st.sampled_from(["input.words", "input.people", "steps['sign-off'].output", "[1, 2]", "['a'] + input.words"]),
    lambda inner: st.builds(
        "{}.{}({}, {})".format,
        inner,
        st.sampled_from(["map", "filter", "all", "exists"]),
        st.sampled_from(["x", "y"]),
        st.one_of(inner, st.sampled_from(["x", "x == y", "x != 1", "y.age > 20", "true", "has(x.age)", "size(x) > 0"])),
    ),
    max_leaves=3,
)


@settings(deadline=None, derandomize=True)
@given(_LISTS)
def test_what_the_library_gives_or_refuses_is_given_or_refused(expression: str) -> None:
    try:
        wanted = cel.evaluate(expression, SCOPE)
    except Exception:
        with pytest.raises(ProblemError):
            evaluate(expression, SCOPE)
    else:
        assert evaluate(expression, SCOPE) == wanted


@settings(deadline=None, derandomize=True)
@given(st.text("inputsmap.()[]{}'\"\\/ \n,:?|&!+-0123x$_éа", max_size=60))
def test_any_text_is_taken_or_refused_with_a_reason(source: str) -> None:
    for attempt in (lambda: check(source), lambda: evaluate(source, SCOPE), lambda: render(source, SCOPE)):
        with contextlib.suppress(ProblemError):
            attempt()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("input.words.map(w, w + item)", {"input", "item"}),
        ("input.words.map(input, input)", {"input"}),
        ("'steps' + \"item\" // index", set()),
        ("size(.input.x) > 0 && has(steps.a)", {"input", "steps"}),
        ("${input.a} and ${[1].all(x, x == index)}", {"input", "index"}),
        ("true ? null : 1 in [2]", set()),
    ],
)
def test_the_names_used(source: str, names: set[str]) -> None:
    assert names_in(source) == names


def test_paths_go_as_far_as_they_are_written_out() -> None:
    source = "input.a.b[0].c + steps[\"x-y\"]['z'].output.size() + input [ 'q' ] . r + input[steps.k]"
    assert list(paths(list(tokens(source)))) == [
        ("input", "a", "b"),
        ("steps", "x-y", "z", "output"),
        ("input", "q", "r"),
        ("input",),
        ("steps", "k"),
    ]


def test_placeholders_may_hold_what_looks_like_their_end() -> None:
    source = "${ {'a': \"}\"}['a'] } and ${'it\\'s }' + '''\n}'''}"
    assert placeholders(source) == ["{'a': \"}\"}['a']", "'it\\'s }' + '''\n}'''"]


def test_many_unclosed_placeholders_are_read_once() -> None:
    with pytest.raises(ProblemError, match="not closed"):
        placeholders("${'" * 20_000)


class TestTheBound:
    ITEMS: ClassVar[dict[str, Any]] = {
        "input": {"items": list(range(3_000)), "texts": [f"word {n}" for n in range(3_000)]}
    }

    def test_what_people_write_is_far_below_it(self) -> None:
        people = [{"id": n, "name": f"Person {n}", "age": n % 90, "note": "x" * 50} for n in range(3_000)]
        scope = {"input": {"people": people, "least": 18}}
        work = Work()
        found: Any = evaluate("input.people.filter(p, p.age >= input.least).map(p, p.name + '!')", scope, work)
        assert len(found) == sum(n % 90 >= 18 for n in range(3_000))
        assert work.left > MOST_WORK / 3

    def test_work_grows_with_the_items_and_not_with_their_square(self) -> None:
        def work_for(number: int) -> int:
            work = Work()
            evaluate("input.items.map(a, a + 1)", {"input": {"items": list(range(number))}}, work)
            return MOST_WORK - work.left

        assert work_for(4_000) < 4.1 * work_for(1_000)

    @pytest.mark.parametrize(
        "expression",
        [
            "input.items.map(a, input.items.map(b, a))",
            "input.items.all(a, input.items.all(b, b >= 0))",
            "input.items.filter(a, a in input.items)",
            "input.items.map(a, input)",
            "input.items.exists(a, input.items == [a])",
            "input.items.all(a, input.items.all(b, b >= 0)) || true",
            "[" + ", ".join(["input"] * 200) + "]",
            " + ".join(["input.items"] * 100),
            "input.texts.all(t, t.matches('(w{0,100}){0,9}q') || true)",
            "input.texts.map(t, [" + ", ".join(["t"] * 100) + "])",
        ],
    )
    def test_a_bomb_is_refused_with_what_to_do(self, expression: str) -> None:
        with pytest.raises(ProblemError, match="too much work") as caught:
            evaluate(expression, self.ITEMS)
        assert caught.value.problem.code is Code.EXPRESSION_FAILED
        assert "`map` step" in caught.value.problem.action

    def test_a_value_is_handed_on_however_large_it_is(self) -> None:
        large = list(range(300_000))
        assert evaluate("steps['a'].output", {"steps": {"a": {"output": large}}}) == large

    def test_all_placeholders_of_a_text_share_one_bound(self) -> None:
        with pytest.raises(ProblemError, match="too much work"):
            render("${input.items.filter(a, a > 1).size()} " * 50, self.ITEMS)
