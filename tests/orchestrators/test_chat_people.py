"""People in a group chat, over the real engine: asked for words of their own, waited for, and heard by the others."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from domain.approvals import Kind, State
from domain.chats import entity_key
from domain.errors import Code
from domain.executions import Status, StopReason
from tests.orchestrators.bench import TENANT
from tests.orchestrators.chatting import asked_of, by_agent, chat, chosen, discussion, ended, events
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import unreachable

PANEL = "panel"
JO = {"human": "jo", "roles": ["author"]}


@pytest.fixture(autouse=True)
def _agents_say_who_they_are(desk: Desk) -> None:
    desk.bench.model._script = by_agent()


def with_jo(*stops: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return chat(*stops, **{"participants": ["ann", {**JO, **fields.pop("jo", {})}, "bob"], **fields})


async def talk(desk: Desk, definition: dict[str, Any], *said: tuple[str, str], retry_of: str | None = None) -> str:
    """The execution, once the human has taken so many turns: `say` with words, or `pass`."""
    id = await desk.bench.begin(definition, "it", retry_of=retry_of)
    for number, (decision, words) in enumerate(said, start=1):
        await desk.until_logged(id, "approval.requested", number)
        [question] = await desk.bench.services.approvals.pending_of(TENANT, id)
        await desk.decide(question, decision, comment=words)
    return id


async def test_a_human_is_asked_and_heard(desk: Desk) -> None:
    id = await desk.bench.begin(with_jo({"turns": 4}), "it")
    question = await desk.question(id)
    assert (question.kind, question.options, question.roles) == (Kind.TURN, ("say", "pass"), ("author",))
    assert question.ask == "It is your turn to speak, jo: say something, or pass."
    assert question.show.split("\n\n") == [
        "Settle it.",
        "Participants: ann, jo (a person), bob.",
        "The discussion so far:",
        "ann: ann says 1",
    ]
    await desk.decide(question, "say", comment="  The key, please.\n")
    record = await desk.bench.ended(id)
    assert discussion(asked_of(desk.bench, "bob")[0]) == ["ann: ann says 1", "jo: The key, please."]
    assert await chosen(desk.bench, id) == [(name, "round_robin") for name in ["ann", "jo", "bob", "ann"]]
    [decided] = await events(desk.bench, id, "approval.decided")
    assert (decided.step, decided.data["speaker"], decided.data["turn"], decided.data["by"]) == (
        "panel/turn[2]", "jo", 2, "ann",
    )  # fmt: skip
    assert decided.value["comment"] == "  The key, please.\n"
    assert (await ended(desk.bench, id))["turns"] == 4
    assert (record.turns, record.usage.model_calls) == (3, 3)  # those of agents
    state = json.loads(await desk.bench.engine.read_entity("chat", entity_key(id, PANEL)) or "null")
    assert [(entry["speaker"], entry["text"]) for entry in state["window"]][1] == ("jo", "The key, please.")


async def test_the_last_words_of_a_human_are_the_output(desk: Desk) -> None:
    id = await talk(desk, with_jo({"turns": 2}), ("say", "The key."))
    assert (await desk.bench.ended(id)).output == "The key."


@pytest.mark.parametrize(("decision", "words"), [("pass", ""), ("pass", "not now"), ("say", " ")])
async def test_a_pass_is_a_turn_that_says_nothing(desk: Desk, decision: str, words: str) -> None:
    id = await talk(desk, with_jo({"turns": 3}), (decision, words))
    await desk.bench.ended(id)
    assert discussion(asked_of(desk.bench, "bob")[0]) == ["ann: ann says 1", "jo: (passes)"]
    id = await talk(desk, with_jo({"turns": 2}), (decision, words))
    assert (await desk.bench.ended(id)).output == "ann says 2"  # the latest turn that has words


async def test_what_a_human_says_counts_for_the_conditions(desk: Desk) -> None:
    id = await talk(desk, with_jo({"says": "AGREED"}, min_turns=0), ("say", "AGREED, then"))
    record = await desk.bench.ended(id)
    assert record.stop_reason is StopReason.SAID
    assert "jo said 'AGREED' in turn 2." in (await ended(desk.bench, id))["evidence"]
    heard = {"holds": "chat.speaker == 'jo' && chat.last == 'enough'"}
    id = await talk(desk, with_jo(heard, min_turns=0), ("say", "enough"))
    assert (await desk.bench.ended(id)).stop_reason is StopReason.CONDITION
    desk.bench.model._script = by_agent(ann="as before", bob="as before")
    id = await talk(desk, with_jo({"no_progress": 3}), ("pass", ""))
    await desk.bench.ended(id)
    told = "turn 2 has no words, turn 3 repeats turn 1, turn 4 repeats turn 3"
    assert told in (await ended(desk.bench, id))["evidence"]


async def test_long_words_travel_by_reference(desk: Desk) -> None:
    words = "long " * 1000 + "END"
    speaker = {"expression": "chat.last.endsWith('END') ? 'bob' : chat.turns == 0 ? 'jo' : 'ann'"}
    id = await talk(desk, with_jo({"turns": 2}, speaker=speaker), ("say", words))
    await desk.bench.ended(id)
    assert await chosen(desk.bench, id) == [("jo", "expression"), ("bob", "expression")]
    assert discussion(asked_of(desk.bench, "bob")[0]) == [f"jo: {words}"]
    id = await talk(desk, with_jo({"turns": 1}, speaker=speaker), ("say", words))
    assert (await desk.bench.ended(id)).output == words


async def test_a_chair_may_choose_a_human_and_a_human_may_name_who_answers(desk: Desk) -> None:
    desk.bench.model._script = by_agent(chair=lambda n: {"next": ["jo", "bob", "ann"][n - 1], "reason": "r"})
    views = {"bob": {"last": 2, "only": "addressed"}}
    definition = with_jo({"turns": 3}, speaker={"agent": "chair"}, views=views, jo={"description": "the head"})
    id = await talk(desk, definition, ("say", "Bob?"))
    await desk.bench.ended(id)
    assert discussion(asked_of(desk.bench, "bob")[0]) == ["jo: Bob?"]
    assert "jo (a person: the head)" in asked_of(desk.bench, "chair")[0]


async def test_a_deadline_passes_for_the_human(desk: Desk) -> None:
    id = await desk.bench.begin(with_jo({"turns": 3}, jo={"deadline": "PT1H"}), "it")
    question = await desk.question(id)
    await desk.passes(id, timedelta(hours=1), instance=f"{id}.{PANEL}")
    assert (await desk.bench.ended(id)).output == "bob says 1"
    assert discussion(asked_of(desk.bench, "bob")[0])[-1] == "jo: (passes)"
    settled = await desk.bench.services.approvals.get(TENANT, question.id)
    assert settled is not None
    assert settled.state is State.EXPIRED


async def test_or_fails_the_chat(desk: Desk) -> None:
    id = await desk.bench.begin(with_jo(jo={"deadline": "PT1H", "otherwise": "fail"}), "it")
    await desk.question(id)
    await desk.passes(id, timedelta(hours=1), instance=f"{id}.{PANEL}")
    record = await desk.bench.ended(id)
    assert record.error is not None
    assert record.error.code is Code.NOBODY_ANSWERED
    assert "jo said nothing at `panel/turn[2]` within 1:00:00" in record.error.message
    assert (await ended(desk.bench, id))["stop_reason"] == "failed"


async def test_others_are_asked_after_a_while(desk: Desk) -> None:
    escalate = {"after": "PT1H", "roles": ["operator"]}
    id = await desk.bench.begin(with_jo({"turns": 2}, jo={"escalate": escalate}), "it")
    await desk.question(id)
    await desk.passes(id, timedelta(hours=1), instance=f"{id}.{PANEL}")
    await desk.until_logged(id, "approval.escalated")
    [question] = await desk.bench.services.approvals.pending_of(TENANT, id)
    assert question.roles == ("author", "operator")
    await desk.decide(question, "say", comment="I stand in.")
    assert (await desk.bench.ended(id)).output == "I stand in."


async def test_a_retry_asks_nobody_again(desk: Desk) -> None:
    last = {"id": "last", "agent": "z", "retry": {"attempts": 1}, "input": "${steps.panel.output}"}
    definition = {"steps": [*with_jo({"turns": 4})["steps"], last]}
    desk.bench.model._script = by_agent(z=unreachable())
    failed = await talk(desk, definition, ("say", "The key."))
    assert (await desk.bench.ended(failed)).status is Status.FAILED
    desk.bench.model._script = by_agent(z="done")
    record = await desk.bench.ended(await desk.bench.begin(definition, "it", retry_of=failed))
    assert (record.status, record.output, record.usage.model_calls) == (Status.COMPLETED, "done", 1)


async def test_a_canceled_chat_waits_for_nobody(desk: Desk) -> None:
    id = await desk.bench.begin(with_jo(), "it")
    question = await desk.question(id)
    await desk.cancel(id)
    assert (await desk.bench.ended(id)).status is Status.CANCELED
    assert (await ended(desk.bench, id))["stop_reason"] == "canceled"
    settled = await desk.bench.services.approvals.get(TENANT, question.id)
    assert settled is not None
    assert settled.state is State.WITHDRAWN


async def test_only_the_latest_turns_of_a_long_chat_are_shown_to_a_human(desk: Desk) -> None:
    desk.bench.model._script = lambda request: f"{len(desk.bench.model.asked)} " + "words " * 500
    speaker = {"expression": "chat.turns == 12 ? 'jo' : chat.speaker == 'ann' ? 'bob' : 'ann'"}
    id = await talk(desk, with_jo({"turns": 13}, until={"any": [{"turns": 13}]}, speaker=speaker))
    question = await desk.question(id)
    assert len(question.show) <= 20_000
    assert "(Turns 1-" in question.show
    assert "bob: 12 words" in question.show
    await desk.decide(question, "pass")
    await desk.bench.ended(id)


async def test_a_view_of_a_human_has_its_own_length(desk: Desk) -> None:
    speaker = {"expression": "chat.turns == 3 ? 'jo' : chat.speaker == 'ann' ? 'bob' : 'ann'"}
    id = await talk(desk, with_jo({"turns": 4}, speaker=speaker, views={"jo": {"last": 1}}))
    question = await desk.question(id)
    assert question.show.split("\n\n")[-2:] == ["(Turns 1-2 are not shown.)", "ann: ann says 2"]
    await desk.decide(question, "pass")
    await desk.bench.ended(id)


async def test_words_beside_an_approval_may_be_as_long_as_they_like(desk: Desk) -> None:
    words = "because " * 1000
    after = {"id": "a", "agent": "x", "input": "${steps.ok.output.comment}"}
    steps = [{"id": "ok", "approval": {"ask": "Fine?"}}, after]
    id = await desk.bench.begin({"steps": steps})
    await desk.decide(await desk.question(id), "approve", comment=words)
    assert (await desk.bench.ended(id)).status is Status.COMPLETED
    assert asked_of(desk.bench, "x") == [words]
