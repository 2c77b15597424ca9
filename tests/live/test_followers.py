"""Every way to follow an execution gives each event once and in order, although the host is killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.crash.system import System, wait_until
from tests.live.readers import BareStream, ClientLibrary, Reader, StockSignalR

KINDS: tuple[type[Reader], ...] = (BareStream, ClientLibrary, StockSignalR)
TALKERS = ["optimist", "skeptic"]
PACE = 0.01
LEAST_TURNS = 12
CHAT = {
    "participants": TALKERS,
    "task": "Talk until told otherwise.",
    "until": {"any": [{"says": "DONE"}, {"turns": 500}]},
}
WORKFLOW = {"name": "talk", "steps": [{"id": "talk", "group_chat": CHAT}]}


@dataclass(frozen=True)
class Followed:
    """An execution through the death of its host: its log, who followed it, and where the log was when it died."""

    log: list[dict[str, Any]]
    readers: dict[type[Reader], Reader]
    at_death: int


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    with System(tmp_path_factory.mktemp("live")) as system, ExitStack() as stack:
        system.agents(*TALKERS)
        system.stub.control(pace=PACE)
        client = system.client
        execution = client.executions.start(WORKFLOW).id
        readers = {kind: stack.enter_context(kind(system.host.address, execution)) for kind in KINDS}
        wait_until(lambda: all_live(readers, connections=1), "something live for every reader")
        at_death = client.executions.events(execution).next
        system.host.kill()
        system.host.start()
        wait_until(lambda: all_live(readers, connections=2), "something live for every reader after the restart")
        wait_until(lambda: client.executions.chat(execution, "talk").turns >= LEAST_TURNS, f"{LEAST_TURNS} turns")
        system.stub.control(pace=PACE, answers=["DONE"])
        for reader in readers.values():
            reader.wait_for_end()
        log = [event.as_sent() for event in client.executions.events(execution, limit=1000).events]
        yield Followed(log, readers, at_death)


def all_live(readers: dict[type[Reader], Reader], connections: int) -> bool:
    return all(reader.connections >= connections and reader.watches_live for reader in readers.values())


def test_the_execution_came_to_its_end(followed: Followed) -> None:
    assert [event["offset"] for event in followed.log] == list(range(1, len(followed.log) + 1))
    assert followed.log[-1]["type"] == "execution.completed"
    assert followed.at_death < len(followed.log)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_has_every_event_once_and_in_order(followed: Followed, kind: type[Reader]) -> None:
    events = followed.readers[kind].events
    assert [event["offset"] for event in events] == [event["offset"] for event in followed.log]
    assert events == followed.log


def test_signalr_pushed_events_before_and_after_the_restart(followed: Followed) -> None:
    reader = followed.readers[StockSignalR]
    assert isinstance(reader, StockSignalR)
    assert min(reader.pushed[1]) <= followed.at_death
    assert max(reader.pushed[reader.connections]) > followed.at_death
    assert reader.live[1] > 0
    assert reader.live[reader.connections] > 0
