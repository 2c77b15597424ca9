"""What the engine must do, said simply: instances that run small programs in memory, without replay or threads.

A program is a list of steps, taken one after the other: `["activity"]`, `["retried", attempts]`, `["timer", seconds]`,
`["event", name]`, `["race", seconds]` (an activity against a timer), `["ask", seconds]` (an event against a timer),
`["signal", number]` and `["call", number]` (both add to the entity), `["child", program]`, `["again"]` (the rest in a
new generation). Of each step its result is noted, and the time then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Step = list[Any]
RETRY_SECONDS = 2
FAILED = "failed"
LATE = "late"


class Message(NamedTuple):
    """Something that happened to an instance: an answer to the task of that name, or an event."""

    kind: str
    name: str
    value: Any = None


@dataclass(eq=False)
class Instance:
    """One run of a program. `run` is a name for it that no other ever has."""

    id: str
    run: str
    program: list[Step]
    now: float
    parent: Instance | None = None
    status: str = "Running"
    output: Any = None
    notes: list[Any] = field(default_factory=list)
    inbox: list[Message] = field(default_factory=list)
    waits: Counter[str] = field(default_factory=Counter)
    timers: dict[str, float] = field(default_factory=dict)
    activities: set[str] = field(default_factory=set)
    child: str | None = None
    """The task that a child was started for and that still waits for it."""
    attempt: int = 0
    in_generation: bool = False

    @property
    def ended(self) -> bool:
        return self.status in ("Completed", "Terminated")

    @property
    def step(self) -> Step:
        """The step under way; empty after the last."""
        return self.program[len(self.notes)] if len(self.notes) < len(self.program) else [""]

    @property
    def task(self) -> str:
        """A name for what the current step waits for."""
        return f"{self.run}/{len(self.notes)}"

    @property
    def event(self) -> str:
        """The name of the event that the current step waits for, if it does."""
        return {"event": str(self.step[-1]), "ask": f"ask {self.task}"}.get(self.step[0], "")

    def deliverable(self) -> Iterator[Message]:
        """What the next turn takes: every answer, and the oldest event of each name waited for."""
        wanted = {name for name, waiting in self.waits.items() if waiting > 0}
        for message in self.inbox:
            if message.kind != "event":
                yield message
            elif message.name in wanted:
                wanted.remove(message.name)
                yield message


class Reference:
    """All instances, the clock and the entity."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.total: int | None = None
        self.instances: dict[str, Instance] = {}

    def start(self, id: str, run: str, program: list[Step]) -> bool:
        """False when one of that id has not ended."""
        created = self._create(id, run, program, None)
        self._settle()
        return created

    def pass_time(self, seconds: float) -> None:
        """Also backwards."""
        self.clock += seconds
        self._settle()

    def answer(self, task: str, value: Any) -> None:
        """An activity ended. Nobody cares when its instance has."""
        for one in self._live():
            if task in one.activities:
                one.activities.remove(task)
                one.inbox.append(Message("activity", task, value))
        self._settle()

    def tell(self, id: str, name: str, value: Any) -> None:
        self.instances[id].inbox.append(Message("event", name, value))
        self._settle()

    def add(self, number: int) -> None:
        self.total = (self.total or 0) + number

    def terminate(self, id: str, reason: str) -> None:
        self._end(self.instances[id], "Terminated", reason)
        self._settle()

    def suspend(self, id: str, _: str) -> None:
        self.instances[id].status = "Suspended"

    def resume(self, id: str, _: str) -> None:
        self.instances[id].status = "Running"
        self._settle()

    def listening(self) -> list[Instance]:
        """The instances that wait for an event."""
        return [one for one in self._live() if one.event]

    def running_activities(self) -> set[str]:
        return {task for one in self._live() for task in one.activities}

    def _live(self) -> list[Instance]:
        return [one for one in self.instances.values() if not one.ended]

    def _create(self, id: str, run: str, program: list[Step], parent: Instance | None) -> bool:
        if id in self.instances and not self.instances[id].ended:
            return False
        self.instances[id] = Instance(id, run, program, self.clock, parent)
        return True

    def _settle(self) -> None:
        """Let every instance go on until none can."""
        while any([self._fire(one) or self._turn(one) for one in self._live()]):
            pass

    def _fire(self, one: Instance) -> bool:
        due = [task for task, at in one.timers.items() if at <= self.clock]
        for task in due:
            del one.timers[task]
            one.inbox.append(Message("timer", task))
        return bool(due)

    def _turn(self, one: Instance) -> bool:
        """Take the instance's next turn; False when it has none to take."""
        messages = list(one.deliverable())
        begins = not one.in_generation and not one.activities
        if one.status != "Running" or not (messages or begins):
            return False
        one.now = max(one.now, self.clock)
        for message in messages:
            one.inbox.remove(message)
            self._deliver(one, message)
        if begins:
            one.in_generation = True
            one.waits.clear()
            self._begin_step(one)
        if one.in_generation and one.step == [""] and not one.activities:
            self._end(one, "Completed", one.notes)
        return True

    def _deliver(self, one: Instance, message: Message) -> None:
        if message.kind == "event":
            one.waits[message.name] -= 1
        if message.name != (one.event if message.kind == "event" else one.task):
            return  # it lost a race that is over
        if one.step[0] == "retried" and message.value != "done":
            self._retry(one, message.kind)
            return
        one.timers.pop(one.task, None)
        one.child = None
        is_late = message.kind == "timer" and one.step[0] != "timer"
        self._note(one, LATE if is_late else message.value)

    def _retry(self, one: Instance, kind: str) -> None:
        """A failed attempt is followed by a timer, and also the last one is."""
        if kind == "activity":
            one.timers[one.task] = one.now + RETRY_SECONDS
        elif one.attempt < one.step[1]:
            one.attempt += 1
            one.activities.add(one.task)
        else:
            self._note(one, FAILED)

    def _note(self, one: Instance, value: Any) -> None:
        one.notes.append([value, one.now])
        self._begin_step(one)

    def _begin_step(self, one: Instance) -> None:
        kind, *rest = one.step
        if kind in ("activity", "retried", "race"):
            one.attempt = 1
            one.activities.add(one.task)
        if kind in ("timer", "race", "ask"):
            one.timers[one.task] = one.now + rest[0]
        if kind in ("event", "ask"):
            one.waits[one.event] += 1
        if kind == "signal":
            self.add(rest[0])
            self._note(one, None)
        elif kind == "call":
            self.add(rest[0])
            one.inbox.append(Message("entity", one.task, rest[0]))
        elif kind == "child":
            one.child = one.task
            if not self._create(f"{one.id}-child", f"{one.task}.", rest[0], one):
                one.inbox.append(Message("child", one.task, FAILED))
        elif kind == "again":
            one.notes.append([None, one.now])
            one.in_generation = False

    def _end(self, one: Instance, status: str, output: Any) -> None:
        one.status, one.output = status, output
        parent = one.parent
        if parent is not None and not parent.ended and parent.child == one.run.removesuffix("."):
            parent.inbox.append(Message("child", parent.child, output if status == "Completed" else FAILED))
