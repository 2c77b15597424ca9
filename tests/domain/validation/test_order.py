"""`needs`: what it may name, what is certain to have ended where it is said, and circles."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.steps import AgentStep, Step
from domain.validation.order import Order
from tests.domain.validation.samples import agent, both, chat, loop, of_steps, switch, told, uses, warned


class TestNeeds:
    @pytest.mark.parametrize(
        ("workflow", "where", "what"),
        [
            (of_steps(agent("draft"), agent("b", needs=["darft"])), "/steps/1/needs/0", "did you mean `draft`?"),
            (of_steps(agent("a", needs=["a"])), "/steps/0/needs/0", "it is this step itself"),
            (
                of_steps({"id": "s", "sequential": [agent("a")]}, agent("b", needs=["a"])),
                "/steps/1/needs/0",
                "`a` is inside `s`; write `s`",
            ),
            (
                of_steps(agent("a"), {"id": "s", "sequential": [agent("b", needs=["a"])]}),
                "/steps/1/sequential/0/needs/0",
                "`a` is not in it",
            ),
            (
                of_steps(agent("a", needs=["b"]), agent("b", needs=["c"]), agent("c", needs=["a"])),
                "/steps/0/needs",
                "none of them can begin: `a` → `b` → `c` → `a`",
            ),
            (
                of_steps(agent("a", needs=["b"]), agent("b")),
                "/steps/0/needs",
                "`b` needs the one written before it, as it says no `needs`",
            ),
            (
                of_steps({"id": "s", "sequential": [agent("a"), agent("b", needs=["c"]), agent("c")]}),
                "/steps/0/sequential/1/needs",
                "`b` → `c` → `b`",
            ),
            (
                of_steps(both("all", agent("a"), agent("b", needs=["a"]))),
                "/steps/0/concurrent/branches/1/needs",
                "begin together",
            ),
            (
                of_steps({"id": "m", "map": {"over": "input.x", "step": agent("a", needs=[])}}),
                "/steps/0/map/step/needs",
                "nothing stands beside",
            ),
            (
                of_steps(switch(("input.x", agent("a", needs=[])))),
                "/steps/0/switch/cases/0/step/needs",
                "nothing stands",
            ),
        ],
    )
    def test_what_cannot_be_needed_is_refused(self, workflow: Any, where: str, what: str) -> None:
        found = told(workflow)
        assert list(found) == [where]
        assert what in found[where]

    def test_what_stands_twice_is_harmless(self) -> None:
        assert warned(of_steps(agent("a"), agent("b", needs=["a", "a"]))) == {
            "/steps/1/needs/1": "`a` stands here twice"
        }

    def test_a_circle_of_many_is_told_in_few_words(self) -> None:
        steps = [agent(f"s{index}", needs=[f"s{(index + 1) % 500}"]) for index in range(500)]
        (message,) = told(of_steps(*steps)).values()
        assert "… (500 steps)" in message
        assert len(message) < 300


class TestWhatHasEnded:
    @pytest.mark.parametrize(
        "workflow",
        [
            of_steps(agent("a"), agent("b", needs=[]), uses("c", "a", "b", needs=["b", "a"])),
            of_steps(agent("a"), uses("b", "a"), uses("c", "a", "b")),
            of_steps(uses("c", "a", "b", needs=["b"]), agent("a", needs=[]), agent("b", needs=["a"])),
            of_steps(
                both("all", agent("a"), {"id": "s", "sequential": [agent("b")]}), uses("c", "both", "a", "s", "b")
            ),
            of_steps(both({"at_least": 1}), uses("c", "a", "b")),
            of_steps(both({"tolerate": 1, "losers": "leave"}), uses("c", "a", "b")),
            of_steps(switch(("input.x", agent("a")), otherwise=agent("b")), uses("c", "a", "b", "choice")),
            of_steps(
                loop(agent("a"), uses("b", "a"), until="steps.b.output == 'x' && round.index > 1"), uses("c", "again")
            ),
            of_steps(agent("z"), loop(uses("a", "z"), **{"while": "round.last != steps.z.output"})),
            of_steps({"id": "s", "sequential": [agent("a", needs=[]), uses("b", "a", needs=["a"])]}, uses("c", "b")),
            of_steps(
                agent("a"),
                chat(task="${steps.a.output}", until={"any": [{"turns": 2}, {"holds": "steps.a.output == chat.last"}]}),
            ),
            of_steps(agent("a"), agent("b", needs=[]), output="${steps.a.output} ${steps.b.output}"),
        ],
    )
    def test_may_be_used(self, workflow: Any) -> None:
        assert told(workflow) == {}

    @pytest.mark.parametrize(
        ("workflow", "where", "what"),
        [
            (
                of_steps(agent("a"), uses("b", "a", needs=[])),
                "/steps/1/input",
                "it may still be running; add `a` to `needs`",
            ),
            (of_steps(uses("a", "b"), agent("b")), "/steps/0/input", "it runs later"),
            (
                of_steps({"id": "s", "sequential": [agent("a")]}, uses("b", "a", needs=[])),
                "/steps/1/input",
                "add `s` to `needs`",
            ),
            (
                of_steps(agent("a"), {"id": "s", "sequential": [uses("b", "a")], "needs": []}),
                "/steps/1/sequential/0/input",
                "add `a` to the `needs` of `s`",
            ),
            (
                of_steps(agent("a"), agent("b", needs=[]), uses("c", "a", "b")),
                "/steps/2/input",
                "`steps.a` cannot be used here: it may still be running; add `a` to `needs`",
            ),
            (
                of_steps(both({"at_least": 1, "losers": "leave"}), uses("c", "a")),
                "/steps/1/input",
                "it may be left running, as `losers: leave` says; use `steps.both.output`",
            ),
            (
                of_steps(switch(("input.x", agent("a")), ("input.y", uses("b", "a")))),
                "/steps/0/switch/cases/1/step/input",
                "another case of `choice`",
            ),
            (
                of_steps(loop(agent("a"), until="input.x"), uses("b", "a")),
                "/steps/1/input",
                "once for each round; use `steps.again.output`",
            ),
            (
                of_steps(loop(uses("a", "b"), agent("b"), until="input.x")),
                "/steps/0/loop/steps/0/input",
                "`round.last` is the output",
            ),
            (
                of_steps(loop(agent("a"), **{"while": "steps.a.output == ''"})),
                "/steps/0/loop/while",
                "use `round.last`",
            ),
            (of_steps(agent("a", input="${round.index}")), "/steps/0/input", "`round` is not known here"),
            (of_steps(agent("a"), output="${round}"), "/output", "`round` is not known here"),
        ],
    )
    def test_what_may_not_have_is_refused(self, workflow: Any, where: str, what: str) -> None:
        found = told(workflow)
        assert list(found) == [where]
        assert what in found[where]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.none() | st.lists(st.integers(0, 7), max_size=4), min_size=1, max_size=8))
def test_the_order_is_the_closure_of_what_is_written(written: list[list[int] | None]) -> None:
    steps: list[Step] = [
        AgentStep(id=f"s{n}", agent="a", needs=None if needs is None else tuple(f"s{need}" for need in needs))
        for n, needs in enumerate(written)
    ]
    number = len(steps)
    direct = [
        {n - 1} if needs is None and n else {need for need in needs or () if need < number and need != n}
        for n, needs in enumerate(written)
    ]
    reach = [set(needs) for needs in direct]
    for _ in range(number):
        reach = [needs.union(*(reach[need] for need in needs)) for needs in reach]
    order = Order(steps)
    assert bool(order.circle) == any(n in needs for n, needs in enumerate(reach))
    for n, needs in enumerate(reach):
        if not any(need in reach[need] for need in needs | {n}):
            assert order.ended_before(steps[n]) == {f"s{need}" for need in needs}
    places = [steps.index(step) for step in order.circle]
    assert all(following in direct[place] for place, following in pairwise(places))
