"""The group chat: speakers, views, stop conditions, generations, and what the chair may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.chats import entity_key
from domain.errors import Code
from domain.executions import Execution, Status, StopReason
from services.models.base import ModelRequest
from tests.orchestrators.bench import Bench
from tests.support.scripted_model import bad_answer, unreachable

NAMES = ["ann", "bob", "cat"]


def chat(*stops: dict[str, Any], **fields: Any) -> dict[str, Any]:
    until = {"any": [*stops, {"turns": 9}]}
    rules = {"participants": NAMES, "task": "Settle ${input}.", "until": until, **fields}
    return {"steps": [{"id": "panel", "group_chat": rules}]}


def speaker_of(request: ModelRequest) -> str:
    return request.messages[0]["content"].removeprefix("You are ").removesuffix(".")


def said_in(request: ModelRequest) -> list[str]:
    """The turns that the speaker was shown."""
    text = request.messages[-1]["content"]
    _, _, after = text.partition("The discussion so far:\n\n")
    return [line for line in after.split("\n\n") if line.partition(":")[0] in NAMES]


async def evidence(bench: Bench, record: Execution) -> dict[str, Any]:
    return next(event.data for event in await bench.log(record.id) if event.type == "chat.ended")


async def test_round_robin_until_the_turns_are_up(bench: Bench) -> None:
    record = await bench.run(chat({"turns": 5}), "it")
    assert [speaker_of(request) for request in bench.model.asked] == ["ann", "bob", "cat", "ann", "bob"]
    assert record.output == "answer 5"
    assert (record.stop_reason, record.turns) == (StopReason.TURNS, 5)
    assert (await evidence(bench, record))["evidence"] == "All 5 turns are up."
    assert "Settle it." in bench.model.asked[0].messages[-1]["content"]


async def test_everyone_sees_every_turn_of_the_view_and_no_older_one(bench: Bench) -> None:
    await bench.run(chat({"turns": 6}, view={"last": 3}), "it")
    assert said_in(bench.model.asked[0]) == []
    assert said_in(bench.model.asked[2]) == ["ann: answer 1", "bob: answer 2"]
    assert said_in(bench.model.asked[5]) == ["cat: answer 3", "ann: answer 4", "bob: answer 5"]


async def test_a_long_chat_keeps_its_view_across_generations_and_its_history_short(bench: Bench) -> None:
    record = await bench.run(chat(until={"any": [{"turns": 70}]}, view={"last": 4}), "it")
    assert record.turns == 70
    for number, request in enumerate(bench.model.asked[4:], start=4):
        assert [said.partition(": ")[2] for said in said_in(request)] == [
            f"answer {n}" for n in range(number - 3, number + 1)
        ]
    chats = await bench.engine.get_status(f"{record.id}.panel", show_history=True)
    assert chats is not None
    assert len(chats.history or ()) <= 25 * 8
    turns = [event.data["turn"] for event in await bench.log(record.id) if event.type == "call.completed"]
    assert turns == list(range(1, 71))


async def test_the_entity_holds_the_shared_transcript(bench: Bench) -> None:
    record = await bench.run(chat({"turns": 4}), "it")
    state = json.loads(await bench.engine.read_entity("chat", entity_key(record.id, "panel")) or "null")
    assert state["turns"] == 4
    assert [(said["turn"], said["speaker"], said["text"]) for said in state["window"]] == [
        (1, "ann", "answer 1"), (2, "bob", "answer 2"), (3, "cat", "answer 3"), (4, "ann", "answer 4"),
    ]  # fmt: skip


async def test_words_end_it_once_everyone_has_spoken(bench: Bench) -> None:
    bench.model._script = lambda request: "we are AGREED now"
    record = await bench.run(chat({"says": "AGREED"}), "it")
    assert (record.stop_reason, record.turns) == (StopReason.SAID, 3)
    assert "cat said 'AGREED' in turn 3" in (await evidence(bench, record))["evidence"]


async def test_a_condition_over_the_chat_ends_it(bench: Bench) -> None:
    record = await bench.run(chat({"holds": "chat.turns >= 4 && chat.last.contains('answer')"}), "it")
    assert (record.stop_reason, record.turns) == (StopReason.CONDITION, 4)


def chaired(choices: Any) -> Any:
    """Participants answer `<name> speaks`; the chair answers what `choices(request, number of its calls)` gives."""
    calls = iter(range(1, 1000))

    def script(request: ModelRequest) -> Any:
        return choices(request, next(calls)) if speaker_of(request) == "chair" else f"{speaker_of(request)} speaks"

    return script


async def test_the_chair_chooses_and_its_reason_is_recorded(bench: Bench) -> None:
    order = ["cat", "ann", "cat"]
    bench.model._script = chaired(lambda request, n: {"next": order[n - 1], "reason": f"because {n}"})
    record = await bench.run(chat({"turns": 3}, speaker={"agent": "chair"}), "it")
    chosen = [event for event in await bench.log(record.id) if event.type == "chat.speaker_chosen"]
    assert [(event.agent, event.data["by"], event.data["reason"]) for event in chosen] == [
        ("cat", "chair", "because 1"), ("ann", "chair", "because 2"), ("cat", "chair", "because 3"),
    ]  # fmt: skip
    assert (record.turns, record.usage.model_calls) == (3, 6)  # a chair's choices are calls, not turns


async def test_nobody_may_be_chosen_twice_in_a_row(bench: Bench) -> None:
    asked: list[list[str]] = []

    def choose(request: ModelRequest, n: int) -> dict[str, Any]:
        schema = request.response_schema or {}
        asked.append(schema["properties"]["next"]["enum"])
        return {"next": asked[-1][0], "reason": "r"}

    bench.model._script = chaired(choose)
    await bench.run(chat({"turns": 3}, speaker={"agent": "chair"}), "it")
    assert asked == [["ann", "bob", "cat"], ["bob", "cat"], ["ann", "cat"]]


async def test_the_chair_ends_it_when_they_agree_but_not_before_everyone_spoke(bench: Bench) -> None:
    def choose(request: ModelRequest, n: int) -> dict[str, Any]:
        schema = request.response_schema or {}
        choice = {"next": schema["properties"]["next"]["enum"][0], "reason": "all want keys"}
        return {**choice, "agreed": True} if "agreed" in schema["properties"] else choice

    bench.model._script = chaired(choose)
    record = await bench.run(chat({"agreed": True}, speaker={"agent": "chair"}), "it")
    assert (record.status, record.stop_reason, record.turns) == (Status.COMPLETED, StopReason.AGREED, 3)
    assert (await evidence(bench, record))["evidence"] == "chair: all want keys"


async def test_a_chair_that_answers_garbage_is_replaced_for_the_turn_and_it_says_so(bench: Bench) -> None:
    bench.model._script = chaired(lambda request, n: bad_answer() if n <= 4 else {"next": "cat", "reason": "r"})
    record = await bench.run(chat({"turns": 2}, speaker={"agent": "chair"}), "it")
    chosen = [event for event in await bench.log(record.id) if event.type == "chat.speaker_chosen"]
    assert [(event.agent, event.data["by"]) for event in chosen] == [("ann", "fallback"), ("cat", "chair")]
    assert "Not JSON." in chosen[0].data["reason"]
    assert record.status is Status.COMPLETED


@pytest.mark.parametrize("who", ["chair", "bob"])
async def test_a_model_that_stays_down_fails_the_chat_with_its_reason(bench: Bench, who: str) -> None:
    bench.model._script = lambda request: (
        unreachable() if speaker_of(request) == who
        else {"next": "bob", "reason": "r"} if request.response_schema else "words"
    )  # fmt: skip
    definition = chat({"turns": 3}, speaker={"agent": "chair"})
    definition["steps"][0]["retry"] = {"attempts": 2, "first_delay": "PT0.01S"}
    record = await bench.run(definition, "it")
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.code is Code.MODEL_UNREACHABLE
    assert (await evidence(bench, record))["stop_reason"] == "failed"


async def test_later_steps_see_why_it_stopped(bench: Bench) -> None:
    definition = chat({"turns": 2})
    definition["steps"].append(
        {"id": "after", "agent": "x", "input": "${steps.panel.stop_reason}: ${steps.panel.output}"}
    )
    await bench.run(definition, "it")
    assert bench.model.asked[-1].messages[-1]["content"] == "turns: answer 2"
