"""Who speaks, what is seen, and what a chat carries from turn to turn."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chat_rules import GroupChat
from domain.chats import (
    LONGEST_BACKLOG,
    ChatState,
    by_chance,
    choices,
    covered,
    kept,
    next_in_turn,
    participant_named,
    seen_by,
    summary_for,
    summed_up,
    to_sum_up,
)
from domain.fingerprints import fingerprint
from domain.hearing import Heard, heard
from domain.prompt_shapes import Said, Summary

NAMES = ["ann", "bob", "cat"]


def chat(*stops: dict[str, Any], **fields: Any) -> GroupChat:
    until = {"any": list(stops) or [{"turns": 9}]}
    return GroupChat.model_validate({"participants": NAMES, "task": "t", "until": until, **fields})


def spoken(rules: GroupChat, *speakers: str, words: str = "words") -> ChatState:
    state = ChatState()
    for turn, speaker in enumerate(speakers, start=1):
        state = state.after(rules, speaker, f"e{turn}", heard(words))
    return state


def test_round_robin_goes_round_in_the_order_written() -> None:
    state, order = ChatState(), []
    for _ in range(5):
        order.append(next_in_turn(chat(), state))
        state = state.after(chat(), order[-1], "e", heard("words"))
    assert order == ["ann", "bob", "cat", "ann", "bob"]


def test_a_chair_may_choose_anyone_but_the_last_speaker() -> None:
    assert choices(chat(), ChatState()) == ("ann", "bob", "cat")
    assert choices(chat(), spoken(chat(), "bob")) == ("ann", "cat")


def by_chance_alone(seed: int, turns: int) -> list[str]:
    rules, state, order = chat(), ChatState(), []
    for _ in range(turns):
        order.append(by_chance(rules, state, "panel", seed))
        state = state.after(rules, order[-1], "e", heard("words"))
    return order


def test_chance_is_the_same_for_the_same_seed_and_gives_everyone_about_as_much_to_say() -> None:
    order = by_chance_alone(7, 300)
    assert order == by_chance_alone(7, 300)
    assert order != by_chance_alone(8, 300)
    assert all(first != second for first, second in pairwise(order))
    assert all(70 <= number <= 130 for number in Counter(order).values())


def test_a_participant_is_meant_by_its_name_with_or_without_the_version() -> None:
    rules = chat(participants=["ann@3", "bob", "cat@1", "cat@2"])
    assert participant_named(rules, "ann@3") == "ann@3"
    assert participant_named(rules, "ann") == "ann@3"
    assert participant_named(rules, "cat") is None  # either
    assert participant_named(rules, "cat@2") == "cat@2"
    for unusable in ("dan", "", None, 1, ["bob"], {"name": "bob"}):
        assert participant_named(rules, unusable) is None


def test_the_output_is_the_latest_turn_that_has_words() -> None:
    rules = chat(participants=["ann", {"human": "jo"}])
    state = ChatState().after(rules, "ann", "e1", heard("Tea.")).after(rules, "jo", "e2", heard(""))
    assert state.last_speaker == "jo"
    assert state.answer is not None
    assert state.answer.event == "e1"


def test_people_are_introduced_as_such() -> None:
    human = {"human": "jo", "description": "head of law"}
    rules = chat(participants=["ann@3", human, {"human": "kim"}])
    assert rules.names == ("ann@3", "jo", "kim")
    assert rules.introductions() == ("ann@3", "jo (a person: head of law)", "kim (a person)")
    assert rules.human("jo") is rules.participants[1]
    assert rules.human("ann@3") is None


def test_a_view_addressed_to_someone_has_their_own_turns_and_those_that_name_them() -> None:
    rules = chat(views={"bob": {"last": 3, "only": "addressed"}}, view={"last": 2})
    state = ChatState()
    for turn, (speaker, named) in enumerate(
        [("ann", True), ("bob", False), ("cat", False), ("ann", True), ("cat", True), ("ann", False)], start=1
    ):
        state = state.after(rules, speaker, f"e{turn}", Heard(named=("bob",) if named else (), preview="w"))
    assert [said.turn for said in seen_by(rules, state.window, "bob")] == [2, 4, 5]
    assert [said.turn for said in seen_by(rules, state.window, "ann")] == [5, 6]
    assert [said.turn for said in seen_by(rules, state.window)] == [5, 6]
    assert [said.turn for said in state.window] == [2, 4, 5, 6]


def said(*turns: int) -> tuple[Said, ...]:
    return tuple(Said(turn=turn, speaker="ann", event=f"e{turn}") for turn in turns)


def test_half_a_view_is_summed_up_when_its_first_turn_has_left_the_view() -> None:
    rules = chat(view={"last": 4, "summary": "scribe"})
    state, folded = ChatState(), []
    for turn in range(1, 13):
        state = state.after(rules, "ann", f"e{turn}", heard("words"))
        turns = to_sum_up(rules, state, "scribe")
        folded.append([one.turn for one in turns])
        if turns:
            summary = summed_up(state.summaries.get("scribe"), turns, "scribe", f"s{turn}")
            state = state.model_copy(update={"summaries": {"scribe": summary}})
    assert folded == [[], [], [], [], [1, 2], [], [3, 4], [], [5, 6], [], [7, 8], []]


def test_a_summary_that_fails_takes_up_later_what_is_still_there_and_owns_up_to_the_rest() -> None:
    rules = chat(view={"last": 2, "summary": "scribe"})
    state = spoken(rules, *["ann"] * 20)
    turns = to_sum_up(rules, state, "scribe")
    assert turns[0].turn == 20 - LONGEST_BACKLOG * 2 + 1
    summary = summed_up(Summary(event="s", by="scribe", to=3), turns, "scribe", "s2")
    assert (summary.to, summary.lost) == (turns[-1].turn, (4, turns[0].turn - 1))
    assert summed_up(summary, said(summary.to + 1), "scribe", "s3").lost == summary.lost


def test_agents_that_sum_up_do_so_for_the_shortest_view_they_serve() -> None:
    views = {"ann": {"last": 4, "summary": "scribe"}, "bob": {"last": 6, "summary": "clerk"}}
    assert chat(view={"last": 9, "summary": "scribe"}, views=views).summarisers() == {"scribe": 4, "clerk": 6}


@dataclass
class Talk:
    """A chat as it goes, and everything that was said in it."""

    rules: GroupChat
    state: ChatState = field(default_factory=ChatState)
    said: list[Said] = field(default_factory=list)
    folded: dict[str, set[int]] = field(default_factory=dict)

    def turn(self, speaker: str, named: tuple[str, ...], *, summary_fails: bool) -> None:
        turn = self.state.turns + 1
        self.state = self.state.after(self.rules, speaker, f"e{turn}", Heard(named=named, preview="w"))
        self.said.append(Said(turn=turn, speaker=speaker, event=f"e{turn}", addressed=named))
        for agent in self.rules.summarisers():
            turns = to_sum_up(self.rules, self.state, agent)
            if turns and not summary_fails:
                self.fold(agent, turns)

    def fold(self, agent: str, turns: tuple[Said, ...]) -> None:
        numbers = [one.turn for one in turns]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        self.folded.setdefault(agent, set()).update(numbers)
        before = self.state.summaries.get(agent)
        summaries = {**self.state.summaries, agent: summed_up(before, turns, agent, "s")}
        window = kept(self.rules, self.state.window, summaries)
        self.state = self.state.model_copy(update={"summaries": summaries, "window": window})

    def should_see(self, name: str) -> list[Said]:
        view = self.rules.view_of(name)
        addressed = view.only == "addressed"
        mine = [one for one in self.said if not addressed or name == one.speaker or name in one.addressed]
        return mine[-view.last :]

    def untold(self, name: str) -> set[int]:
        """Turns that are neither in the view nor said to be in the summary."""
        seen = {one.turn for one in seen_by(self.rules, self.state.window, name)}
        summary = summary_for(self.rules, self.state, name)
        lost = set(range(summary.lost[0], summary.lost[1] + 1)) if summary and summary.lost else set()
        told = set(range(1, covered(summary) + 1)) - lost
        return set(range(1, self.state.turns + 1)) - seen - told


views = st.fixed_dictionaries(
    {"last": st.integers(1, 7)},
    optional={"only": st.sampled_from(["all", "addressed"]), "summary": st.sampled_from(["scribe", "clerk"])},
)
rules = st.builds(
    lambda view, others: chat({"turns": 99}, view=view, views=others),
    views,
    st.dictionaries(st.sampled_from(NAMES), views),
)
turns = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), st.booleans()), min_size=1, max_size=60
)
Turns = list[tuple[str, set[str], bool]]


def talked(rules: GroupChat, turns: Turns, *, failing: bool) -> Talk:
    talk = Talk(rules)
    for speaker, named, fails in turns:
        talk.turn(speaker, tuple(sorted(named)), summary_fails=fails and failing)
    return talk


@given(rules, turns)
def test_a_view_always_holds_every_turn_that_it_should(rules: GroupChat, turns: Turns) -> None:
    talk = Talk(rules)
    for speaker, named, fails in turns:
        talk.turn(speaker, tuple(sorted(named)), summary_fails=fails)
        for name in NAMES:
            assert list(seen_by(rules, talk.state.window, name)) == talk.should_see(name)
        assert list(seen_by(rules, talk.state.window)) == talk.said[-rules.view.last :]
        assert talk.state.last_speaker == speaker


@given(rules, turns)
def test_with_a_summary_no_turn_of_the_chat_is_ever_missing(rules: GroupChat, turns: Turns) -> None:
    talk = Talk(rules)
    for speaker, named, _ in turns:
        talk.turn(speaker, tuple(sorted(named)), summary_fails=False)
        for name in NAMES:
            view = rules.view_of(name)
            if view.summary and view.only == "all":
                assert talk.untold(name) == set()


@given(rules, turns)
def test_a_summary_owns_up_to_every_turn_that_it_lost(rules: GroupChat, turns: Turns) -> None:
    talk = talked(rules, turns, failing=True)
    for agent, summary in talk.state.summaries.items():
        missing = set(range(1, summary.to + 1)) - talk.folded[agent]
        first, last = summary.lost or (0, -1)
        assert missing <= set(range(first, last + 1))
        assert bool(missing) == (summary.lost is not None)


@given(rules, turns)
def test_summaries_are_made_once_for_half_a_view(rules: GroupChat, turns: Turns) -> None:
    talk = talked(rules, turns, failing=False)
    for agent, last in rules.summarisers().items():
        assert len(talk.folded.get(agent, ())) <= max(0, len(turns) - last - 1 + max(1, last // 2))


@given(rules, turns)
def test_what_is_carried_is_bounded_by_the_views(rules: GroupChat, turns: Turns) -> None:
    state = talked(rules, turns, failing=True).state
    longest = max(view.last for view in (rules.view, *rules.views.values()))
    addressed = sum(rules.view_of(name).last for name in rules.addressees())
    backlog = LONGEST_BACKLOG * max(rules.summarisers().values(), default=0)
    assert len(state.window) <= max(longest, backlog) + addressed
    assert state == ChatState.model_validate_json(state.model_dump_json(exclude_defaults=True))


SAYINGS = ["We should take the key, it is safer.", "We should take the key; it IS safer!", "The ring is prettier.", ""]


def test_turns_that_say_nothing_new_are_counted_with_what_they_repeat() -> None:
    rules = chat({"no_progress": 3}, {"turns": 9})
    state = ChatState()
    for number, words in enumerate(SAYINGS, start=1):
        state = state.after(rules, "ann", f"e{number}", Heard(fingerprint=fingerprint(words), preview=words))
    assert state.stale == ((4, 0),)  # turn 3 was new, and turn 4 has no words
    state = state.after(rules, "bob", "e5", Heard(fingerprint=fingerprint(SAYINGS[0]), preview="w"))
    assert state.stale == ((4, 0), (5, 2))
    assert state.after(rules, "cat", "e6", Heard(fingerprint=fingerprint("A hat?"), preview="w")).stale == ()


def test_nothing_is_compared_where_nothing_depends_on_it() -> None:
    state = spoken(chat(), *NAMES)
    assert (state.stale, state.fingerprints) == ((), ())


@pytest.mark.parametrize("participants", [2, 20])
def test_only_so_many_turns_are_compared(participants: int) -> None:
    names = [f"p{number}" for number in range(participants)]
    rules = chat({"no_progress": 3}, {"turns": 999}, participants=names)
    state = ChatState()
    for number in range(100):
        told = Heard(fingerprint=fingerprint(f"number {number}"), preview="w")
        state = state.after(rules, names[number % participants], "e", told)
    assert len(state.fingerprints) == 2 * participants


def test_a_state_of_release_0_1_0_is_read() -> None:
    window = [{"turn": 7, "speaker": "ann", "event": "chat/turn[7]#0:call.completed"}]
    state = ChatState.model_validate(json.loads(json.dumps({"turns": 7, "window": window})))
    assert (state.turns, state.last_speaker, state.said, state.spent.model_calls) == (7, "ann", (), 0)
