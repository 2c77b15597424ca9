"""What the participants of a group chat see, over the real engine: views of their own, summaries, bounded state."""

from __future__ import annotations

from typing import Any

import pytest

from domain.executions import Status, StopReason
from orchestrators.group_chat import ACTIONS_PER_GENERATION
from services.models.base import ModelRequest
from tests.orchestrators.bench import Bench
from tests.orchestrators.chatting import (
    NAMES,
    asked_of,
    by_agent,
    chat,
    counted,
    discussion,
    events,
    said_in,
    speaker_of,
)
from tests.support.scripted_model import unreachable


def numbered(request: ModelRequest) -> str:
    """A script whose turns say their number, so that a view shows which turns it holds."""
    name = speaker_of(request)
    if request.response_schema is None and name in NAMES:
        return f"turn {request.idempotency_key.rpartition('[')[2].partition(']')[0]}"
    return f"summary by {name}"


def turns_in(shown: list[str]) -> list[int]:
    return [int(line.partition(": turn ")[2]) for line in shown if ": turn " in line]


def shown_to(bench: Bench, name: str) -> list[list[str]]:
    return [discussion(text) for text in asked_of(bench, name)]


async def test_each_participant_may_have_a_view_of_its_own(bench: Bench) -> None:
    bench.model._script = numbered
    await bench.run(chat({"turns": 9}, view={"last": 2}, views={"cat": {"last": 6}}), "it")
    assert [turns_in(shown) for shown in shown_to(bench, "ann")] == [[], [2, 3], [5, 6]]
    assert [turns_in(shown) for shown in shown_to(bench, "cat")] == [[1, 2], [1, 2, 3, 4, 5], [3, 4, 5, 6, 7, 8]]


async def test_a_view_says_which_turns_it_leaves_out(bench: Bench) -> None:
    bench.model._script = numbered
    await bench.run(chat({"turns": 6}, view={"last": 3}), "it")
    assert shown_to(bench, "cat")[1] == ["(Turns 1-2 are not shown.)", "cat: turn 3", "ann: turn 4", "bob: turn 5"]


async def test_a_view_may_be_bounded_by_tokens(bench: Bench) -> None:
    """Of the latest turns as many as are so many tokens; what is left out is told to the model, and in the log."""
    bench.model._script = lambda request: numbered(request) + " and so on" * 20
    record = await bench.run(chat({"turns": 9}, view={"last": 6, "tokens": 300}), "it")
    shown = shown_to(bench, "cat")[2]
    assert shown[0].startswith("(Turns 1-")
    turns = [int(line.partition(": turn ")[2].split()[0]) for line in shown if ": turn " in line]
    assert turns == list(range(turns[0], 9))
    assert 1 < len(turns) < 6
    started = [event.data for event in await bench.log(record.id) if event.type == "call.started"]
    assert started[8]["left_out"]["turns"] == list(range(3, turns[0]))
    assert "left_out" not in started[0]


async def test_a_participant_may_see_only_what_addresses_it(bench: Bench) -> None:
    bench.model._script = by_agent(
        ann=lambda n: f"ann {n}: what does Cat think?" if n == 1 else f"ann {n}: fine",
        bob=lambda n: f"bob {n}: ask CAT" if n == 3 else f"bob {n}",
        cat=lambda n: f"cat {n}",
    )
    await bench.run(chat({"turns": 9}, views={"cat": {"last": 3, "only": "addressed"}}), "it")
    first, second, third = shown_to(bench, "cat")
    assert first == ["(Turn 2 is not shown.)", "ann: ann 1: what does Cat think?"]
    assert second == ["(Turns 2 and 4-5 are not shown.)", "ann: ann 1: what does Cat think?", "cat: cat 1"]
    assert third == ["(Turns 1-2, 4-5 and 7 are not shown.)", "cat: cat 1", "cat: cat 2", "bob: bob 3: ask CAT"]
    assert len(said_in(bench.model.asked[-3])) == 6  # ann still sees everything


class TestSummary:
    async def test_what_leaves_the_view_is_summed_up_half_a_view_at_a_time(self, bench: Bench) -> None:
        bench.model._script = numbered
        record = await bench.run(chat({"turns": 9}, view={"last": 4, "summary": "scribe"}), "it")
        told = await events(bench, record.id, "chat.summarised")
        assert [(event.agent, event.step, event.data["covers"]) for event in told] == [
            ("scribe", "panel/turn[5]/summary", [1, 2]),
            ("scribe", "panel/turn[7]/summary", [1, 4]),
        ]
        assert (record.turns, record.usage.model_calls) == (9, 11)
        [first, second] = shown_to(bench, "scribe")
        assert first == ["ann: turn 1", "bob: turn 2"]
        assert second == ["Turns 1-2, summed up by scribe:", "summary by scribe", "Turns 3-4 in full:",
                          "cat: turn 3", "ann: turn 4"]  # fmt: skip
        assert shown_to(bench, "bob")[2] == [
            "Turns 1-4, summed up by scribe:", "summary by scribe", "Turns 4-7 in full:",
            "ann: turn 4", "bob: turn 5", "cat: turn 6", "ann: turn 7",
        ]  # fmt: skip

    async def test_a_chat_that_fits_into_the_view_is_never_summed_up(self, bench: Bench) -> None:
        record = await bench.run(chat({"turns": 6}, view={"last": 6, "summary": "scribe"}), "it")
        assert asked_of(bench, "scribe") == []
        assert record.turns == 6

    async def test_no_turn_is_missing_from_a_long_chat_whoever_looks(self, bench: Bench) -> None:
        bench.model._script = numbered
        views = {"bob": {"last": 9, "summary": "scribe"}, "cat": {"last": 3, "summary": "clerk"}}
        rules = {"view": {"last": 5, "summary": "scribe"}, "views": views, "until": {"any": [{"turns": 80}]}}
        record = await bench.run(chat(**rules), "it")
        assert record.turns == 80
        for name in NAMES:
            for number, shown in enumerate(shown_to(bench, name)):
                assert not any("not shown" in line for line in shown)
                heading = shown[0] if shown[0].startswith("Turn") else "Turns 1-0"
                covered = int(heading.partition("-")[2].partition(",")[0]) if "-" in heading else 1
                before = number * 3 + NAMES.index(name)
                assert set(range(covered + 1, before + 1)) <= set(turns_in(shown))

    async def test_a_failed_summary_ends_nothing_and_the_view_says_what_is_missing(self, bench: Bench) -> None:
        calls = iter(range(100))
        bench.model._script = lambda request: (
            unreachable() if speaker_of(request) == "scribe" and next(calls) == 0 else numbered(request)
        )
        definition = chat({"turns": 9}, view={"last": 4, "summary": "scribe"})
        definition["steps"][0]["retry"] = {"attempts": 1}
        record = await bench.run(definition, "it")
        assert (record.status, record.stop_reason, record.turns) == (Status.COMPLETED, StopReason.TURNS, 9)
        assert shown_to(bench, "cat")[1][0] == "(Turn 1 is not shown.)"
        [told] = await events(bench, record.id, "chat.summarised")
        assert told.data["covers"] == [1, 4]
        assert turns_in(shown_to(bench, "scribe")[1]) == [1, 2, 3, 4]  # it takes up what it had missed

    async def test_a_chair_sees_it_too(self, bench: Bench) -> None:
        def script(request: ModelRequest) -> Any:
            schema = request.response_schema
            return {"next": schema["properties"]["next"]["enum"][0], "reason": "r"} if schema else numbered(request)

        bench.model._script = script
        await bench.run(chat({"turns": 6}, view={"last": 2, "summary": "scribe"}, speaker={"agent": "chair"}), "it")
        assert shown_to(bench, "chair")[5][:2] == ["Turns 1-3, summed up by scribe:", "summary by scribe"]

    async def test_a_retry_makes_no_summary_again(self, bench: Bench) -> None:
        last = {"id": "last", "agent": "z", "retry": {"attempts": 1}}
        steps = [*chat({"turns": 9}, view={"last": 4, "summary": "scribe"})["steps"], last]
        bench.model._script = lambda request: unreachable() if speaker_of(request) == "z" else numbered(request)
        failed = await bench.run({"steps": steps}, "it")
        bench.model._script = numbered
        record = await bench.ended(await bench.begin({"steps": steps}, "it", retry_of=failed.id))
        assert (record.status, record.usage.model_calls) == (Status.COMPLETED, 1)


async def test_what_a_chat_carries_and_does_in_a_generation_is_bounded(bench: Bench) -> None:
    def script(request: ModelRequest) -> Any:
        properties = (request.response_schema or {}).get("properties", {})
        if "next" in properties:
            return {"next": properties["next"]["enum"][len(bench.model.asked) % 2], "reason": "r"}
        return {"settled": False, "reason": "no"} if properties else f"cat, number {len(bench.model.asked)}"

    bench.model._script = script
    generations = counted(bench)
    judged = {"judged": {"agent": "judge", "question": "Settled?"}}
    stops = [judged, {"no_progress": 9}, {"budget": {"model_calls": 9_999}}, {"time": "P1D"}, {"turns": 120}]
    rules = {
        "speaker": {"agent": "chair"},
        "view": {"last": 6, "summary": "scribe"},
        "views": {"cat": {"last": 5, "only": "addressed"}},
        "until": {"any": stops},
    }
    record = await bench.ended(await bench.begin(chat(**rules), "it"), within=60)
    assert record.turns == 120
    ended = [generation for generation in generations if generation.handed_on is not None]
    assert max(generation.actions for generation in generations) < 100
    assert all(generation.actions >= ACTIONS_PER_GENERATION for generation in ended)
    sizes = [len(generation.handed_on or "") for generation in ended]
    assert len(ended) > 4
    assert max(sizes) < 8_000
    assert max(sizes[len(sizes) // 2 :]) <= max(sizes[: len(sizes) // 2]) * 1.1


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_a_version_is_no_part_of_a_name_in_views(bench: Bench, name: str) -> None:
    bench.model._script = numbered
    definition = chat({"turns": 5}, participants=["ann@2", "bob@1"], views={name: {"last": 1}})
    await bench.run(definition, "it")
    assert max(len(turns_in(shown)) for shown in shown_to(bench, name)) <= 1
