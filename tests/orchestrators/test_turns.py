"""Calls that take turns: never more at once than the limit, said why, canceled while waiting; and nothing without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import EntityId

from api.controlling import cancel_execution
from domain.calls import ModelCall, NextTurns
from domain.executions import Status
from domain.semaphores import LEASE, LOOK_AGAIN, Semaphore, operated
from orchestrators.turns import _taken
from tests.orchestrators.bench import Bench
from tests.orchestrators.test_budget_pauses import client, record
from tests.support.scripted_model import ScriptedModel

BRANCHES = {"id": "all", "concurrent": [{"id": f"b{n}", "agent": "x"} for n in range(5)]}


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Bench]:
    """One call of the model at a time, two of each tenant."""
    limits = json.dumps({"model:default": 1, "tenant": 2})
    async with Bench(tmp_path, ScriptedModel(lambda request: "fine"), environment={"CALL_LIMITS": limits}) as bench:
        yield bench


def watch(bench: Bench) -> list[int]:
    """How many calls were under way as each began."""
    under_way, seen = 0, list[int]()
    complete = bench.model.complete

    async def counted(*arguments: Any) -> Any:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        try:
            await asyncio.sleep(0)
            return await complete(*arguments)
        finally:
            under_way -= 1

    bench.model.complete = counted  # type: ignore[method-assign,assignment]
    return seen


async def test_one_at_a_time_and_the_others_say_what_they_wait_for(limited: Bench) -> None:
    seen = watch(limited)
    ids = [await limited.begin({"steps": [BRANCHES]}) for _ in range(3)]
    for id in ids:
        assert (await limited.ended(id)).status is Status.COMPLETED
    assert seen == [1] * 15
    waited = [event.data for id in ids for event in await limited.log(id) if event.type == "step.waiting"]
    assert {data["for"] for data in waited} == {"semaphore"}
    assert {data["semaphore"] for data in waited} <= {"model:default", "tenant:t1"}
    assert all(data["position"] >= 1 for data in waited)
    assert not any([await limited.waits(id) for id in ids])


async def test_chats_and_loops_take_turns_in_their_own_orchestrators(limited: Bench) -> None:
    chat = {"participants": ["p", "q"], "task": "Talk.", "until": {"any": [{"turns": 4}]}}
    loop = {"most": 3, "until": "false", "steps": [{"id": "in", "agent": "x"}]}
    seen = watch(limited)
    steps = [{"id": "c", "concurrent": [{"id": "talk", "group_chat": chat}, {"id": "again", "loop": loop}]}]
    assert (await limited.run({"steps": steps})).status is Status.COMPLETED
    assert seen == [1] * 7


async def test_canceled_in_the_queue_it_leaves_it(limited: Bench) -> None:
    gate = limited.model.gate("s#")
    first = await limited.begin({"steps": [{"id": "s", "agent": "x"}]})
    await limited.model.until(lambda: limited.model.keys["s#0"] == 1)
    second = await limited.begin({"steps": [{"id": "t", "agent": "x"}]})
    await limited.until(lambda: limited.waits(second))
    await cancel_execution(limited.services, client(limited), await record(limited, second), "ada")
    assert (await limited.ended(second)).status is Status.CANCELED
    third = await limited.begin({"steps": [{"id": "u", "agent": "x"}]})
    gate.set()
    assert (await limited.ended(first)).status is Status.COMPLETED
    assert (await limited.ended(third)).status is Status.COMPLETED
    assert limited.model.keys["t#0"] == 0


async def test_without_limits_there_is_not_one_action_more(bench: Bench) -> None:
    id = await bench.begin({"steps": [{"id": "s", "agent": "x"}]})
    status = await bench.instance_ended(id)
    types = [json.loads(event)["EventType"] for event in status.history or ()]
    assert types.count(4) == 2  # the call, and the end
    assert types.count(14) == 0  # no entity was called or signaled


async def test_only_what_is_limited_takes_turns(tmp_path: Path) -> None:
    limits = json.dumps({"model:other": 1, "tool:t": 1})
    async with Bench(tmp_path, ScriptedModel(lambda request: "fine"), environment={"CALL_LIMITS": limits}) as bench:
        status = await bench.instance_ended(await bench.begin({"steps": [{"id": "s", "agent": "x"}]}))
    assert [json.loads(event)["EventType"] for event in status.history or ()].count(14) == 0


LONG = LEASE // LOOK_AGAIN + 1
"""Waits, until a turn that was not lent anew is somebody else's."""


class Waiting:
    """Stands for the orchestrator of a call that waits and is never woken: each wait takes as long as it may."""

    tenant, execution = "t1", "e"

    def __init__(self, limits: list[tuple[str, int]]) -> None:
        self.limits = limits
        self.now = datetime(2026, 11, 27, tzinfo=UTC)
        self.semaphores = {name: Semaphore() for name, _ in limits}
        self.context = self
        self.instance_id = "e"
        self.actions = 0
        self.waits = 0

    def about(self, key: str, step: str, _trace: object = None) -> dict[str, Any]:
        return {"tenant": self.tenant, "execution": self.execution, "key": key, "step": step}

    def next_wake(self, key: str) -> str:
        return key

    def emit(self, *_: Any, **__: Any) -> None:
        pass

    def call_entity(self, entity: EntityId, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        state = self.semaphores[entity.key].model_dump(mode="json")
        after, answer = operated(state, operation, given)
        self.semaphores[entity.key] = Semaphore.model_validate(after)
        return answer

    def insist(self, _: str, action: NextTurns) -> Generator[Any, Any, tuple[NextTurns, Any]]:
        yield from ()
        return action, {}

    act = insist

    def idle(self, _: str, until: datetime) -> Generator[Any, Any, bool]:
        yield from ()
        self.now, self.waits = until, self.waits + 1
        if self.waits == LONG:
            self.semaphores["model:default"] = Semaphore()
        return True


def test_who_waits_long_for_one_turn_keeps_the_other() -> None:
    run = Waiting([("tenant:t1", 1), ("model:default", 1)])
    held = {"another": run.now + timedelta(days=1)}
    run.semaphores["model:default"] = Semaphore(holders=held)
    prompt = {"kind": "template", "template": "x", "scope": {}}
    fields = {**run.about("s#0", "s"), "plan": "p", "agent": "x", "prompt": prompt, "retry": {}}
    call = ModelCall.model_validate(fields)
    for limits in (run.limits[:1], run.limits):
        _played(_taken(run, call, limits))  # type: ignore[arg-type]
    assert run.waits == LONG
    assert run.semaphores["tenant:t1"].holders["e:s#0"] > run.now


def _played(strand: Generator[Any, Any, None]) -> None:
    """To its end: what it waits for is there at once."""
    found: Any = None
    with suppress(StopIteration):
        while True:
            found = strand.send(found)
