"""One history of the durable SDK's tests, lived through by our engine: see `plugin`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from devhost.engine.engine import SqliteEngine
from devhost.engine.history import EventType
from devhost.ports import FunctionFailed, InstanceEnded

SECONDS = 30
Json = dict[str, Any]

SCHEDULED = {
    EventType.TASK_SCHEDULED: "activity",
    EventType.SUB_ORCHESTRATION_CREATED: "child",
    EventType.EVENT_SENT: "entity",
}
ANSWERS = {
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.SUB_ORCHESTRATION_FAILED,
}


class Differs(Exception):
    """Our engine does otherwise than the SDK's history says."""


class Life:
    """One golden history, as an app (`devhost.ports.App`) that answers what it says, when told to, and as a clock."""

    def __init__(self, context: Json, handle: Callable[[str], str]) -> None:
        self.golden: list[Json] = context["history"]
        self.input = context.get("input")
        self.reply: Json = {}
        self.over = False
        self._continued = False
        self._handle = handle
        self._id = context["instanceId"]
        self._time = datetime.fromisoformat(self.golden[0]["Timestamp"])
        # With timers the clock goes from one's time to the next's: the golden history's own times have no such order.
        self._timed = any(event["EventType"] == EventType.TIMER_CREATED for event in self.golden)
        self._children: list[str] = []
        self._seen: dict[str, int] = {}
        self._answers: dict[tuple[str, int], asyncio.Future[Json]] = {}
        self._loop = asyncio.get_running_loop()

    def clock(self) -> datetime:
        return self._time

    async def live(self, engine: SqliteEngine) -> None:
        """Start, then cause each event of the golden history that comes from outside, one after the other."""
        text = None if self.input is None else json.dumps(self.input)
        await engine.start_instance("golden", self._id, text)
        await self._until(engine, lambda ours: len(ours) > 1)
        for event in self.golden:
            await self._cause(engine, event)
        for _ in range(5):  # each lets the engine do what there is left to do
            await engine.get_status(self._id)

    async def history(self, engine: SqliteEngine) -> list[Json]:
        status = await engine.get_status(self._id, show_history=True)
        assert status is not None
        return [json.loads(text) for text in status.history or ()]

    async def _cause(self, engine: SqliteEngine, event: Json) -> None:
        match event["EventType"]:
            case EventType.ORCHESTRATOR_STARTED if not self._timed:
                self._time = max(self._time, datetime.fromisoformat(event["Timestamp"]))
            case kind if kind in ANSWERS:
                await self._complete(engine, event)
            case EventType.TIMER_FIRED:
                await self._fire(engine, event["TimerId"])
            case EventType.EVENT_RAISED if "result" in _parsed(event["Input"]):
                await self._reply_of_entity(engine, _parsed(event["Input"]))
            case EventType.EVENT_RAISED:
                try:
                    await engine.raise_event(self._id, event["Name"], event["Input"])
                except InstanceEnded as ended:
                    raise Differs(f"it had ended before {event['Name']}") from ended

    async def _complete(self, engine: SqliteEngine, event: Json) -> None:
        id = event["TaskScheduledId"]
        what, number = self._scheduled(id)
        await self._until(engine, lambda ours: any(e["EventType"] in SCHEDULED and e["EventId"] == id for e in ours))
        if self._answer(what, number).done():
            return  # a second completion: our engine takes no two answers of one piece of work
        self._answer(what, number).set_result(event)
        if what == "child":
            await self._until_child(number)
            await engine.raise_event(self._children[number], "go", "null")
        await self._until(engine, lambda ours: any(e.get("TaskScheduledId") == id for e in ours))

    async def _fire(self, engine: SqliteEngine, id: int) -> None:
        created = _timer(await self._until(engine, lambda ours: _timer(ours, id) is not None), id)
        if created is not None:  # None: it fires after the end
            self._time = max(self._time, datetime.fromisoformat(created["FireAt"]))
        await self._until(engine, lambda ours: any(e.get("TimerId") == id for e in ours))

    async def _reply_of_entity(self, engine: SqliteEngine, reply: Json) -> None:
        number = sum(1 for (what, _), answer in self._answers.items() if what == "entity" and answer.done())
        self._answer("entity", number).set_result(reply)
        kind = EventType.EVENT_RAISED
        await self._until(engine, lambda ours: sum(e["EventType"] == kind for e in ours) > number)

    def _scheduled(self, id: int) -> tuple[str, int]:
        """Which activity or child, in the order of ids, the golden history scheduled under this id."""
        for kind, what in SCHEDULED.items():
            ids = sorted(event["EventId"] for event in self.golden if event["EventType"] == kind)
            if id in ids:
                return what, ids.index(id)
        raise Differs(f"the history completes {id}, which it never scheduled")

    def _answer(self, what: str, number: int) -> asyncio.Future[Json]:
        return self._answers.setdefault((what, number), self._loop.create_future())

    async def _until(self, engine: SqliteEngine, holds: Callable[[list[Json]], bool]) -> list[Json]:
        """Our events, once this is true of them, or once nothing more can come to this generation."""
        async with asyncio.timeout(SECONDS):
            while True:
                status = await engine.get_status(self._id, show_history=True)
                assert status is not None
                ours = [json.loads(text) for text in status.history or ()]
                if holds(ours):
                    return ours
                if self._continued or status.runtime_status in {"Completed", "Failed"}:
                    return ours  # what comes now comes too late, there as here
                await asyncio.sleep(0.002)

    async def _until_child(self, number: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self._children) <= number:  # noqa: ASYNC110 - what is waited for happens on the engine's thread
                await asyncio.sleep(0.002)

    def has(self, kind: Literal["orchestrator", "activity", "entity"], name: str) -> bool:
        return True

    def run_orchestrator(self, name: str, context_json: str) -> str:
        instance = json.loads(context_json)["instanceId"]
        if instance != self._id:
            return self._child(name, instance, json.loads(context_json))
        try:
            text = self._handle(context_json)
        except Exception as error:
            self._answered(str(error).rpartition("$OutOfProcData$:")[2] or "{}", ended=True)
            raise FunctionFailed(str(error)) from error
        self._answered(text, ended=json.loads(text)["isDone"])
        return text

    def _answered(self, text: str, *, ended: bool) -> None:
        if not self.over:  # of a generation after this one, the golden history knows nothing
            self.reply = json.loads(text)
            self.over = ended
            self._continued = '"actionType": 4' in text

    def _child(self, name: str, instance: str, context: Json) -> str:
        """A sub-orchestration: it waits to be told that it may end, and ends as the golden history says."""
        if instance not in self._children:
            self._children.append(instance)
        told = any(event["EventType"] == EventType.EVENT_RAISED for event in context["history"])
        waiting = {"actionType": 6, "externalEventName": "go", "reason": "ExternalEvent"}
        reply: Json = {"isDone": told, "schemaVersion": 2, "actions": [[waiting]]}
        if not told:
            return json.dumps(reply)
        answer = self._answer("child", self._children.index(instance)).result()
        if answer["EventType"] == EventType.SUB_ORCHESTRATION_FAILED:
            reply |= {"isDone": False, "error": answer["Reason"]}
            raise FunctionFailed(f"{answer['Reason']}\n\n$OutOfProcData$:{json.dumps(reply)}")
        return json.dumps(reply | {"output": json.loads(answer["Result"])})

    async def run_activity(self, name: str, input_json: str | None, instance_id: str) -> str:
        number = self._seen["activity"] = self._seen.get("activity", -1) + 1
        answer = await self._answer("activity", number)
        if answer["EventType"] == EventType.TASK_FAILED:
            raise FunctionFailed(answer["Reason"], answer["Details"])
        return str(answer["Result"] or "null")

    async def call(self, request: str) -> str:
        """The engine's HTTP caller: to the history, a call is one more activity."""
        return await self.run_activity("http", request, self._id)

    async def close(self) -> None:
        """The HTTP caller has nothing to close."""

    async def run_entity(self, name: str, batch_json: str) -> str:
        results = []
        for operation in json.loads(batch_json)["batch"]:
            answer: Json = {"result": "null"}
            if not operation["isSignal"]:
                number = self._seen["entity"] = self._seen.get("entity", -1) + 1
                answer = await self._answer("entity", number)
            error = "exceptionType" in answer
            results.append({"isError": error, "duration": 0, "startTime": 0, "result": answer["result"]})
        return json.dumps({"entityExists": True, "entityState": "null", "results": results, "signals": []})


def _timer(events: list[Json], id: int) -> Json | None:
    created = (event for event in events if event["EventType"] == EventType.TIMER_CREATED and event["EventId"] == id)
    return next(created, None)


def _parsed(text: str | None) -> Json:
    value = json.loads(text or "null")
    return value if isinstance(value, dict) else {}
