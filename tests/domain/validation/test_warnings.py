"""What is taken, and yet said: what constants show never to run, and limits that never count."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.validation.samples import agent, both, chat, handoff, loop, of_steps, switch, told, uses, warned


def approval(**more: Any) -> dict[str, Any]:
    return {"id": "ok", "approval": {"ask": "?", **more}}


@pytest.mark.parametrize(
    ("workflow", "where", "what"),
    [
        (of_steps(agent("a", when="false")), "/steps/0/when", "the step is always skipped"),
        (of_steps(agent("a", when="1 > 2 || 'x' == 'y'")), "/steps/0/when", "the step is always skipped"),
        (of_steps(switch(("false", agent("a")))), "/steps/0/switch/cases/0", "`a` is never chosen: its condition"),
        (
            of_steps(switch(("input.x", agent("a")), ("input.x", agent("b")))),
            "/steps/0/switch/cases/1",
            "one before it is chosen instead",
        ),
        (
            of_steps(switch(("input.x", agent("a")), ("true", agent("b")), otherwise=agent("c"))),
            "/steps/0/switch/otherwise",
            "`c` is never chosen: a case is always true",
        ),
        (of_steps(loop(**{"while": "false"})), "/steps/0/loop/while", "no round is ever begun"),
        (of_steps(loop(until="true")), "/steps/0/loop/until", "never a second round"),
        (of_steps({"id": "m", "map": {"over": "[]", "step": agent("a")}}), "/steps/0/map/over", "never run"),
        (
            of_steps(handoff({"writer": ["critic"], "chair": ["critic"]})),
            "/steps/0/handoff/may_pass/chair",
            "never comes",
        ),
        (
            of_steps(handoff({"writer": ["critic"], "critic": ["chair"], "chair": ["writer"]}, most=2)),
            "/steps/0/handoff/may_pass/chair",
            "all 2 handoffs are up",
        ),
        (of_steps(handoff({})), "/steps/0/handoff/may_pass", "may pass to nobody"),
        (of_steps(handoff({"writer": ["critic", "critic"]})), "/steps/0/handoff/may_pass/writer/1", "twice"),
        (of_steps(both({"tolerate": 2})), "/steps/0/concurrent/join/tolerate", "every one of them fails"),
        (of_steps(chat(view={"last": 6, "summary": "chair"})), "/steps/0/group_chat/view/summary", "ever summed up"),
        (
            of_steps(chat(until={"any": [{"turns": 6}, {"judged": {"agent": "chair", "question": "?", "every": 9}}]})),
            "/steps/0/group_chat/until/any/1/judged/every",
            "never asked",
        ),
        (of_steps(agent("a", retry={"on": ["timeout", "canceled"]})), "/steps/0/retry/on/1", "is never tried again"),
        (of_steps(agent("a"), defaults={"retry": {"first_delay": "PT2M"}}), "/defaults/retry/first_delay", "PT1M"),
        (of_steps({**approval(), "retry": {}}), "/steps/0/retry", "nothing to try"),
        (of_steps({**approval(), "budget": {"tokens": 5}}), "/steps/0/budget", "nothing to be spent"),
        (of_steps(approval(otherwise="approve")), "/steps/0/approval/otherwise", "without a `deadline`"),
        (
            of_steps(agent("a", on_error={"ask": {"otherwise": "skip"}})),
            "/steps/0/on_error/ask/otherwise",
            "without a `deadline`",
        ),
        (
            of_steps(approval(deadline="P1D", escalate={"after": "PT1H", "roles": ["operator"]})),
            "/steps/0/approval/escalate/roles",
            "nobody new",
        ),
        (
            of_steps({"id": "w", "wait": {"event": "e", "otherwise": {"fallback": 1}}}),
            "/steps/0/wait/otherwise",
            "waited for ever",
        ),
        (of_steps({**approval(deadline="P1D"), "timeout": "PT1H"}), "/steps/0/approval/deadline", "after PT1H"),
        (of_steps({**both({"within": "PT2H"}), "timeout": "PT1H"}), "/steps/0/concurrent/join/within", "never counts"),
        (of_steps(agent("a", timeout="PT2H"), limits={"duration": "PT1H"}), "/steps/0/timeout", "has only PT1H"),
        (
            of_steps({"id": "s", "timeout": "PT1M", "sequential": [agent("a", timeout="PT2M")]}),
            "/steps/0/sequential/0/timeout",
            "has only PT1M",
        ),
        (
            of_steps(agent("a", budget={"model_calls": 9}), limits={"model_calls": 5}),
            "/steps/0/budget/model_calls",
            "may spend only 5",
        ),
    ],
)
def test_what_never_counts_is_said(workflow: Any, where: str, what: str) -> None:
    found = warned(workflow)
    assert list(found) == [where]
    assert what in found[where]


@pytest.mark.parametrize(
    "workflow",
    [
        of_steps(loop(until="false")),  # so many rounds, whatever they give
        of_steps(loop(**{"while": "true"})),
        of_steps(switch(("input.x", agent("a")), ("true", agent("b")))),
        of_steps(agent("a", timeout="PT1M", budget={"tokens": 5}), limits={"duration": "PT1H", "tokens": 5}),
        of_steps(approval(deadline="P1D", otherwise="approve", escalate={"after": "PT1H", "roles": ["author"]})),
        of_steps(handoff({"writer": ["critic"], "critic": ["writer", "chair"]}, last=3)),
        of_steps(chat(participants=["writer", "critic@2"], speaker={"expression": "'critic'"})),
        of_steps({"id": "s", "retry": {"attempts": 2}, "sequential": [agent("a"), approval()]}),
    ],
)
def test_what_is_meant_is_not_warned_of(workflow: Any) -> None:
    assert warned(workflow) == {}


def test_each_use_of_what_is_never_there_names_why() -> None:
    workflow = of_steps(agent("a", when="false"), uses("c", "a"))
    assert warned(workflow)["/steps/1/input"] == "the output of `a` is always null: `a` is always skipped"


def test_warnings_keep_nothing_from_being_stored() -> None:
    assert told(of_steps(agent("a", when="false"))) == {}
