"""When a chat ends: each condition, and conditions within conditions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chat_rules import AllOf, GroupChat, Holds, Judged, stops_in
from domain.chat_stops import (
    Met,
    Moment,
    Reason,
    Verdict,
    Wanted,
    completing,
    evidence,
    held,
    may_agree,
    may_end_early,
    verdict,
    watched,
)
from domain.chats import ChatState
from domain.executions import StopReason
from domain.prompt_shapes import Said
from domain.usage import Usage

NAMES = ["ann", "bob", "cat"]


def chat(*stops: dict[str, Any], how: str = "any", **fields: Any) -> GroupChat:
    return GroupChat.model_validate({"participants": NAMES, "task": "t", "until": {how: list(stops)}, **fields})


def after(turns: int, *said: str, minutes: float = 0, **state: Any) -> Moment:
    window = (Said(turn=turns, speaker="cat", event="e"),) if turns else ()
    return Moment(ChatState(turns=turns, window=window, said=said, **state), timedelta(minutes=minutes))


def met(rules: GroupChat, moment: Moment) -> Met:
    found = verdict(rules, moment)
    assert isinstance(found, tuple)
    return found


def ends(rules: GroupChat, moment: Moment) -> tuple[StopReason, str]:
    found = met(rules, moment)
    return completing(found), evidence(found)


TURNS, SAYS, AGREED = {"turns": 9}, {"says": "AGREED"}, {"agreed": True}
HOLDS = {"holds": "chat.turns > 3"}
JUDGED = {"judged": {"agent": "judge", "question": "Settled?", "every": 2}}
COSTLY = {"budget": {"model_calls": 5}}


@pytest.mark.parametrize(
    ("stop", "moment", "reason", "told"),
    [
        (TURNS, after(9), StopReason.TURNS, "All 9 turns are up."),
        (TURNS, after(11), StopReason.TURNS, "All 9 turns are up, and 2 more."),
        (SAYS, after(4, "AGREED"), StopReason.SAID, "cat said 'AGREED' in turn 4."),
        (AGREED, replace(after(4), agreed="chair: keys"), StopReason.AGREED, "chair: keys"),
        (
            {"no_progress": 2},
            after(7, stale=((5, 3), (6, 0), (7, 5))),
            StopReason.NO_PROGRESS,
            "2 turns in a row say nothing new: turn 6 has no words, turn 7 repeats turn 5.",
        ),
        (COSTLY, after(2, spent=Usage(model_calls=6)), StopReason.BUDGET, "The chat has used 6 of 5 model calls."),
        (
            {"budget": {"cost_usd": 0.5}},
            after(2, spent=Usage(cost_usd=Decimal("0.61"))),
            StopReason.BUDGET,
            "The chat has used $0.61 of $0.5.",
        ),
        (
            {"time": "PT5M"},
            after(2, minutes=6),
            StopReason.TIME,
            "The chat has gone on for 0:06:00, of at most 0:05:00.",
        ),
    ],
)
def test_each_condition_tells_why(stop: dict[str, Any], moment: Moment, reason: StopReason, told: str) -> None:
    assert ends(chat(stop), moment) == (reason, told)


@pytest.mark.parametrize(
    ("stop", "moment"),
    [
        (TURNS, after(8)),
        (SAYS, after(4)),
        (AGREED, after(4)),
        ({"no_progress": 3}, after(7, stale=((6, 1), (7, 2)))),
        (COSTLY, after(4, spent=Usage(model_calls=4))),
        ({"time": "PT5M"}, after(4, minutes=4.9)),
        (JUDGED, after(5)),
    ],
)
def test_what_does_not_hold_lets_the_chat_go_on(stop: dict[str, Any], moment: Moment) -> None:
    assert verdict(chat(stop), moment) is None


def test_a_dollar_budget_without_prices_ends_the_chat_rather_than_never() -> None:
    unknown = after(1, spent=Usage(model_calls=1, cost_usd=None))
    reason, told = ends(chat({"budget": {"cost_usd": 1}}), unknown)
    assert reason is StopReason.BUDGET
    assert "MODEL_PRICES" in told


@pytest.mark.parametrize("stop", [SAYS, AGREED, {"no_progress": 2}, HOLDS, JUDGED])
def test_conditions_count_only_once_everyone_has_spoken(stop: dict[str, Any]) -> None:
    early = replace(after(2, "AGREED", stale=((1, 0), (2, 1))), agreed="chair: all")
    assert verdict(chat(stop), early) is None
    assert verdict(chat(stop, min_turns=2), early) is not None


@pytest.mark.parametrize("stop", [{"turns": 2}, COSTLY, {"time": "PT5M"}])
def test_bounds_count_from_the_first_turn_on(stop: dict[str, Any]) -> None:
    assert verdict(chat(stop, min_turns=5), after(2, minutes=9, spent=Usage(model_calls=9))) is not None


def test_min_turns_replaces_the_default_patience() -> None:
    assert not may_end_early(chat(TURNS), ChatState(turns=2))
    assert may_end_early(chat(TURNS, min_turns=2), ChatState(turns=2))
    assert may_end_early(chat(TURNS, min_turns=0), ChatState())


def test_any_ends_with_the_first_that_holds_and_all_with_the_last() -> None:
    inner = {"all": [SAYS, {"turns": 5}]}
    rules = chat(inner, {"turns": 9})
    assert verdict(rules, after(4, "AGREED")) is None
    assert verdict(rules, after(6)) is None
    assert ends(rules, after(9))[0] is StopReason.TURNS
    assert ends(rules, after(5, "AGREED"))[1] == "cat said 'AGREED' in turn 5. All 5 turns are up."


@pytest.mark.parametrize(
    ("before", "moment", "reason"),
    [
        ((0,), after(6, "AGREED"), StopReason.SAID),  # the turns were up before
        ((1,), after(5, "AGREED"), StopReason.TURNS),  # and so was it said
        ((), after(5, "AGREED"), StopReason.SAID),  # both came with this turn: what was said tells more
    ],
)
def test_the_reason_is_that_of_the_condition_that_completed_it(
    before: tuple[int, ...], moment: Moment, reason: StopReason
) -> None:
    rules = chat({"turns": 5}, SAYS, how="all")
    state = moment.state.model_copy(update={"held": before})
    assert ends(rules, replace(moment, state=state))[0] is reason


def test_what_holds_is_remembered_by_place() -> None:
    rules = chat({"all": [{"turns": 5}, SAYS]}, {"all": [{"turns": 4}, HOLDS]}, {"time": "PT5M"})
    assert held(rules, after(4, "AGREED", minutes=9)) == (1, 2, 4)


def test_a_judge_is_asked_only_after_each_so_many_turns_and_only_if_it_decides() -> None:
    rules = chat({"all": [JUDGED, {"turns": 4}]}, {"turns": 9})
    assert verdict(rules, after(2)) is None
    assert verdict(rules, after(5)) is None
    assert isinstance(verdict(rules, after(6)), Wanted)
    assert ends(rules, after(9))[0] is StopReason.TURNS  # nobody needs the judge for that


def test_an_expression_is_asked_before_a_judge() -> None:
    rules = chat(JUDGED, HOLDS, how="all")
    first = verdict(rules, after(4))
    assert isinstance(first, Wanted)
    assert (first.place, type(first.stop)) == (1, Holds)
    assert verdict(rules, replace(after(4), answers={1: None})) is None
    second = verdict(rules, replace(after(4), answers={1: Reason(StopReason.CONDITION, "c")}))
    assert isinstance(second, Wanted)
    assert isinstance(second.stop, Judged)
    answers = {1: Reason(StopReason.CONDITION, "c."), 0: Reason(StopReason.JUDGED, "j.")}
    assert ends(rules, replace(after(4), answers=answers)) == (StopReason.JUDGED, "j. c.")


def test_a_chair_is_asked_about_agreement_only_where_that_may_end_the_chat() -> None:
    rules = chat({"all": [AGREED, {"turns": 5}]}, {"turns": 9})
    assert not may_agree(rules, after(4))
    assert may_agree(rules, after(5))
    assert not may_agree(chat({"turns": 5}), after(3))
    assert not may_agree(chat(AGREED), after(2))
    assert may_agree(chat({"all": [AGREED, HOLDS]}), after(3))  # it may hold
    assert not may_agree(chat({"all": [AGREED, HOLDS]}), replace(after(3), answers={1: None}))


def test_the_texts_to_look_for_are_listed_once() -> None:
    assert watched(chat(SAYS, {"all": [SAYS, {"says": "DONE"}]})) == ("AGREED", "DONE")


leaves = st.sampled_from(
    [TURNS, {"turns": 3}, SAYS, AGREED, HOLDS, JUDGED, COSTLY, {"time": "PT5M"}, {"no_progress": 2}]
)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda how, stops: {how: stops}, st.sampled_from(["any", "all"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
moments = st.builds(
    lambda turns, said, minutes, calls, stale, agreed: replace(
        after(turns, *said, minutes=minutes, spent=Usage(model_calls=calls), stale=stale), agreed=agreed
    ),
    st.integers(1, 10),
    st.sampled_from([(), ("AGREED",)]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from([(), ((1, 0), (2, 1))]),
    st.sampled_from([None, "chair: yes"]),
)


@given(st.lists(trees, min_size=1, max_size=3), moments, st.lists(st.booleans(), min_size=30, max_size=30))
def test_a_combination_holds_as_logic_says_and_asks_no_more_than_it_needs(
    stops: list[dict[str, Any]], moment: Moment, answers: list[bool]
) -> None:
    rules = chat(*stops)
    asked: dict[int, Reason | None] = {}
    while isinstance(found := verdict(rules, replace(moment, answers=asked)), Wanted):
        assert found.place not in asked
        yes = Reason(StopReason.CONDITION, f"place {found.place}.")
        asked[found.place] = yes if answers[found.place] else None
    everything = {
        place: Reason(StopReason.CONDITION, f"place {place}.") if answers[place] else None
        for place in range(len(stops_in(rules.until)))
    }
    truth = _truth(rules, replace(moment, answers=everything))
    assert (found is not None) == truth
    if found is not None:
        assert completing(found) in [one.reason for one in found]


def _truth(rules: GroupChat, moment: Moment) -> bool:
    """What each leaf alone would say, put together by Python's own any and all."""
    places = iter(range(100))

    def of(stop: Any) -> bool:
        if hasattr(stop, "any"):
            return any([of(inner) for inner in stop.any])
        if isinstance(stop, AllOf):
            return all([of(inner) for inner in stop.all])
        place = next(places)
        alone = rules.model_copy(update={"until": AllOf(all=(stop,))})
        found: Verdict = verdict(alone, replace(moment, answers={0: moment.answers[place]}))
        return found is not None

    return of(rules.until)
