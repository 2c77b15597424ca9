"""A pytest plugin for the durable SDK's own tests: what each feeds an orchestrator, our engine is made to live through.

Those tests hold histories as Azure writes them, with the actions an orchestrator must answer with. Loaded into a run of
them (`-p goldens.plugin`), this takes each such history, lets our engine run the same orchestrator, and gives it the
same completions in the same order; then the engine's own history must have every event and every field that the SDK's
has, and the orchestrator's last answer must hold the same actions. One line of JSON each goes to the file `GOLDENS`.

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
from pathlib import Path
from typing import Any
from unittest import mock

import azure.durable_functions as df
import pytest

from devhost.engine.engine import SqliteEngine
from devhost.engine.history import EventType
from devhost.engine.options import EngineOptions

from .life import Differs, Json, Life


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


def _outline(events: list[Json]) -> list[Json]:
    """What two lives of one history have in common."""
    common = ("EventType", "EventId", "TaskScheduledId", "TimerId", "Result", "Reason", "OrchestrationStatus")
    return [{key: event[key] for key in common if key in event} for event in events]


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
