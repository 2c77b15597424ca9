"""A pytest plugin for the durable SDK's own tests: what each feeds an orchestrator, our engine is made to live through.

Those tests hold histories as Azure writes them, with the actions an orchestrator must answer with. Loaded into a run of
them (`-p sdk_goldens`), this takes each such history, lets our engine run the same orchestrator, and gives it the same
completions in the same order; then the engine's own history must have every event and every field that the SDK's has,
and the orchestrator's last answer must hold the same actions. One line of JSON each goes to the file `GOLDENS`.

It runs where the SDK's package `tests` is the one that can be imported, so it knows nothing of ours.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import azure.durable_functions as df
import pytest

from devhost.engine.engine import SqliteEngine
from devhost.engine.history import EventType
from devhost.engine.options import EngineOptions
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


def pytest_configure(config: pytest.Config) -> None:
    """Put ourselves between the SDK's tests and the function by which they run an orchestrator."""
    import azure.durable_functions

    folder = Path(azure.durable_functions.__file__).parents[2] / "tests"
    sys.path.insert(0, str(folder))  # as pytest does, which takes that folder's packages for top-level ones
    for name in ("orchestrator.orchestrator_test_utils", "tests.orchestrator.orchestrator_test_utils"):
        module: Any = importlib.import_module(name)
        module.get_orchestration_state_result = _wrap(module.get_orchestration_state_result)


def _wrap(original: Callable[..., Json]) -> Callable[..., Json]:
    def result(context_builder: Any, user_code: Any, uses_pystein: bool = False) -> Json:
        context = json.loads(context_builder.to_json_string())
        handle = user_code._function._func if uses_pystein else df.Orchestrator.create(user_code)
        try:
            reply = original(context_builder, user_code, uses_pystein)
        except Exception as error:
            _record(context, handle, json.loads(str(error).rpartition("$OutOfProcData$:")[2] or "{}"))
            raise
        _record(context, handle, reply)
        return reply

    return result


def _record(context: Json, handle: Callable[[str], str], expected: Json) -> None:
    try:
        asyncio.run(_compare(context, handle, expected))
        verdict = "same"
    except (Differs, TimeoutError) as error:
        verdict = str(error) or "it never came to that"
    with Path(os.environ["GOLDENS"]).open("a") as file:
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("/")[2].removesuffix(" (call)")
        file.write(json.dumps({"test": test, "verdict": verdict}) + "\n")


async def _compare(context: Json, handle: Callable[[str], str], expected: Json) -> None:
    plain = Life(context, handle)
    events = await _lived(plain, extended_sessions=False)
    _same_events(context["history"], events, count=not plain.over)
    _same_reply(expected, plain.reply)
    # Orchestrators that are kept alive between turns must come to the same, though nobody sees their answers.
    kept = await _lived(Life(context, handle), extended_sessions=True)
    if _outline(kept) != _outline(events):
        raise Differs(f"with extended sessions the events are {_outline(kept)}, not {_outline(events)}")


async def _lived(life: Life, *, extended_sessions: bool) -> list[Json]:
    """The events of a life, once it has been lived on an engine of its own."""
    host_json = {"extensions": {"durableTask": {"extendedSessionsEnabled": extended_sessions}}}
    options = replace(EngineOptions.from_host_json(host_json), stop_grace_seconds=0)
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("devhost.engine.runner.HttpCaller", return_value=life),
    ):
        engine = SqliteEngine(Path(folder, "state.db"), life, options, clock=life.clock)
        await engine.start()
        try:
            await life.live(engine)
            return await life.history(engine)
        finally:
            await engine.stop()


class Life:
    """One golden history, as an app (`devhost.ports.App`) that answers what it says, when told to, and as a clock."""

    def __init__(self, context: Json, handle: Callable[[str], str]) -> None:
        self.golden: list[Json] = context["history"]
        self.input = context.get("input")
        self.reply: Json = {}
        self.over = False
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

    async def history(self, engine: SqliteEngine) -> list[Json]:
        status = await engine.get_status(self._id, show_history=True)
        assert status is not None
        return [json.loads(text) for text in status.history or ()]

    async def _cause(self, engine: SqliteEngine, event: Json) -> None:
        kind = event["EventType"]
        if kind == EventType.ORCHESTRATOR_STARTED and not self._timed:
            self._time = max(self._time, datetime.fromisoformat(event["Timestamp"]))
        elif kind in ANSWERS:
            id = event["TaskScheduledId"]
            what, number = self._scheduled(id)
            await self._until(
                engine, lambda ours: any(e["EventType"] in SCHEDULED and e["EventId"] == id for e in ours)
            )
            if self._answer(what, number).done():
                return  # a second completion: our engine takes no two answers of one piece of work
            self._answer(what, number).set_result(event)
            if what == "child":
                await self._until_child(number)
                await engine.raise_event(self._children[number], "go", "null")
            await self._until(engine, lambda ours: any(e.get("TaskScheduledId") == id for e in ours))
        elif kind == EventType.TIMER_FIRED:
            id = event["TimerId"]
            await self._until(engine, lambda ours: _timer(ours, id) is not None)
            if created := _timer(await self.history(engine), id):
                self._time = max(self._time, datetime.fromisoformat(created["FireAt"]))
            await self._until(engine, lambda ours: any(e.get("TimerId") == id for e in ours))
        elif kind == EventType.EVENT_RAISED and "result" in _parsed(event["Input"]):
            number = sum(1 for key in self._answers if key[0] == "entity" and self._answers[key].done())
            self._answer("entity", number).set_result(_parsed(event["Input"]))
            await self._until(engine, lambda ours: sum(e["EventType"] == kind for e in ours) > number)
        elif kind == EventType.EVENT_RAISED:
            try:
                await engine.raise_event(self._id, event["Name"], event["Input"])
            except InstanceEnded as ended:
                raise Differs(f"it had ended before {event['Name']}") from ended

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
        async with asyncio.timeout(SECONDS):
            while True:
                status = await engine.get_status(self._id, show_history=True)
                assert status is not None
                ours = [json.loads(text) for text in status.history or ()]
                if holds(ours):
                    return ours
                if self.over or status.runtime_status in {"Completed", "Failed"}:
                    return ours  # what comes now comes too late, there as here
                await asyncio.sleep(0.002)

    async def _until_child(self, number: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self._children) <= number:  # noqa: ASYNC110 - what is waited for happens on the engine's thread
                await asyncio.sleep(0.002)

    # -- devhost.ports.App

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


def _outline(events: list[Json]) -> list[Json]:
    """What two lives of one history have in common."""
    common = ("EventType", "EventId", "TaskScheduledId", "TimerId", "Result", "Reason", "OrchestrationStatus")
    return [{key: event[key] for key in common if key in event} for event in events]


def _timer(events: list[Json], id: int) -> Json | None:
    created = (event for event in events if event["EventType"] == EventType.TIMER_CREATED and event["EventId"] == id)
    return next(created, None)


def _same_events(golden: list[Json], ours: list[Json], *, count: bool) -> None:
    """Every event the golden history has, ours must have with the same fields and, with `count`, as often."""
    for kind in {event["EventType"] for event in golden} - {
        EventType.ORCHESTRATOR_STARTED,
        EventType.ORCHESTRATOR_COMPLETED,
    }:
        theirs = [event for event in golden if event["EventType"] == kind]
        mine = [event for event in ours if event["EventType"] == kind]
        if count and len(mine) < len(theirs):
            raise Differs(f"{len(mine)} events of type {kind}, not {len(theirs)}")
        fields = {field for event in theirs for field, value in event.items() if value is not None}
        for event in mine:
            if missing := fields - set(event):
                raise Differs(f"events of type {kind} are without {', '.join(sorted(missing))}")


def _same_reply(expected: Json, reply: Json) -> None:
    for key in ("isDone", "output", "error", "customStatus"):
        if expected.get(key) != reply.get(key):
            raise Differs(f"{key} is {reply.get(key)!r}, not {expected.get(key)!r}")
    theirs, ours = list(_actions(expected["actions"])), list(_actions(reply["actions"]))
    if theirs != ours:
        raise Differs(f"the actions are {ours}, not {theirs}")


def _actions(nested: list[Any]) -> Iterator[Json]:
    """The actions one after the other, whatever they are nested in, without the times, which are each clock's own."""
    for action in nested:
        if isinstance(action, list):
            yield from _actions(action)
        elif "compoundActions" in action:
            yield from _actions(action["compoundActions"])
        else:
            yield {key: value for key, value in action.items() if key != "fireAt"}


def _parsed(text: str | None) -> Json:
    value = json.loads(text or "null")
    return value if isinstance(value, dict) else {}
