"""A turn in the making: events and actions not yet written, and the instance row as it will be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from devhost.engine.history import Event
from devhost.engine.kernel import Kernel
from devhost.engine.memory import Memory
from devhost.engine.records import ActionRecord, Instance, TaskKey


@dataclass(slots=True)
class Draft:
    """What one turn adds to an instance. Nothing of it counts before `save`."""

    kernel: Kernel
    instance: Instance
    memory: Memory
    now: str
    """The turn's one timestamp, never before that of an earlier turn."""
    events: list[Event] = field(default_factory=list)
    new_actions: list[ActionRecord] = field(default_factory=list)

    @classmethod
    def begin(cls, kernel: Kernel, instance: Instance) -> Self:
        now = max(kernel.now(), instance.last_turn)
        return cls(kernel, instance, kernel.memory.take(instance), now)

    def add(self, event: Event) -> None:
        self.events.append(event)

    def take_id(self) -> int:
        """The next sequence number. The SDK counts the same things in the same order."""
        taken = self.instance.next_id
        self.instance.next_id += 1
        return taken

    def key(self, task_id: int) -> TaskKey:
        return TaskKey(self.instance.id, self.instance.execution_id, task_id)

    def record(self, kind: int, name: str, event_id: int | None) -> None:
        self.new_actions.append(ActionRecord(kind, name, event_id, self.instance.events))

    def close_timer(self, task_id: int | None) -> None:
        """Cancel an open timer; one that has fired already is left alone."""
        if task_id is not None and self.kernel.store.close_task(self.instance.id, task_id):
            self.kernel.timers.disarm(self.key(task_id))

    def save(self) -> None:
        """Write history, actions and the instance row, and keep the memory for the next turn."""
        store, instance = self.kernel.store, self.instance
        store.append_history(instance.id, instance.events, self.events)
        store.append_actions(instance.id, len(self.memory.actions), self.new_actions)
        instance.events += len(self.events)
        instance.last_turn = instance.updated = self.now
        store.save_instance(instance)
        self.memory.add_events(self.events)
        self.memory.actions.extend(self.new_actions)
        self.kernel.memory.keep(instance.id, self.memory)
