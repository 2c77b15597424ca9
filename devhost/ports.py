"""The two seams inside the host: what the durable engine asks of the loaded app, and what the rest asks of the engine.

Text stays text: every payload crossing these seams is the JSON *text* the wire specification names, never a parsed
value, because parsing and printing again changes numbers, dates and key order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

RuntimeStatus = Literal[
    "Pending", "Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Suspended"
]


class UnknownFunction(LookupError):
    """The app has no orchestrator, activity or entity of this name; the message lists those it has."""


class FunctionFailed(Exception):
    """User code raised. `message` is what the durable extension would put in history, `details` the traceback text."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class App(Protocol):
    """The loaded function app, as the engine needs it. Names compare case-insensitively."""

    def has(self, kind: Literal["orchestrator", "activity", "entity"], name: str) -> bool: ...

    def run_orchestrator(self, name: str, context_json: str) -> str:
        """Replay one turn on the calling thread and return the SDK's JSON string.

        Raises `FunctionFailed` when user code raised; `message` then carries the SDK's `$OutOfProcData$` label and
        JSON.
        """

    def run_entity(self, name: str, batch_json: str) -> Awaitable[str]:
        """Run one entity batch in the pool and return the SDK's JSON string. Raises `FunctionFailed`."""

    def run_activity(self, name: str, input_json: str | None, instance_id: str) -> Awaitable[str]:
        """Run an activity (sync in the pool, async on the loop) and return its result as JSON text.

        Raises `FunctionFailed`.
        """


class InstanceNotFound(LookupError):
    """No such orchestration instance (HTTP 404)."""


class InstanceExists(Exception):
    """An instance of this id is already there and has not ended (HTTP 409)."""


class InstanceEnded(Exception):
    """The instance has ended and takes no more messages (HTTP 410)."""


class BadRequest(ValueError):
    """The request itself is wrong: a bad id, an unknown name (HTTP 400)."""


@dataclass(frozen=True)
class InstanceStatus:
    """One instance as the durable HTTP API shows it. Payloads are JSON text or None; times are UTC."""

    name: str
    instance_id: str
    runtime_status: RuntimeStatus
    input: str | None
    output: str | None
    custom_status: str | None
    created: datetime
    updated: datetime
    history: tuple[str, ...] | None = None  # raw event JSON in order, only when asked for


@dataclass(frozen=True)
class InstanceQuery:
    """What to list. Empty means no restriction. `top` instances a page, `continuation` as a previous page gave it."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[str] = field(default_factory=frozenset)
    id_prefix: str = ""
    top: int = 100
    continuation: str | None = None


@dataclass(frozen=True)
class EntityStatus:
    name: str
    key: str
    state: str | None
    updated: datetime


class Engine(Protocol):
    """The durable engine. Every coroutine returns only after its effect is committed to the state file."""

    failed: asyncio.Event
    """Set when the state file could not be used any more: the engine has stopped, and only a new one goes on."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def start_instance(
        self, name: str, instance_id: str | None, input_json: str | None, version: str | None = None
    ) -> str:
        """Returns the instance id. Raises `BadRequest` (unknown name, bad id) or `InstanceExists`."""

    async def get_status(self, instance_id: str, *, show_history: bool = False) -> InstanceStatus | None: ...

    async def list_instances(self, query: InstanceQuery) -> tuple[list[InstanceStatus], str | None]:
        """One page, oldest first, and the continuation of the next page or None."""

    async def raise_event(self, instance_id: str, name: str, data_json: str | None) -> None:
        """Raises `InstanceNotFound`, `InstanceEnded`."""

    async def terminate(self, instance_id: str, reason: str) -> None: ...

    async def suspend(self, instance_id: str, reason: str) -> None: ...

    async def resume(self, instance_id: str, reason: str) -> None: ...

    async def rewind(self, instance_id: str, reason: str) -> None: ...

    async def restart(self, instance_id: str, *, new_id: bool) -> str: ...

    async def purge(self, instance_id: str) -> int:
        """Number of instances deleted, 0 or 1. Only an ended one is deleted."""

    async def purge_many(self, query: InstanceQuery) -> int: ...

    async def read_entity(self, name: str, key: str) -> str | None:
        """The entity's state as JSON text, or None when it does not exist."""

    async def signal_entity(self, name: str, key: str, operation: str, input_json: str | None) -> None: ...

    async def list_entities(self, name: str | None = None, top: int = 100) -> list[EntityStatus]: ...
