"""Thirty turns of two group chats, through eight kills of the host at random moments; tests/long has two hundred."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from domain.events import Event, EventType
from meta_agents import Client
from meta_agents.results import Chat, Execution
from tests.crash.killing import kill_at_random_moments, logs_on_disk
from tests.crash.system import System
from tests.crash.truth import Ordeal

KILLS = 8
TURNS = 30
TALKERS = ["optimist", "skeptic", "editor"]
CHATS = ["round_robin", "chair"]
KILLED_WITHIN = 52
"""Answered calls over which the kills are spread. The last one leaves some of each chat: the one that has thirty is at
most as fast as the other."""
MOST_MS = 150
SEED = 20
SLOW = "[[stub:slow]]"
"""In the chat that has half as many calls, so that both take about as long."""
SLOW_SECONDS = 0.14


def definition(task: str, speaker: object) -> dict[str, Any]:
    chat = {"participants": TALKERS, "task": task, "speaker": speaker, "until": {"any": [{"turns": TURNS}]}}
    return {"name": "debate", "steps": [{"id": "debate", "group_chat": chat}]}


@dataclass(frozen=True)
class Killed:
    """A chat that went through the kills, what is to be seen of it, and the log of the same chat left in peace."""

    ordeal: Ordeal
    record: Execution
    chat: Chat
    peaceful: list[Event]


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Killed]]:
    """Both chats, killed together."""
    with System(tmp_path_factory.mktemp("chats")) as system:
        yield killed_chats(system)


def killed_chats(system: System) -> dict[str, Killed]:
    system.agents(*TALKERS, "chair")
    client = system.client
    system.stub.control(delay=SLOW_SECONDS)
    ids = start_both(client)
    chance = random.Random(SEED)
    moments = chance.sample(range(KILLED_WITHIN), KILLS)
    kills = kill_at_random_moments(system, list(ids.values()), moments, chance, MOST_MS, under_way=len(ids))
    records = {name: system.ended(id) for name, id in ids.items()}
    stub = system.stub.log()
    peaceful = start_both(client)
    for id in peaceful.values():
        system.ended(id)
    chats = {name: client.executions.chat(id, "debate") for name, id in ids.items()}
    system.host.kill()
    logs = logs_on_disk(system.host.state_dir, [*ids.values(), *peaceful.values()])
    return {
        name: Killed(Ordeal(id, logs[id], kills, stub), records[name], chats[name], logs[peaceful[name]])
        for name, id in ids.items()
    }


def start_both(client: Client) -> dict[str, str]:
    definitions = {
        "round_robin": definition(f"{SLOW} Agree.", "round_robin"),
        "chair": definition("Agree.", {"agent": "chair"}),
    }
    return {name: client.executions.start(definitions[name]).id for name in CHATS}


@pytest.fixture(params=CHATS)
def killed(request: pytest.FixtureRequest, chats: dict[str, Killed]) -> Killed:
    return chats[request.param]


@pytest.fixture
def ordeal(killed: Killed) -> Ordeal:
    return killed.ordeal


def turns_in(log: list[Event]) -> list[Event]:
    return [event for event in log if event.type is EventType.CALL_COMPLETED and event.data.get("role") != "chair"]


def test_the_kills_fell_within_calls_and_all_over_the_chat(ordeal: Ordeal) -> None:
    print(ordeal.summary())
    print("turns at the kills:", [len(turns_in(kill.logs[ordeal.execution])) for kill in ordeal.kills])
    assert len(ordeal.kills) == KILLS
    assert any(ordeal.cut_off())
    assert len(ordeal.kills[-1].logs[ordeal.execution]) < len(ordeal.log)


def test_every_turn_is_there_once_and_in_order(killed: Killed) -> None:
    assert [turn.data["turn"] for turn in turns_in(killed.ordeal.log)] == list(range(1, TURNS + 1))
    killed.ordeal.require_whole_log()


def test_nothing_that_was_logged_is_lost(ordeal: Ordeal) -> None:
    ordeal.require_nothing_lost()


def test_no_finished_call_is_made_again(ordeal: Ordeal) -> None:
    ordeal.require_no_finished_call_made_again()
    ordeal.require_one_answer_each()


def test_a_kill_interrupts_at_most_the_call_in_flight_which_is_asked_again_under_the_same_key(ordeal: Ordeal) -> None:
    assert max(map(len, ordeal.open_at_kills())) <= 1
    ordeal.require_each_attempt_accounted_for()
    ordeal.require_one_request_an_attempt()
    assert sum(ordeal.answered_again().values()) - len(ordeal.answered_again()) <= sum(
        map(bool, ordeal.open_at_kills())
    )


def test_the_result_is_that_of_a_chat_left_in_peace(killed: Killed) -> None:
    spoken = [(turn.agent, turn.value) for turn in turns_in(killed.ordeal.log)]
    assert spoken == [(turn.agent, turn.value) for turn in turns_in(killed.peaceful)]
    assert killed.record.status == "completed"
    assert killed.record.stop_reason == "turns"
    assert killed.record.output == spoken[-1][1]


def test_each_turn_is_that_of_the_speaker_chosen(killed: Killed) -> None:
    chosen = [event.agent for event in killed.ordeal.log if event.type is EventType.SPEAKER_CHOSEN]
    assert chosen == [turn.agent for turn in turns_in(killed.ordeal.log)]


def test_the_bill_counts_each_call_once(killed: Killed) -> None:
    assert killed.record.usage.model_calls == len(killed.ordeal.calls())
    assert killed.record.turns == TURNS


def test_the_chat_entity_has_every_turn_once_and_in_order(killed: Killed) -> None:
    spoken = [(turn.data["turn"], turn.agent, turn.value) for turn in turns_in(killed.ordeal.log)]
    assert killed.chat.turns == TURNS
    assert [(turn.turn, turn.speaker, turn.text) for turn in killed.chat.window] == spoken


def test_a_round_robin_goes_round(chats: dict[str, Killed]) -> None:
    spoken = [turn.agent for turn in turns_in(chats["round_robin"].ordeal.log)]
    assert spoken == TALKERS * (TURNS // len(TALKERS))
