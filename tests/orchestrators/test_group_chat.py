"""The group chat: speakers, views, stop conditions, generations, and what the chair may do."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, cast

import pytest

from domain.chat_rules import GroupChat
from domain.chats import ChatState, by_chance, entity_key
from domain.errors import Code
from domain.executions import Status, StopReason
from domain.hearing import heard
from orchestrators.chats.talk import Talk
from orchestrators.run import Run
from services.models.base import ModelRequest
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.chatting import by_agent, chat, chosen, counted, ended, events, said_in, speaker_of
from tests.support.scripted_model import bad_answer, rejected, unreachable


async def test_round_robin_until_the_turns_are_up(bench: Bench) -> None:
    record = await bench.run(chat({"turns": 5}), "it")
    assert [speaker_of(request) for request in bench.model.asked] == ["ann", "bob", "cat", "ann", "bob"]
    assert record.output == "answer 5"
    assert (record.stop_reason, record.turns) == (StopReason.TURNS, 5)
    assert (await ended(bench, record.id))["evidence"] == "All 5 turns are up."
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
    assert "cat said 'AGREED' in turn 3" in (await ended(bench, record.id))["evidence"]


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
    told = await events(bench, record.id, "chat.speaker_chosen")
    assert [(event.agent, event.data["by"], event.data["reason"]) for event in told] == [
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
    assert (await ended(bench, record.id))["evidence"] == "chair: all want keys"


async def test_a_chair_that_answers_garbage_is_replaced_for_the_turn_and_it_says_so(bench: Bench) -> None:
    bench.model._script = chaired(lambda request, n: bad_answer() if n <= 4 else {"next": "cat", "reason": "r"})
    record = await bench.run(chat({"turns": 2}, speaker={"agent": "chair"}), "it")
    assert await chosen(bench, record.id) == [("ann", "fallback"), ("cat", "chair")]
    [first, _] = await events(bench, record.id, "chat.speaker_chosen")
    assert "Not JSON." in first.data["reason"]
    assert record.status is Status.COMPLETED


async def test_a_chair_is_told_once_what_was_wrong_and_may_mend_it(bench: Bench) -> None:
    answers = iter([rejected("dan, I think"), {"next": "cat", "reason": "r"}])
    bench.model._script = by_agent(chair=lambda _: next(answers))
    record = await bench.run(chat({"turns": 1}, speaker={"agent": "chair"}), "it")
    assert await chosen(bench, record.id) == [("cat", "chair")]
    assert "dan, I think" in str(bench.model.asked[1].messages)


async def test_chance_chooses_as_its_seed_says_and_never_the_same_twice(bench: Bench) -> None:
    definition = chat({"turns": 9}, speaker={"random": {"seed": 4}})
    record = await bench.run(definition, "it")
    order = [name for name, _ in await chosen(bench, record.id)]
    assert all(first != second for first, second in pairwise(order))
    assert await chosen(bench, (await bench.run(definition, "it")).id) == [(name, "random") for name in order]
    rules = GroupChat.model_validate(definition["steps"][0]["group_chat"])
    state, expected = ChatState(), []
    for _ in range(9):
        expected.append(by_chance(rules, state, "panel", 4))
        state = state.after(rules, expected[-1], "e", heard("words"))
    assert order == expected


async def test_an_expression_chooses_by_what_was_said(bench: Bench) -> None:
    bench.model._script = by_agent(ann="bob?", bob="no, cat", cat="ann, then")
    expression = (
        "chat.turns == 0 ? chat.participants[2] : chat.last.contains('cat') ? 'cat' : "
        "chat.speaker == 'cat' ? 'ann' : 'bob'"
    )
    record = await bench.run(chat({"turns": 5}, speaker={"expression": expression}), "it")
    assert await chosen(bench, record.id) == [(name, "expression") for name in ["cat", "ann", "bob", "cat", "ann"]]


async def test_an_expression_sees_words_too_long_to_travel(bench: Bench) -> None:
    bench.model._script = by_agent(ann="long " * 1000 + "bob", bob="long " * 1000)
    speaker = {"expression": "chat.last.endsWith('bob') ? 'bob' : 'ann'"}
    definition = chat(until={"any": [{"turns": 60}]}, speaker=speaker)  # three generations
    record = await bench.run(definition, "it")
    assert await chosen(bench, record.id) == [("ann", "expression"), ("bob", "expression")] * 30


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("'dan'", "gives 'dan', which is no participant's name"),
        ("chat.turns", "gives 0, which is no participant's name"),
        ("chat.participants", "which is no participant's name"),
        ("input.nobody", "`input.nobody` failed"),
    ],
)
async def test_an_expression_that_names_nobody_falls_back_and_says_why(bench: Bench, expression: str, why: str) -> None:
    record = await bench.run(chat({"turns": 2}, speaker={"expression": expression}), {})
    assert await chosen(bench, record.id) == [("ann", "fallback"), ("bob", "fallback")]
    [first, _] = await events(bench, record.id, "chat.speaker_chosen")
    assert why in first.data["reason"]
    assert record.status is Status.COMPLETED


async def test_a_version_may_be_left_out_where_it_is_clear_who_is_meant(bench: Bench) -> None:
    definition = chat({"turns": 2}, participants=["ann@3", "bob"], speaker={"expression": "'ann'"})
    record = await bench.run(definition, "it")
    assert await chosen(bench, record.id) == [("ann@3", "expression")] * 2


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
    assert (await ended(bench, record.id))["stop_reason"] == "failed"


async def test_later_steps_see_why_it_stopped(bench: Bench) -> None:
    definition = chat({"turns": 2})
    definition["steps"].append(
        {"id": "after", "agent": "x", "input": "${steps.panel.stop_reason}: ${steps.panel.output}"}
    )
    await bench.run(definition, "it")
    assert bench.model.asked[-1].messages[-1]["content"] == "turns: answer 2"


async def test_the_step_tells_why_its_chat_stopped(bench: Bench) -> None:
    record = await bench.run(chat({"turns": 2}), "it")
    [completed] = [event for event in await events(bench, record.id, "step.completed") if event.step == "panel"]
    assert (completed.data["stop_reason"], completed.data["evidence"]) == ("turns", "All 2 turns are up.")


async def test_a_chat_that_is_over_before_anyone_spoke_has_no_output(bench: Bench) -> None:
    bench.model._script = by_agent(chair={"next": "ann", "reason": "nothing to settle", "agreed": True})
    record = await bench.run(chat({"agreed": True}, speaker={"agent": "chair"}, min_turns=0), "it")
    assert (record.status, record.stop_reason, record.output) == (Status.COMPLETED, StopReason.AGREED, None)


async def test_a_chat_of_release_0_1_0_goes_on_as_it_began(bench: Bench) -> None:
    """Its payload has neither `begun` nor rules; a generation of it has 25 turns, however much these do."""
    definition = chat(speaker={"agent": "chair"}, until={"any": [{"agreed": True}, {"turns": 60}]})
    definition["steps"][0]["when"] = "false"
    id = (await bench.run(definition, "it")).id  # for its plan and its log
    bench.model._script = by_agent(
        chair=lambda n: {"next": ["ann", "bob"][n % 2], "reason": "r", **({"agreed": n == 51} if n > 3 else {})}
    )
    generations = counted(bench)
    record = await bench.services.executions.get(TENANT, id)
    assert record is not None
    payload = {
        "tenant": TENANT, "execution": id, "plan": record.plan, "events": [], "step": definition["steps"][0],
        "path": "panel", "scope": {"input": {"v": "it"}, "steps": {"o": {}}}, "state": {},
    }  # fmt: skip
    instance = await bench.engine.start_instance("group_chat", f"{id}.panel", json.dumps(json.dumps(payload)))
    output = json.loads((await bench.instance_ended(instance)).output or "null")
    assert [generation.actions for generation in generations] == [75, 75, 1]
    assert output["result"]["stop_reason"] == "agreed"
    assert output["result"]["value"] == {"r": "panel/turn[50]#0:call.completed", "p": []}


def test_what_release_0_1_0_handed_on_is_read() -> None:
    window = [{"turn": 25, "speaker": "ann", "event": "panel/turn[25]#0:call.completed"}]
    payload = {
        "step": chat()["steps"][0], "path": "panel", "scope": {"steps": {"o": {}}},
        "state": {"turns": 25, "window": window},
    }  # fmt: skip
    talk = Talk(cast(Run, None), payload)
    assert talk.begun is None
    assert talk.state.answer == talk.state.window[-1]
