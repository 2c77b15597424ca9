"""Everything the engine thread owns, and the few moves that all its modules share.

What is held in memory here (ready queue, timers, work, replay cache) only hints at rows of the state file: an entry too
many does no harm, and `recover` builds all of it anew. So a transaction that is rolled back needs no undoing here.
"""

from __future__ import annotations

import json
import math
import uuid
from collections import deque

from devhost.engine.clock import Clock, from_text, to_text
from devhost.engine.entity_store import EntityStore
from devhost.engine.memory import ReplayCache
from devhost.engine.options import EngineOptions
from devhost.engine.records import EntityId, Instance, MessageKind, Task, TaskKey
from devhost.engine.sessions import Sessions
from devhost.engine.store import Store
from devhost.engine.timers import Timers
from devhost.engine.work import WorkQueue
from devhost.ports import App, InstanceExists


class ReadyQueue:
    """Names waiting for their turn, each at most once; first come, first served, so a busy one starves no other."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._queued: set[str] = set()

    def add(self, name: str) -> None:
        if name not in self._queued:
            self._queued.add(name)
            self._order.append(name)

    def pop(self) -> str:
        name = self._order.popleft()
        self._queued.discard(name)
        return name

    def __bool__(self) -> bool:
        return bool(self._order)


class Kernel:
    """The engine thread's state. No method commits; the loop does."""

    def __init__(self, store: Store, entities: EntityStore, app: App, *, options: EngineOptions, clock: Clock) -> None:
        self.store = store
        self.entities = entities
        self.app = app
        self.options = options
        self._clock = clock
        self.memory = ReplayCache(store)
        self.sessions = Sessions()
        self.ready = ReadyQueue()
        self.timers = Timers()
        self.work = WorkQueue(store, options.max_concurrent_activities)
        self.waiting_entities: dict[EntityId, None] = {}
        self.busy_entities: set[EntityId] = set()

    def now(self) -> str:
        return to_text(self._clock())

    def recover(self) -> None:
        """Take up what an earlier process left: open work, armed timers, filled inboxes, waiting operations."""
        for task in self.store.unanswered_tasks("activity", "http"):
            self.work.add(task)
        for task in self.store.unanswered_tasks("timer", "retry"):
            self.timers.arm(task.key, task.fire_at or "")
        for entity in self.entities.waiting_entities():
            self.waiting_entities[entity] = None
        for instance_id in self.store.instances_to_resume():
            self.ready.add(instance_id)

    def seconds_to_wait(self) -> float:
        """How long nothing needs doing unless someone asks."""
        if self.ready:
            return 0.0
        due = self.timers.next_due()
        return math.inf if due is None else max((from_text(due) - self._clock()).total_seconds(), 0.0)

    def create_instance(
        self,
        name: str,
        instance_id: str,
        input_text: str | None,
        version: str | None,
        *,
        parent: TaskKey | None = None,
    ) -> None:
        """Add an instance and queue its first turn, replacing an ended one of that id. Raises `InstanceExists`."""
        old = self.store.instance(instance_id)
        if old is not None:
            if not old.ended:
                raise InstanceExists(f"an orchestration instance with id '{instance_id}' already exists")
            self.store.delete_instance(instance_id)
            self.memory.forget(instance_id)
        now = self.now()
        self.store.insert_instance(
            Instance(
                id=instance_id,
                name=name,
                version=version or self.options.default_version,
                execution_id=uuid.uuid4().hex,
                status="Pending",
                input=input_text,
                output=None,
                custom_status=None,
                custom_inherited=False,
                created=now,
                updated=now,
                parent=parent,
                events=0,
                next_id=0,
                last_turn=now,
                ended_turn=None,
            )
        )
        self.ready.add(instance_id)

    def open_task(self, task: Task) -> None:
        """Record a task and queue what it needs to be answered."""
        self.store.open_task(task)
        if task.kind in ("activity", "http"):
            self.work.add(task)
        elif task.fire_at is not None:
            self.timers.arm(task.key, task.fire_at)

    def claim_tasks(self) -> list[Task]:
        """Activities and HTTP calls to start now. One that has killed the process too often fails instead."""
        claimed: list[Task] = []
        for task in self.work.claim():
            if task.starts <= self.options.max_starts:
                claimed.append(task)
                continue
            self.work.done(task.key)
            reason = f"'{task.name}' was started {task.starts - 1} times and the host process died each time"
            self.answer(task.key, "task_failed", failed_payload(reason))
        return claimed

    def answer(self, key: TaskKey, kind: MessageKind, payload: str | None, name: str | None = None) -> bool:
        """Put a task's answer in its instance's inbox; False when that task is no longer asked for (late or double)."""
        if not self.store.answer_task(key):
            return False
        self.store.post(key.instance_id, kind, task_id=key.task_id, name=name, payload=payload)
        self.ready.add(key.instance_id)
        return True


def failed_payload(reason: str, details: str = "") -> str:
    """The payload of a `task_failed` or `sub_failed` message."""
    return json.dumps({"Reason": reason, "Details": details})
