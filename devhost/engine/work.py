"""Activities and HTTP calls that wait for a free place, and those under way.

A start is counted in the transaction before the one that could see its result, so that work which kills the process is
known by its count after the restart and is not started for ever.
"""

from __future__ import annotations

from collections import deque

from devhost.engine.records import Task, TaskKey
from devhost.engine.store import Store


class WorkQueue:
    """Keys of unanswered tasks, in order. The rows hold everything else and have the last word."""

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._waiting: deque[TaskKey] = deque()
        self._calls: deque[TaskKey] = deque()
        self._running: set[TaskKey] = set()

    def add(self, task: Task) -> None:
        # An HTTP call only waits, perhaps for hours while it polls: it must not take an activity's place.
        (self._calls if task.kind == "http" else self._waiting).append(task.key)

    def claim(self) -> list[Task]:
        """Take what may start now, each counted as started in the current transaction."""
        claimed = [task for key in self._calls if (task := self._store.start_task(key))]
        self._calls.clear()
        while self._waiting and len(self._running) < self._limit:
            if task := self._store.start_task(self._waiting.popleft()):
                self._running.add(task.key)
                claimed.append(task)
        return claimed

    def done(self, key: TaskKey) -> None:
        """The work has ended, whatever came of it: its place is free."""
        self._running.discard(key)
