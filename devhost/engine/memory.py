"""What a replay needs of each instance, kept from turn to turn so that history is neither read nor printed again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from devhost.engine.history import READ_BY_SDK, Event
from devhost.engine.records import ActionRecord, Instance
from devhost.engine.sessions import CHARACTERS, Session
from devhost.engine.store import Store

_MAX_CHARACTERS = 64_000_000


@dataclass(slots=True)
class Memory:
    """One generation's past: the events as the SDK gets them, and the actions already taken."""

    execution_id: str
    events: list[str] = field(default_factory=list)
    actions: list[ActionRecord] = field(default_factory=list)
    canceled: set[int] = field(default_factory=set)
    """Positions in `actions` of the timers known to be canceled."""
    size: int = 0
    """Characters of `events`."""
    session: Session | None = None
    """The orchestrator as it stood after the last of them, if it was kept alive."""

    @property
    def weight(self) -> int:
        return self.size + (CHARACTERS if self.session else 0)

    def add_events(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.type in READ_BY_SDK:
                self.events.append(event.text)
                self.size += len(event.text)


class ReplayCache:
    """Memories of the instances that took turns lately; the least recent go when the texts grow past a limit.

    A memory is only ever a copy of what the state file holds: forgetting one costs time and nothing else.
    """

    def __init__(self, store: Store, max_characters: int = _MAX_CHARACTERS) -> None:
        self._store = store
        self._max_characters = max_characters
        self._memories: OrderedDict[str, Memory] = OrderedDict()
        self._characters = 0

    def take(self, instance: Instance) -> Memory:
        """The memory of an instance, to be given back by `keep` when its turn is done; a turn that fails loses it."""
        memory = self._pop(instance.id)
        if memory is None or memory.execution_id != instance.execution_id:
            memory = self._load(instance)
        return memory

    def keep(self, instance_id: str, memory: Memory) -> None:
        self._memories[instance_id] = memory
        self._characters += memory.weight
        while self._characters > self._max_characters and len(self._memories) > 1:
            _, dropped = self._memories.popitem(last=False)
            self._characters -= dropped.weight

    def forget(self, instance_id: str) -> None:
        self._pop(instance_id)

    def _pop(self, instance_id: str) -> Memory | None:
        memory = self._memories.pop(instance_id, None)
        if memory is not None:
            self._characters -= memory.weight
        return memory

    def _load(self, instance: Instance) -> Memory:
        memory = Memory(instance.execution_id, actions=self._store.actions(instance.id))
        for kind, text in self._store.history(instance.id):
            if kind in READ_BY_SDK:
                memory.events.append(text)
                memory.size += len(text)
        return memory
