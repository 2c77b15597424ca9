"""When a group chat ends, over the real engine: each condition, conditions within conditions, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Code
from domain.executions import Execution, Status, StopReason
from tests.orchestrators.bench import Bench
from tests.orchestrators.chatting import asked_of, by_agent, chat, chosen, discussion, ended, events
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import Answer, bad_answer, rejected, unreachable

JUDGED = {"judged": {"agent": "judge", "question": "Is it settled?"}}


def verdict(settled: bool, reason: str) -> dict[str, Any]:
    return {"settled": settled, "reason": reason}


async def outcome(bench: Bench, record: Execution) -> tuple[str, int, str]:
    told = await ended(bench, record.id)
    assert record.stop_reason == told["stop_reason"]
    return told["stop_reason"], told["turns"], told["evidence"]


class TestJudged:
    async def test_its_yes_ends_the_chat_and_its_reason_is_the_evidence(self, bench: Bench) -> None:
        bench.model._script = by_agent(judge=lambda n: verdict(n == 3, f"reason {n}"))
        record = await bench.run(chat(JUDGED), "it")
        assert await outcome(bench, record) == ("judged", 5, "judge: reason 3")
        assert record.output == "bob says 2"
        assert (record.turns, record.usage.model_calls) == (5, 8)
        told = await events(bench, record.id, "chat.judged")
        assert [(event.agent, event.step, event.data["settled"], event.data["reason"]) for event in told] == [
            ("judge", "panel/turn[3]/judge", False, "reason 1"),
            ("judge", "panel/turn[4]/judge", False, "reason 2"),
            ("judge", "panel/turn[5]/judge", True, "reason 3"),
        ]

    async def test_it_is_shown_the_discussion_and_asked_its_question(self, bench: Bench) -> None:
        bench.model._script = by_agent(judge=verdict(True, "yes"))
        await bench.run(chat(JUDGED, view={"last": 2}), "it")
        [asked] = asked_of(bench, "judge")
        assert discussion(asked)[:3] == ["(Turn 1 is not shown.)", "bob: bob says 1", "cat: cat says 1"]
        assert "Is it settled?" in asked

    async def test_it_is_asked_after_each_so_many_turns(self, bench: Bench) -> None:
        bench.model._script = by_agent(judge=verdict(False, "no"))
        every = {"judged": {**JUDGED["judged"], "every": 4}}
        record = await bench.run(chat(every), "it")
        assert [event.data["turn"] for event in await events(bench, record.id, "chat.judged")] == [4, 8]
        assert record.stop_reason is StopReason.TURNS

    async def test_an_answer_that_cannot_be_used_counts_as_a_no_and_is_told(self, bench: Bench) -> None:
        answers = [rejected("perhaps"), rejected("who knows"), verdict(True, "now it is")]
        bench.model._script = by_agent(judge=lambda n: answers[n - 1])
        record = await bench.run(chat(JUDGED), "it")
        assert (record.stop_reason, record.turns) == (StopReason.JUDGED, 4)
        first, second = await events(bench, record.id, "chat.judged")
        assert (first.data["settled"], second.data["settled"]) == (False, True)
        assert "counts as a no: It does not fit." in first.data["reason"]

    async def test_a_judge_that_cannot_be_asked_fails_the_chat(self, bench: Bench) -> None:
        bench.model._script = by_agent(judge=unreachable())
        definition = chat(JUDGED)
        definition["steps"][0]["retry"] = {"attempts": 1}
        record = await bench.run(definition, "it")
        assert record.error is not None
        assert record.error.code is Code.MODEL_UNREACHABLE
        assert (await ended(bench, record.id))["stop_reason"] == "failed"

    async def test_each_of_two_judges_has_its_own_say(self, bench: Bench) -> None:
        other = {"judged": {"agent": "critic", "question": "Is it good?"}}
        bench.model._script = by_agent(judge=verdict(False, "no"), critic=lambda n: verdict(n == 2, "good"))
        record = await bench.run(chat(JUDGED, other), "it")
        assert await outcome(bench, record) == ("judged", 4, "critic: good")
        assert bench.model.keys["panel/turn[4]/judge[1]#0"] == 1


class TestNoProgress:
    async def test_turns_that_repeat_earlier_ones_end_it_and_are_named(self, bench: Bench) -> None:
        bench.model._script = by_agent(
            ann=lambda n: ["We should take the key.", "We should take the key!", "we SHOULD take the key"][n - 1],
            bob=lambda n: ["The ring is much prettier.", "Yes: the ring is much prettier."][n - 1],
            cat=lambda n: ["A hat would be cheaper.", "No, a hat would be cheaper."][n - 1],
        )
        record = await bench.run(chat({"no_progress": 4}), "it")
        assert await outcome(bench, record) == (
            "no_progress",
            7,
            "4 turns in a row say nothing new: turn 4 repeats turn 1, turn 5 repeats turn 2, turn 6 repeats turn 3, "
            "turn 7 repeats turn 4.",
        )

    async def test_one_new_thought_begins_the_count_again(self, bench: Bench) -> None:
        bench.model._script = lambda request: (
            "wait, there is another way" if len(bench.model.asked) == 3 else "as I said before"
        )
        record = await bench.run(chat({"no_progress": 3}), "it")
        assert record.turns == 6

    async def test_across_generations(self, bench: Bench) -> None:
        bench.model._script = lambda request: (
            f"number {len(bench.model.asked)} of them" if len(bench.model.asked) < 24 else "and so on and on"
        )
        record = await bench.run(chat(until={"any": [{"no_progress": 4}, {"turns": 60}]}), "it")
        assert (record.stop_reason, record.turns) == (StopReason.NO_PROGRESS, 28)


class TestBudget:
    @pytest.mark.parametrize(
        ("budget", "turns", "told"),
        [
            ({"model_calls": 6}, 3, "The chat has used 6 of 6 model calls."),
            ({"tokens": 55}, 3, "The chat has used 81 of 55 tokens."),
            ({"cost_usd": "0.09"}, 4, "The chat has used $0.108 of $0.09."),
        ],
    )
    async def test_what_the_chat_and_its_chair_have_spent_ends_it(
        self, bench: Bench, budget: dict[str, Any], turns: int, told: str
    ) -> None:
        bench.model.price = Decimal("0.001")
        bench.model._script = by_agent(chair=lambda n: {"next": ["ann", "bob"][n % 2], "reason": "r"})
        before = {"id": "before", "agent": "x"}  # what else the execution spends does not count
        definition = chat({"budget": budget}, speaker={"agent": "chair"})
        record = await bench.run({"steps": [before, *definition["steps"]]}, "it")
        reason, taken, evidence = await outcome(bench, record)
        assert (reason, taken, evidence) == ("budget", turns, told)

    async def test_a_retry_ends_where_the_first_did_and_pays_nothing(self, bench: Bench) -> None:
        last = {"id": "last", "agent": "z", "retry": {"attempts": 1}}
        steps = [*chat({"budget": {"model_calls": 5}})["steps"], last]
        bench.model._script = by_agent(z=unreachable())
        failed = await bench.run({"steps": steps}, "it")
        assert failed.status is Status.FAILED
        bench.model._script = by_agent()
        record = await bench.ended(await bench.begin({"steps": steps}, "it", retry_of=failed.id))
        assert (await ended(bench, record.id))["turns"] == 5
        assert record.usage.model_calls == 1
        again = await bench.ended(await bench.begin({"steps": steps}, "it", retry_of=record.id))
        assert (await ended(bench, again.id))["turns"] == 5


class TestTime:
    async def test_it_ends_with_the_first_turn_after_so_long(self, desk: Desk) -> None:
        def slow(request: Any) -> str:
            desk.clock.now += timedelta(minutes=2)
            return "words"

        desk.bench.model._script = slow
        record = await desk.bench.run(chat({"time": "PT5M"}), "it")
        reason, turns, evidence = await outcome(desk.bench, record)
        assert (reason, turns) == ("time", 3)
        assert evidence == "The chat has gone on for 0:06:00, of at most 0:05:00."

    async def test_across_generations(self, desk: Desk) -> None:
        def slow(request: Any) -> str:
            desk.clock.now += timedelta(minutes=1)
            return "words"

        desk.bench.model._script = slow
        record = await desk.bench.run(chat(until={"any": [{"time": "PT30M"}, {"turns": 60}]}), "it")
        assert (record.stop_reason, record.turns) == (StopReason.TIME, 30)


class TestTogether:
    async def test_all_must_hold_after_the_same_turn(self, bench: Bench) -> None:
        bench.model._script = lambda request: "DONE" if len(bench.model.asked) in (4, 7) else "go on"
        record = await bench.run(chat({"all": [{"says": "DONE"}, {"turns": 6}]}), "it")
        assert await outcome(bench, record) == (
            "said", 7, "ann said 'DONE' in turn 7. All 6 turns are up, and 1 more.",
        )  # fmt: skip

    async def test_the_last_to_hold_gives_the_reason(self, bench: Bench) -> None:
        bench.model._script = lambda request: "DONE"
        record = await bench.run(chat({"all": [{"says": "DONE"}, {"holds": "chat.turns == 5"}]}), "it")
        assert await outcome(bench, record) == (
            "condition", 5, "bob said 'DONE' in turn 5. `chat.turns == 5` is true after turn 5.",
        )  # fmt: skip
        record = await bench.run(chat({"all": [{"holds": "chat.turns > 2"}, {"turns": 5}]}), "it")
        assert (record.stop_reason, record.turns) == (StopReason.TURNS, 5)

    async def test_a_judge_is_asked_only_when_the_rest_leaves_it_to_it(self, bench: Bench) -> None:
        bench.model._script = by_agent(judge=verdict(True, "yes"), cat=lambda n: "DONE" if n == 2 else "go on")
        record = await bench.run(chat({"all": [JUDGED, {"says": "DONE"}]}), "it")
        assert await outcome(bench, record) == ("said", 6, "judge: yes cat said 'DONE' in turn 6.")
        assert len(asked_of(bench, "judge")) == 1

    async def test_agreement_counts_with_others_and_is_asked_for_only_then(self, bench: Bench) -> None:
        bench.model._script = by_agent(
            chair=lambda n: {"next": ["ann", "bob"][n % 2], "reason": "fine", **({"agreed": True} if n > 5 else {})}
        )
        both = {"all": [{"agreed": True}, {"turns": 5}, {"holds": "chat.speaker == 'bob'"}]}
        record = await bench.run(chat(both, speaker={"agent": "chair"}), "it")
        assert await outcome(bench, record) == (
            "agreed", 5, "chair: fine All 5 turns are up. `chat.speaker == 'bob'` is true after turn 5.",
        )  # fmt: skip
        schemas = [request.response_schema for request in bench.model.asked if request.response_schema]
        assert ["agreed" in schema["properties"] for schema in schemas] == [False] * 5 + [True]

    async def test_a_chair_that_agrees_where_that_is_not_enough_has_named_who_goes_on(self, bench: Bench) -> None:
        bench.model._script = by_agent(chair=lambda n: {"next": ["ann", "bob"][n % 2], "reason": "r", "agreed": True})
        both = {"all": [{"agreed": True}, {"holds": "chat.turns == 6"}]}
        record = await bench.run(chat(both, speaker={"agent": "chair"}, min_turns=0), "it")
        assert (record.stop_reason, record.turns) == (StopReason.AGREED, 6)
        assert len(await chosen(bench, record.id)) == 6


class TestOtherwise:
    async def test_a_chat_that_is_canceled_says_so(self, desk: Desk) -> None:
        desk.bench.model.gate("turn[3]#")
        id = await desk.bench.begin(chat(), "it")
        await desk.bench.model.until(lambda: desk.bench.model.keys["panel/turn[3]#0"] == 1)
        await desk.cancel(id)
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        told = await ended(desk.bench, id)
        assert (told["stop_reason"], told["turns"]) == ("canceled", 2)

    async def test_a_speaker_whose_answer_did_not_come_through_is_asked_again(self, bench: Bench) -> None:
        answers: Iterator[Answer] = iter([bad_answer(), "words", "words"])
        bench.model._script = lambda request: next(answers)
        record = await bench.run(chat({"turns": 2}), "it")
        assert (record.status, record.turns) == (Status.COMPLETED, 2)
