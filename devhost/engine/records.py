"""The rows of the state file as the engine's code sees them.

Times are texts of `clock.to_text`; payloads are JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from devhost.ports import RuntimeStatus

ENDED: frozenset[RuntimeStatus] = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
"""The statuses that an instance never leaves by itself."""

TaskKind = Literal["activity", "http", "sub", "timer", "retry", "entity"]
"""What an open task waits for. `retry` is the hidden timer between two attempts of a call with retry options."""

MessageKind = Literal[
    "task_completed", "task_failed", "sub_completed", "sub_failed", "timer_fired", "entity_replied", "event"
]


class TaskKey(NamedTuple):
    """One task of one generation of an instance."""

    instance_id: str
    execution_id: str
    task_id: int


class EntityId(NamedTuple):
    """An entity: its name in lower case (names ignore case) and its key (keys do not)."""

    name: str
    key: str

    @classmethod
    def of(cls, name: str, key: str) -> EntityId:
        return cls(name.lower(), key)

    @classmethod
    def parse(cls, scheduler_id: str) -> EntityId:
        """From the wire form `@name@key`."""
        name, _, key = scheduler_id.removeprefix("@").partition("@")
        return cls.of(name, key)

    def __str__(self) -> str:
        return f"@{self.name}@{self.key}"


@dataclass(slots=True)
class Instance:
    """An orchestration instance in its current generation."""

    id: str
    name: str
    version: str | None
    execution_id: str
    status: RuntimeStatus
    input: str | None
    output: str | None
    custom_status: str | None
    custom_inherited: bool
    """The custom status is still the one of the previous generation."""
    created: str
    updated: str
    parent: TaskKey | None
    events: int
    """Length of the history."""
    next_id: int
    """The next sequence number; equals the SDK's own count."""
    last_turn: str
    """Time of the last turn: the clock of an instance never goes back."""
    ended_turn: int | None
    """History length before the turn in which the orchestrator returned or raised, while open tasks are waited for."""

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Retry:
    """Retry options of a call and the number of the attempt in progress, from 1."""

    interval_ms: int
    max_attempts: int
    attempt: int

    @property
    def is_last(self) -> bool:
        return self.attempt >= self.max_attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something an instance waits for. `name` is the function, the URI or the entity, `input` JSON text."""

    key: TaskKey
    kind: TaskKind
    name: str = ""
    input: str | None = None
    version: str | None = None
    child_id: str | None = None
    fire_at: str | None = None
    request_id: str | None = None
    target: TaskKind | None = None
    """For a `retry` timer: the kind of call it repeats."""
    retry: Retry | None = None
    starts: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """Something that happened to an instance and that its next turn will see."""

    id: int
    kind: MessageKind
    task_id: int | None
    name: str | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One action that the orchestrator took in this generation, in the order it took them."""

    kind: int
    name: str
    event_id: int | None
    turn: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One waiting operation of an entity. `caller` is None for a signal; `input` is JSON text holding JSON text."""

    id: int
    operation: str
    input: str | None
    caller: TaskKey | None
    starts: int
