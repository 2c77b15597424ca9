"""Workflows that random ones have found to go wrong, each as small as it can be."""

from __future__ import annotations

from typing import Any

from domain.errors import Code
from domain.executions import StopReason
from tests.language.account import Account, Case
from tests.language.reference import expected
from tests.language.rules import require_all
from tests.language.script import Does, Human, Script
from tests.language.simulated import simulated


def run(case: Case, generation: int | None = None) -> Account:
    """What the orchestrators do, which is what the reference says."""
    account = simulated(case, replaying=True, generation=generation)
    require_all(case, account)
    assert account.comparable() == expected(case).comparable()
    return account


def of(*steps: dict[str, Any], script: Script | None = None, **more: Any) -> Case:
    others = more.pop("others", {})
    return Case({"name": "w", "steps": list(steps), **more}, others, {"deep": True}, script or Script())


def agent(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "agent": "ann", "input": "Go.", **more}


def skipped(id: str) -> dict[str, Any]:
    return agent(id, when="!input.deep")


LATE = {"id": "late", "wait": {"for": "PT9S"}}


def test_a_wait_in_a_loop_is_read_back_as_it_was_written() -> None:
    loop = {"most": 2, "while": "round.index < 1", "steps": [{"id": "w", "wait": {"for": "PT1S"}}]}
    assert run(of({"id": "l", "loop": loop})).code is None


def test_a_list_whose_last_step_is_skipped_has_succeeded() -> None:
    done = {"id": "done", "sequential": [agent("one"), skipped("two")]}
    join = {"id": "j", "concurrent": {"branches": [done, LATE], "join": "any"}}
    account = run(of(join, output="${steps.done.status} ${steps.late.status}"))
    assert account.output == "succeeded canceled"


def test_what_never_began_may_be_named_later() -> None:
    failing = {"id": "s", "sequential": [agent("one"), agent("two")], "on_error": "skip"}
    never = {"id": "n", "sequential": [agent("three")], "when": "!input.deep"}
    script = Script(calls=[Does(error=Code.MODEL_REFUSED)])
    account = run(
        of(failing, never, output="${steps.one.status} ${steps.two.status} ${steps.three.status}", script=script)
    )
    assert account.output == "failed skipped skipped"


def test_what_a_timeout_ended_counts_as_canceled_and_stays_so() -> None:
    slow = {
        "id": "s",
        "timeout": "PT1.1S",
        "on_error": "skip",
        "sequential": [{"id": "t", "tool": "careful"}, agent("two")],
    }
    account = run(
        of(slow, agent("next"), output="${steps.t.status} ${steps.two.status}", script=Script(calls=[Does(seconds=4)]))
    )
    assert account.output == "canceled canceled"


def test_the_limit_of_a_workflow_is_for_what_a_join_left_too() -> None:
    rounds = {"id": "long", "loop": {"most": 9, "while": "true", "steps": [agent("a")]}}
    join = {"branches": [agent("quick"), rounds], "join": {"at_least": 1, "losers": "leave"}}
    account = run(of({"id": "j", "concurrent": join}, limits={"duration": "PT5.5S"}))
    assert (account.code, account.stop_reason) == (None, StopReason.ENOUGH)
    assert "j/long" in account.given_up


def test_a_workflow_inside_another_forgets_no_event_between_generations() -> None:
    account = run(
        of({"id": "o", "workflow": "other"}, others={"other": {"steps": [agent("a"), agent("b")]}}), generation=1
    )
    assert [told.what for told in account.steps["o/a"]] == ["started", "completed"]


def test_a_loop_goes_on_beside_what_a_join_in_it_has_left() -> None:
    """Between two rounds it does not wait for that, even when its history is long enough to begin another."""
    join = {"branches": [agent("quick"), LATE], "join": {"at_least": 1, "losers": "leave"}}
    loop = {"most": 2, "until": "false", "steps": [{"id": "j", "concurrent": join}]}
    run(of({"id": "l", "loop": loop}), generation=1)


def test_why_a_step_stopped_is_not_forgotten_between_generations() -> None:
    loop = {"most": 1, "until": "false", "steps": [agent("a")]}
    steps = [agent("slow", needs=["l"]), {"id": "l", "needs": [], "loop": loop}]
    account = run(of(*steps), generation=1)
    assert account.stop_reason is StopReason.MOST


def test_no_item_is_begun_once_the_join_is_decided() -> None:
    each = {"over": "['a', 'b', 'c']", "join": "any", "concurrency": 1, "step": agent("a")}
    account = run(of({"id": "m", "map": each}))
    assert [made.key for made in account.calls] == ["m[0]#0"]


def test_a_step_tried_again_takes_the_event_that_it_has_taken_before() -> None:
    steps = [{"id": "w", "wait": {"event": "go"}}, agent("a", retry={"attempts": 1})]
    calls = [Does(error=Code.MODEL_UNREACHABLE), Does(), Does(error=Code.MODEL_UNREACHABLE)]
    for n in range(6):
        script = Script(calls=calls[n % 3 :] + calls[: n % 3], humans=[Human(choice=0)])
        run(of({"id": "s", "sequential": steps, "on_error": {"ask": {}}}, script=script))


def test_a_tool_that_was_not_broken_off_is_not_called_again() -> None:
    """Its answer came after its time was up, and before it was tried again."""
    step = {"id": "t", "tool": "careful", "timeout": "PT1.1S", "on_error": {"ask": {}}}
    script = Script(calls=[Does(seconds=2)], humans=[Human(choice=0, seconds=5)])
    account = run(of(step, script=script))
    assert [made.how for made in account.calls] == ["answered"]
    assert account.code is None
