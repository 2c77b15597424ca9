"""Does whatever can be done to the engine and to `reference`, and wants both to show the same afterwards."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import azure.durable_functions as df
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from devhost.engine.engine import SqliteEngine
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from devhost.ports import FunctionFailed, InstanceEnded, InstanceExists, InstanceNotFound, InstanceQuery
from tests.devhost.engine.conftest import ManualClock
from tests.devhost.engine.reference import FAILED, LATE, RETRY_SECONDS, Reference, Step

T = TypeVar("T")

IDS = ("one", "two")
ALL_IDS = (*IDS, *(f"{id}-child" for id in IDS))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ENTITY = df.EntityId("tally", "t")
QUIET_ROUNDS = 4
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of commits, and it is not the disk that is tried here


def task_of(context: df.DurableOrchestrationContext, step: Step, task: str) -> Any:  # noqa: PLR0911 - a table
    def timer() -> Any:
        return context.create_timer(context.current_utc_datetime + timedelta(seconds=rest[0]))

    kind, *rest = step
    match kind:
        case "activity":
            return context.call_activity("work", task)
        case "retried":
            return context.call_activity_with_retry("work", df.RetryOptions(1000 * RETRY_SECONDS, rest[0]), task)
        case "timer":
            return timer()
        case "event":
            return context.wait_for_external_event(rest[0])
        case "race":
            return context.task_any([context.call_activity("work", task), timer()])
        case "ask":
            return context.task_any([context.wait_for_external_event(f"ask {task}"), timer()])
        case "call":
            return context.call_entity(ENTITY, "add", rest[0])
        case "child":
            child = {"run": f"{task}.", "program": rest[0], "notes": []}
            return context.call_sub_orchestrator("runs", child, f"{context.instance_id}-child")
    raise AssertionError(kind)


def runs(context: df.DurableOrchestrationContext) -> Any:
    """The interpreter of programs as an orchestrator."""
    given = context.get_input()
    run, program, notes = given["run"], given["program"], given["notes"]

    def note(value: Any) -> None:
        notes.append([value, (context.current_utc_datetime - BEGIN).total_seconds()])
        context.set_custom_status(notes)

    for step in program[len(notes) :]:
        if step[0] == "signal":
            context.signal_entity(ENTITY, "add", step[1])
            note(None)
        elif step[0] == "again":
            note(None)
            context.continue_as_new({"run": run, "program": program, "notes": notes})
            return None
        elif step[0] in ("race", "ask"):
            both = task_of(context, step, f"{run}/{len(notes)}")
            winner = yield both
            timer = both.children[1]
            if winner is not timer:
                timer.cancel()
            note(LATE if winner is timer else FAILED if isinstance(winner.result, Exception) else winner.result)
        else:
            try:
                note((yield task_of(context, step, f"{run}/{len(notes)}")))
            except Exception:
                note(FAILED)
    return notes


class Held(SdkApp):
    """Its activities end when they are told to. `busy` grows with whatever happens in it."""

    def __init__(self) -> None:
        super().__init__()
        self.orchestrator(runs)
        self.entity(tally)
        self.running: dict[str, asyncio.Future[Any]] = {}
        self.busy = 0

    def run_orchestrator(self, name: str, context_json: str) -> str:
        self.busy += 1
        return super().run_orchestrator(name, context_json)

    async def run_entity(self, name: str, batch_json: str) -> str:
        self.busy += 1
        return str(df.Entity.create(tally)(batch_json))

    async def run_activity(self, name: str, input_json: str | None, instance_id: str) -> str:
        self.busy += 1
        task = json.loads(input_json or "")
        assert task not in self.running, f"{task} runs twice at once"
        self.running[task] = asyncio.get_running_loop().create_future()
        try:
            return json.dumps(await self.running[task])
        finally:
            del self.running[task]


def tally(context: df.DurableEntityContext) -> None:
    context.set_state(context.get_state(lambda: 0) + context.get_input())
    context.set_result(context.get_input())


seconds = st.integers(0, 5)
leaf = st.one_of(
    st.just(["activity"]),
    st.tuples(st.just("retried"), st.integers(1, 3)).map(list),
    st.tuples(st.sampled_from(["timer", "race", "ask"]), seconds).map(list),
    st.just(["event", "word"]),
    st.tuples(st.sampled_from(["signal", "call"]), st.integers(1, 9)).map(list),
    st.just(["again"]),
)
programs = st.lists(
    st.one_of(leaf, leaf, leaf, st.tuples(st.just("child"), st.lists(leaf, max_size=3)).map(list)),
    min_size=2,
    max_size=6,
)


class Machine(RuleBasedStateMachine):
    """Does everything to both."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.app = Held()
        self.reference = Reference()
        self.serial = self.lives = 0
        self.state = self.folder / "state.db"
        self.engine = self._open()

    @initialize(begins=st.lists(programs, min_size=len(IDS), max_size=len(IDS)))
    def start_all(self, begins: list[list[Step]]) -> None:
        for id, program in zip(IDS, begins, strict=True):
            self.start(id, program)

    @rule(id=st.sampled_from(IDS), program=programs)
    def start(self, id: str, program: list[Step]) -> None:
        self.serial += 1
        run = str(self.serial)
        body = json.dumps(json.dumps({"run": run, "program": program, "notes": []}))
        free = self.reference.start(id, run, program)
        try:
            self._do(self.engine.start_instance("runs", id, body))
        except InstanceExists:
            assert not free
        else:
            assert free

    @rule(by=st.integers(-2, 4))
    def pass_time(self, by: int) -> None:
        self.clock.advance(seconds=by)
        self.reference.pass_time(by)

    @precondition(lambda self: self.app.running)
    @rule(data=st.data(), succeeds=st.booleans())
    def end_activity(self, data: st.DataObject, succeeds: bool) -> None:
        task = data.draw(st.sampled_from(sorted(self.app.running)))
        if succeeds:
            self.app.running[task].set_result("done")
        else:
            self.app.running[task].set_exception(FunctionFailed("broken"))
        self.reference.answer(task, "done" if succeeds else FAILED)

    @precondition(lambda self: self.reference.listening())
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.reference.listening()))
        self._tell(one.id, one.event)

    @rule(id=st.sampled_from(IDS))
    def tell(self, id: str) -> None:
        self._tell(id, "word")

    @rule(id=st.sampled_from(ALL_IDS), do=st.sampled_from(["suspend", "resume", "resume", "terminate"]))
    def control(self, id: str, do: str) -> None:
        if self._allowed(id, getattr(self.engine, do)(id, "a reason")):
            getattr(self.reference, do)(id, "a reason")

    @rule(id=st.sampled_from(ALL_IDS))
    def purge(self, id: str) -> None:
        one = self.reference.instances.get(id)
        ended = one is not None and one.ended
        assert self._do(self.engine.purge(id)) == int(ended)
        if ended:
            del self.reference.instances[id]

    @rule(number=st.integers(1, 9))
    def signal(self, number: int) -> None:
        self._do(self.engine.signal_entity(ENTITY.name, ENTITY.key, "add", json.dumps(str(number))))
        self.reference.add(number)

    @rule(crash=st.booleans())
    def start_again(self, crash: bool) -> None:
        """After a stop, or on the files as a power cut would leave them now."""
        self.lives += 1
        left = self.folder / str(self.lives)
        left.mkdir()
        if crash:
            for file in self.state.parent.glob("state.db*"):
                shutil.copy(file, left)
        self._do(self.engine.stop())
        if crash:
            self.state = left / "state.db"
        self.engine = self._open()

    @invariant()
    def both_show_the_same(self) -> None:
        self._settle()
        instances, _ = self._do(self.engine.list_instances(InstanceQuery()))
        shown = {
            one.instance_id: (
                one.runtime_status,
                *(json.loads(text or "null") for text in (one.output, one.custom_status)),
            )
            for one in instances
        }
        assert shown == {
            id: (one.status, one.output, one.notes or None) for id, one in self.reference.instances.items()
        }
        state = self._do(self.engine.read_entity("tally", "t"))
        assert json.loads(state or "null") == self.reference.total
        assert self.reference.running_activities() <= set(self.app.running)

    def teardown(self) -> None:
        self._do(self.engine.stop())
        self.loop.close()
        self.app.close()
        shutil.rmtree(self.folder)

    def _open(self) -> SqliteEngine:
        options = EngineOptions(stop_grace_seconds=0, max_starts=1000, max_concurrent_activities=1000)
        engine = SqliteEngine(self.state, self.app, options, clock=self.clock)
        self._do(engine.start())
        return engine

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def _tell(self, id: str, name: str) -> None:
        self.serial += 1
        if self._allowed(id, self.engine.raise_event(id, name, json.dumps(self.serial))):
            self.reference.tell(id, name, self.serial)

    def _allowed(self, id: str, work: Coroutine[Any, Any, None]) -> bool:
        """Whether it was done; it must be refused exactly when the instance is not there or has ended."""
        one = self.reference.instances.get(id)
        try:
            self._do(work)
        except InstanceNotFound:
            assert one is None
            return False
        except InstanceEnded:
            assert one is not None
            assert one.ended
            return False
        assert one is not None
        assert not one.ended
        return True

    def _settle(self) -> None:
        """Let the engine do all it can without more time or messages."""

        async def settle() -> None:
            quiet, seen = 0, -1
            while quiet < QUIET_ROUNDS:
                await self.engine.get_status("-")
                await asyncio.sleep(0)
                quiet, seen = (quiet + 1 if self.app.busy == seen else 0), self.app.busy

        self._do(settle())
