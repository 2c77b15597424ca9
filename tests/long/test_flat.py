"""A turn costs the same however long the chat: what the durable platform keeps of it does not grow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import mean

import httpx
import pytest

from domain.chats import WINDOW
from meta_agents.results import Chat, Event
from orchestrators.group_chat import TURNS_PER_GENERATION
from tests.crash.system import System, wait_until

TURNS = 400
SAMPLE = 10
"""Look at the chat's instance every so many turns."""
EVENTS_PER_TURN = 4
BYTES_OF_INPUT = 4_096
BYTES_OF_PLATFORM = 1_000_000
BYTES_PER_TURN = 512
"""Of the entity's state."""
TALKERS = ["optimist", "skeptic", "editor"]
CHAT = {"participants": TALKERS, "task": "Talk.", "until": {"any": [{"turns": TURNS}]}}
WORKFLOW = {"name": "talk", "steps": [{"id": "talk", "group_chat": CHAT}]}


@dataclass
class Seen:
    """The chat's orchestration at one moment: turns so far, events in its history, bytes of its input.

    `files`: bytes of each database, without its write-ahead log, which is of bounded size and emptied now and then.
    """

    turns: int
    history: int
    input: int
    files: dict[str, int]


@dataclass
class Talk:
    """A long chat: what was seen on the way, its turns and the entity at the end."""

    samples: list[Seen] = field(default_factory=list)
    turns: list[Event] = field(default_factory=list)
    chat: Chat = field(default_factory=lambda: Chat(turns=0))

    def per_turn(self, first: int, last: int) -> float:
        """Milliseconds from one turn's end to the next, on average."""
        times: list[datetime] = [turn.time for turn in self.turns[first - 1 : last]]
        return mean((after - before).total_seconds() * 1000 for before, after in pairwise(times))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with System(tmp_path_factory.mktemp("flat"), latency=0) as system:
        system.agents(*TALKERS)
        execution = system.client.executions.start(WORKFLOW).id
        talk = Talk()
        for turns in range(SAMPLE, TURNS, SAMPLE):
            wait_for_turns(system, turns)
            talk.samples.append(seen(system, execution))
        system.ended(execution)
        events = [event for event in system.client.executions.follow(execution) if isinstance(event, Event)]
        talk.turns = [event for event in events if event.type == "call.completed"]
        talk.chat = system.client.executions.chat(execution, "talk")
        yield talk


def wait_for_turns(system: System, turns: int) -> None:
    wait_until(lambda: turns_so_far(system) >= turns, f"turn {turns}", every=0.02)


def turns_so_far(system: System) -> int:
    return len(system.stub.log("sent"))


def seen(system: System, execution: str) -> Seen:
    url = f"{system.host.address}/runtime/webhooks/durabletask/instances/{execution}.talk"
    status = httpx.get(url, params={"showHistory": "true"}, timeout=30, trust_env=False).json()
    files = {file.name: file.stat().st_size for file in system.host.state_dir.glob("*.db")}
    return Seen(turns_so_far(system), len(status["historyEvents"]), len(json.dumps(status["input"])), files)


def test_the_history_of_a_chat_is_as_long_as_a_generation_at_most(talk: Talk) -> None:
    print(f"events in the history: {[seen.history for seen in talk.samples]}")
    assert max(seen.history for seen in talk.samples) <= EVENTS_PER_TURN * TURNS_PER_GENERATION


def test_what_a_generation_is_handed_does_not_grow(talk: Talk) -> None:
    late = [seen.input for seen in talk.samples[len(talk.samples) // 2 :]]
    print(f"bytes of input: {talk.samples[0].input} at first, {max(late)} at most in the second half")
    assert max(late) <= BYTES_OF_INPUT


def test_what_the_platform_keeps_does_not_grow(talk: Talk) -> None:
    assert talk.samples[-1].files["devhost.db"] <= BYTES_OF_PLATFORM


def test_the_entity_keeps_a_window(talk: Talk) -> None:
    assert talk.chat.turns == TURNS
    assert [turn.turn for turn in talk.chat.window] == list(range(TURNS - WINDOW + 1, TURNS + 1))
    assert len(json.dumps(talk.chat.as_sent())) <= BYTES_PER_TURN * WINDOW


def test_what_a_turn_costs(talk: Talk) -> None:
    """Printed, and not asserted: the machine has other things to do."""
    first, last = talk.samples[4], talk.samples[-1]
    print(f"ms a turn: {talk.per_turn(2, 50):.1f} in turns 2-50, {talk.per_turn(351, 400):.1f} in turns 351-400")
    for name in first.files:
        grown = (last.files[name] - first.files[name]) / (last.turns - first.turns)
        print(f"bytes a turn in {name}: {grown:.0f}, from turn {first.turns} to {last.turns}")
    assert [turn.data["turn"] for turn in talk.turns] == list(range(1, TURNS + 1))
