"""How often an execution reaches the document store: what is paid for, so that it grows only when somebody means it to.

docs/decisions/0027 says what each operation is for, and which of them cannot be spared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import activities
import kit.app
from domain.executions import Status
from services import wiring
from services.settings import Settings
from tests.api.living import Living, living
from tests.orchestrators.bench import TENANT
from tests.support.counted import Counted, CountedDocuments
from tests.support.scripted_model import ScriptedModel

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

START, CALL, END = 4, 2, 6
"""Two reads of definitions, the log's first event and the record; begun and answered; the record and the log read, both
written, and what was used read and written.
"""
FIVE = START + 5 * CALL + END


class Nobody:
    """What a function would send to watchers goes nowhere."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def set(self, value: str) -> None:
        self.sent.append(value)


class Counting:
    def __init__(self, alive: Living, documents: CountedDocuments, live: Nobody) -> None:
        self.alive = alive
        self.live = live
        self._documents = documents

    async def five(self, **fields: Any) -> list[Counted]:
        """What an execution of five agents in a row does, once the process has done another."""
        for number in range(5):
            await self.alive.api.post("/api/agents", json={"name": f"agent-{number}", "instructions": "Go on."})
        steps = [{"id": f"s{n}", "agent": f"agent-{n}", "input": "${input.topic}"} for n in range(5)]
        return await self.of({"name": "five", "steps": steps, "output": "${steps.s4.output}", **fields})

    async def of(self, workflow: dict[str, Any], **start: Any) -> list[Counted]:
        asked = {"type": "object", "properties": {"topic": {"type": "string"}}}
        assert (await self.alive.api.post("/api/workflows", json={"input": asked, **workflow})).status_code == 201
        for _ in range(2):
            self._documents.seen.clear()
            sent = {"workflow": workflow["name"], "input": {"topic": "tea"}, **start}
            started = await self.alive.api.post("/api/executions", json=sent)
            assert started.status_code == 202, started.text
            await self.ended(started.json()["id"])
            assert self._documents.seen.pop().name == "get"  # the bench's own look
        return list(self._documents.seen)

    def forget(self) -> list[Counted]:
        """What was seen since it was last forgotten."""
        seen = list(self._documents.seen)
        self._documents.seen.clear()
        return seen

    @property
    def model(self) -> ScriptedModel:
        return self.alive.bench.model

    async def ended(self, id: str) -> None:
        assert (await self.alive.bench.ended(id)).status is Status.COMPLETED
        await self.alive.bench.services.usage.close()


Pushed = Callable[..., Awaitable[tuple[Any, Any]]]


@asynccontextmanager
async def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str = "yes") -> AsyncIterator[Counting]:
    """As on Azure, where activities also ask who watches."""
    live = Nobody()

    def pushed(perform: Pushed) -> Pushed:
        async def performed(action: Any, *rest: Any) -> tuple[Any, Any]:
            outcome, events = await perform(action, *rest)
            await activities._push(action.tenant, action.execution, events, live)  # type: ignore[arg-type]
            return outcome, events

        return performed

    for name in ("perform_call", "perform_tool", "perform_evaluation", "perform_ending"):
        monkeypatch.setattr(kit.app, name, pushed(getattr(kit.app, name)))
    made: list[CountedDocuments] = []
    documents_of = wiring.documents_of

    def store(settings: Settings, account: Any) -> CountedDocuments:
        made.append(CountedDocuments(documents_of(settings, account)))
        return made[-1]

    monkeypatch.setattr(wiring, "documents_of", store)
    async with living(tmp_path / "state", lambda request: answer) as alive:
        yield Counting(alive, made[0], live)


@pytest.fixture
async def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counting]:
    async with counting(tmp_path, monkeypatch) as one:
        yield one


async def test_five_steps(counted: Counting) -> None:
    seen = await counted.five()
    names = Counter(one.name for one in seen)
    assert names == {"get_many": 3, "get": 1, "read_stream": 1, "write": 15}
    assert len(seen) == FIVE == 20
    assert counted.live.sent == []


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        # The spending is read before each reservation and each settlement, and written with them.
        ({"limits": {"model_calls": 10}}, 10),
        ({"limits": {"duration": "PT1H"}}, 0),
    ],
)
async def test_limits(counted: Counting, fields: dict[str, Any], more: int) -> None:
    assert len(await counted.five(**fields)) == FIVE + more


async def test_a_repeatable_start_reads_its_key_twice(counted: Counting) -> None:
    await counted.five()
    counted.forget()
    sent = {"workflow": "five", "input": {"topic": "tea"}}
    answers = [
        await counted.alive.api.post("/api/executions", json=sent, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    await counted.ended(answers[0].json()["id"])
    # The second request reads the key and the record.
    assert len(counted.forget()) == FIVE + 2 + 2 + 1


async def test_what_another_reads_of_a_large_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with counting(tmp_path, monkeypatch, "word " * 1_000) as counted:
        steps = [
            {"id": f"s{n}", "agent": "a", "input": f"${{steps.s{n - 1}.output}}" if n else "Go."} for n in range(5)
        ]
        await counted.alive.api.post("/api/agents", json={"name": "a", "instructions": "Go on."})
        seen = await counted.of({"name": "chain", "steps": steps, "output": "${steps.s4.output}"})
    assert len(seen) == FIVE + 5


async def test_branches_look_their_calls_up(counted: Counting) -> None:
    await counted.alive.api.post("/api/agents", json={"name": "a", "instructions": "Go on."})
    branches = [{"id": f"b{n}", "agent": "a", "input": "Go."} for n in range(5)]
    seen = await counted.of({"name": "wide", "steps": [{"id": "s", "concurrent": branches}]})
    assert len(seen) == START + 5 * (CALL + 1) + END


async def test_who_watches_costs_what_is_pushed_alone(counted: Counting) -> None:
    await counted.five()
    counted.forget()
    gate = counted.model.gate("s2")
    started = await counted.alive.api.post("/api/executions", json={"workflow": "five", "input": {"topic": "tea"}})
    id = started.json()["id"]
    await counted.model.until(lambda: counted.model.keys["s2#0"] > 2)
    await counted.alive.bench.services.events.mark_watched(TENANT, id)
    gate.set()
    await counted.ended(id)
    assert len(counted.forget()) == FIVE + 1 + 1
    assert len(counted.live.sent) == 4
