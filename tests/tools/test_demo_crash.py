from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.text import Text

from meta_agents.results import Delta, Event
from tools.demo_crash import Crash
from tools.processes import Host


class Fake(Host):
    """Says it is ready and waits; counts its starts."""

    starts = 0

    def __init__(self) -> None:
        super().__init__(Path())

    def arguments(self) -> list[str]:
        self.starts += 1
        return ["-c", "import signal; print('devhost ready: http://127.0.0.1:1', flush=True); signal.pause()"]


@pytest.fixture
def host() -> Iterator[Fake]:
    with Fake() as host:
        yield host


def delta(step: str, position: int = 0, text: str = "I would start with") -> Delta:
    return Delta(step=step, agent="engineer", call=f"{step}#0", attempt=1, position=position, text=text)


def started(step: str) -> Event:
    return Event(offset=1, type="call.started", time=datetime(2026, 1, 1, tzinfo=UTC), step=step)


@pytest.mark.parametrize(
    "item",
    [
        delta("panel/turn[3]"),
        delta("panel/turn[3]", position=10, text="enough"),
        delta("panel/turn[4]"),
        started("panel/turn[4]"),
    ],
)
def test_it_strikes_once_in_a_turn_and_the_host_comes_back(host: Fake, item: Delta | Event) -> None:
    said: list[Text] = []
    first = host.process.pid
    crash = Crash(host, said.append)
    for _ in range(2):
        crash.after(item)
    assert crash.happened
    assert host.starts == 2
    assert host.running
    assert [str(first) in line.plain for line in said] == [True, False]


@pytest.mark.parametrize(
    "item",
    [
        delta("panel/turn[2]"),
        delta("panel/turn[3]", text="I would"),
        delta("panel/turn[3]/chair"),
        delta("facts"),
        started("panel/turn[3]"),
        started("panel/turn[4]/chair"),
        started("facts"),
    ],
)
def test_it_waits_for_its_moment(host: Fake, item: Delta | Event) -> None:
    crash = Crash(host, lambda _: pytest.fail("it struck"))
    crash.after(item)
    assert not crash.happened
    assert host.starts == 1
