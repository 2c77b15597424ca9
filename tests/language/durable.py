"""The durable platform as far as orchestrators see it, in virtual time and memory, as Microsoft's SDK drives them.

With `replaying`, each turn is followed by a replay of the orchestrator from its beginning, which must do the same.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from domain.values import Json

Orchestrator = Callable[[Any], Generator[Any, Any, Any]]
MOST_EVENTS = 50_000
"""More than any case needs: it does not end by itself."""


class Task:
    """What an orchestrator waits for. `about` is what makes it the same on replay."""

    def __init__(self, kind: str, about: Sequence[Json] = (), parts: Sequence[Task] = ()) -> None:
        self.kind = kind
        self.about = about
        self.parts = parts
        self.is_completed = False
        self.is_cancelled = False
        self.is_scheduled = False
        self.result: Any = None
        self.whole: Task | None = None
        for part in parts:
            part.whole = self
        if any(part.is_completed for part in parts):
            raise AssertionError("a wait for what has been there already")

    def complete(self, result: Any) -> None:
        assert not self.is_completed, f"{self.about} ended twice"
        self.is_completed, self.result = True, result
        if self.whole is not None and not self.whole.is_completed:
            self.whole.complete(self)

    def cancel(self) -> None:
        assert self.kind == "timer", "only timers can be canceled"
        assert not self.is_completed, "it has fired"
        self.is_cancelled = True


class Context:
    """As much of the SDK's `DurableOrchestrationContext` as is used."""

    def __init__(self, instance_id: str, input: Json, moment: datetime) -> None:
        self.instance_id = instance_id
        self.current_utc_datetime = moment
        self.tasks: list[Task] = []
        """Those that were yielded, in that order: only they exist for the platform."""
        self.again: Json = None
        self._input = input
        self._early: list[str] = []

    def get_input(self) -> Json:
        return json.loads(self._input)

    def call_activity(self, name: str, payload: Json) -> Task:
        return Task("activity", (name, json.dumps(payload)))

    def call_sub_orchestrator(self, name: str, payload: Json, instance_id: str) -> Task:
        return Task("child", (name, json.dumps(payload), instance_id))

    def create_timer(self, fire_at: datetime) -> Task:
        return Task("timer", (fire_at.isoformat(),))

    def wait_for_external_event(self, name: str) -> Task:
        return Task("event", (name,))

    def task_any(self, tasks: list[Task]) -> Task:
        return Task("any", (), tasks)

    def signal_entity(self, entity: Any, operation: str, payload: Json) -> None:
        self.tasks.append(Task("signal", (str(entity), operation, json.dumps(payload))))

    def continue_as_new(self, payload: Json) -> None:
        self.again = json.dumps(payload)

    def schedule(self, task: Task) -> None:
        for part in task.parts or [task]:
            if not part.is_scheduled:
                part.is_scheduled = True
                self.tasks.append(part)

    def happened(self, name: str) -> None:
        """An external event: for whoever waits for it; one that nobody has waited for is kept."""
        waiting = [task for task in self.tasks if task.about == (name,) and not task.is_completed]
        assert len(waiting) <= 1, f"two wait for {name}"
        if waiting:
            waiting[0].complete(None)


Message = tuple[int | str, Any]
"""What happened: the number of a task and its result, or the name of an external event."""


class Generation:
    """One history: until the orchestrator returns or continues as new."""

    def __init__(self, run: Orchestrator, instance_id: str, input: str, moment: datetime) -> None:
        self._again = partial(Generation, run, instance_id, input, moment)
        self.context = Context(instance_id, input, moment)
        self.turns: list[tuple[datetime, list[Message]]] = []
        self.is_over = False
        self.result: Json = None
        self._generator = run(self.context)
        self._waiting: Task | None = None

    def turn(self, moment: datetime, messages: list[Message]) -> None:
        self.turns.append((moment, messages))
        self.context.current_utc_datetime = moment
        if self._waiting is None:
            self._resume(None)
        for about, result in messages:
            if isinstance(about, str):
                self.context.happened(about)
            else:
                self.context.tasks[about].complete(result)
            if self._waiting is not None and self._waiting.is_completed and not self.is_over:
                self._resume(self._waiting.result)

    def _resume(self, result: Any) -> None:
        try:
            raised = isinstance(result, Exception)
            self._waiting = self._generator.throw(result) if raised else self._generator.send(result)
            self.context.schedule(self._waiting)
        except StopIteration as end:
            self.is_over, self.result = True, json.loads(json.dumps(end.value))
            self.require_nothing_open()

    def require_nothing_open(self) -> None:
        """What ends while something is under way would lose it; a timer would keep it from ending."""
        for task in self.context.tasks:
            if task.kind in ("activity", "child", "timer"):
                assert task.is_completed or task.is_cancelled, f"it ended while {task.about} was open"

    def require_same_on_replay(self) -> None:
        replay = self._again()
        for moment, messages in self.turns:
            replay.turn(moment, messages)
        before, after = ([(task.kind, *task.about) for task in one.context.tasks] for one in (self, replay))
        assert after == before
        assert (replay.is_over, replay.result, replay.context.again) == (
            self.is_over,
            self.result,
            self.context.again,
        )


class Instance:
    """One orchestration. `ended` is told its result."""

    def __init__(self, platform: Platform, name: str, id: str, input: str, ended: Callable[[Json], None]) -> None:
        self.id = id
        self.is_over = False
        self._platform = platform
        self._run = platform.orchestrators[name]
        self._ended = ended
        self._inbox: list[Message] = []
        self._begin(input)

    def tell(self, message: Message) -> None:
        if self.is_over:
            return
        if not self._inbox:
            self._platform.at(self._platform.now, self._turn)
        self._inbox.append(message)

    def _begin(self, input: str) -> None:
        self._generation = Generation(self._run, self.id, input, self._platform.now)
        self._taken = 0
        self._platform.at(self._platform.now, self._first)

    def _first(self) -> None:
        self._go([])

    def _turn(self) -> None:
        messages, self._inbox = self._inbox, []
        if not self.is_over:
            self._go(messages)

    def _go(self, messages: list[Message]) -> None:
        generation, platform = self._generation, self._platform
        generation.turn(platform.now, messages)
        platform.turns += 1
        if platform.replaying:
            generation.require_same_on_replay()
        tasks, taken = generation.context.tasks, self._taken
        self._taken = len(tasks)
        for number in range(taken, len(tasks)):
            self._start(generation, number, tasks[number])
        if generation.is_over and generation.context.again is not None:
            self._begin(generation.context.again)
        elif generation.is_over:
            self.is_over = True
            self._ended(generation.result)

    def _start(self, generation: Generation, number: int, task: Task) -> None:
        def done(result: Any) -> None:
            assert generation is self._generation, f"{task.about} outlived its generation"
            self.tell((number, result))

        def fire() -> None:
            if not task.is_cancelled and generation is self._generation:
                done(None)

        match task.kind:
            case "activity":
                name, payload = task.about
                self._platform.at(self._platform.now, lambda: self._platform.perform(name, json.loads(payload), done))
            case "child":
                name, payload, id = task.about
                self._platform.start(name, payload, id, done)
            case "timer":
                due = datetime.fromisoformat(task.about[0])
                self._platform.at(max(due, self._platform.now), fire)


Perform = Callable[[str, Json, Callable[[Json], None]], None]
"""Begins an activity; tells its result when it has ended, an exception when the platform failed."""


class Platform:
    def __init__(
        self, orchestrators: dict[str, Orchestrator], perform: Perform, now: datetime, *, replaying: bool = False
    ) -> None:
        self.orchestrators = orchestrators
        self.perform = perform
        self.now = now
        self.replaying = replaying
        self.turns = 0
        self._instances: dict[str, Instance] = {}
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, moment: datetime, do: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._numbers), do))

    def start(self, name: str, input: str, id: str, ended: Callable[[Json], None]) -> None:
        before = self._instances.get(id)
        assert before is None or before.is_over, f"{id} is running already"
        self._instances[id] = Instance(self, name, id, input, ended)

    def raise_event(self, id: str, name: str) -> None:
        self._instances[id].tell((name, None))

    def run(self, is_over: Callable[[], bool]) -> None:
        """Until it is over. Fails when nothing is left to happen, or too much happens, before that."""
        for _ in range(MOST_EVENTS):
            if is_over():
                return
            assert self._agenda, "it waits for something that will never happen"
            self.now, _, do = heapq.heappop(self._agenda)
            do()
        raise AssertionError("it does not end")
