"""What must be true of a host's state after any number of kills."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from devhost.engine.engine import SqliteEngine
from devhost.engine.sdk_app import SdkApp
from devhost.ports import InstanceQuery, InstanceStatus
from tests.crash.host.mortal import Mortal
from tests.crash.host.stub import HttpStub
from tests.crash.host.work import SIGNALS, WORDS, Work

_ASKED = (4, 7, 10, 14)
_ANSWERED = (5, 6, 8, 9, 11)
_FROM_ORCHESTRATIONS = [f"{kind}-{number}" for number in range(4) for kind in ("signal", "call")]


def check(work: Work, host: Mortal, stub: HttpStub) -> None:
    """Every promise. The host has ended."""
    statuses, book, diary = asyncio.run(_read(host.state))
    outputs = {id: json.loads(status.output or "null") for id, status in statuses.items()}
    _check_ends(statuses)
    _check_results(outputs)
    _check_activities(outputs, Counter(host.effects.read_text().split()), kills=host.lives - 1)
    assert outputs["calls"] == {name: stub.requests[name] for name in ("now", "later")}
    _check_arrivals(outputs["listens"], {word: work.sent[word] for word in WORDS})
    assert diary == [f"generation-{number}" for number in range(5)]
    _check_book(book, {signal: work.sent[signal] for signal in SIGNALS})
    for status in statuses.values():
        _check_history(status)


def _check_ends(statuses: dict[str, InstanceStatus]) -> None:
    """Nothing is missing, nothing is there twice, and only what had to fail has failed."""
    names = Counter(status.name for status in statuses.values())
    assert 1 <= names.pop("tries") <= 3, "a kill may take one of its two failures, and no more than that is tried"
    assert names == {
        "chain": 4, "fan_out": 1, "naps": 1, "race": 1, "listens": 1, "writes": 1, "family": 1,
        "generations": 1, "stubborn": 1, "calls": 1, "patient": 2,
    }  # fmt: skip
    others = {
        id: s.runtime_status for id, s in statuses.items() if s.runtime_status != "Completed" and s.name != "tries"
    }
    assert others == {"doomed": "Terminated"}
    assert statuses["chain"].custom_status == "3"


def _check_results(outputs: dict[str, Any]) -> None:
    assert outputs["doomed"] == "enough"
    assert outputs["naps"] == [False] * 4
    assert outputs["writes"] is True
    assert outputs["patient"].pop("word") == "went"
    assert outputs["stubborn"].pop("given up") is True


def _check_activities(outputs: dict[str, Any], runs: Counter[str], kills: int) -> None:
    """The run that counted is the last one: no activity ran again once its result was kept."""
    hopeless = runs.pop("hopeless")
    assert 3 <= hopeless <= 3 + kills
    told = ("chain", "fan_out", "race", "family", "generations", "stubborn", "patient")
    counted = {key: run for name in told for key, run in outputs[name].items()}
    assert counted == runs


def _check_arrivals(arrived: list[str], sent: dict[str, int]) -> None:
    """Everything arrived, in the order in which it was sent, and not more often than it was."""
    assert list(dict.fromkeys(arrived)) == list(sent)
    for word, count in Counter(arrived).items():
        assert count <= sent[word], word


def _check_book(book: list[str], sent: dict[str, int]) -> None:
    """The model of the entity: each line once, and in their senders' order; the senders take turns as they like."""
    _check_arrivals([line for line in book if line in sent], sent)
    assert [line for line in book if line in _FROM_ORCHESTRATIONS] == _FROM_ORCHESTRATIONS


def _check_history(status: InstanceStatus) -> None:
    """Each id was given once, in order, and answered at most once, after that."""
    given: list[int] = []
    answered: Counter[int] = Counter()
    for event in map(json.loads, status.history or ()):
        if event["EventType"] in _ASKED:
            given.append(event["EventId"])
        elif event["EventType"] in _ANSWERED:
            answer = event.get("TaskScheduledId", event.get("TimerId"))
            assert answer in given
            answered[answer] += 1
    assert given == list(range(len(given)))
    assert set(answered.values()) <= {1}, status.instance_id


async def _read(state: Path) -> tuple[dict[str, InstanceStatus], list[str], list[str]]:
    """Every instance with its history, and the lines of the book and of the diary."""
    app = SdkApp()
    engine = SqliteEngine(state, app)
    await engine.start()
    try:
        found, _ = await engine.list_instances(InstanceQuery(top=1000))
        full = [await engine.get_status(status.instance_id, show_history=True) for status in found]
        book, diary = [json.loads(await engine.read_entity("book", key) or "[]") for key in ("shared", "diary")]
    finally:
        await engine.stop()
        app.close()
    return {status.instance_id: status for status in full if status is not None}, book, diary
