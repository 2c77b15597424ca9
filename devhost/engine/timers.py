"""When the engine must next wake: open timers in a heap."""

from __future__ import annotations

import heapq

from devhost.engine.records import TaskKey


class Timers:
    """Armed timers by due time (text of `clock.to_text`).

    Only a hint: the row in the state file says whether a timer is still open, so disarming may be forgotten.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[str, TaskKey]] = []
        self._armed: dict[TaskKey, str] = {}

    def arm(self, key: TaskKey, due: str) -> None:
        self._armed[key] = due
        heapq.heappush(self._heap, (due, key))
        # A workflow that loops over a long timeout cancels one timer per round; without this they would pile up.
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._armed):
            self._heap = [(due, key) for key, due in self._armed.items()]
            heapq.heapify(self._heap)

    def disarm(self, key: TaskKey) -> None:
        self._armed.pop(key, None)

    def next_due(self) -> str | None:
        self._drop_disarmed()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: str) -> list[TaskKey]:
        """Timers due at `now` or before, earliest first; they are no longer armed."""
        due: list[TaskKey] = []
        self._drop_disarmed()
        while self._heap and self._heap[0][0] <= now:
            _, key = heapq.heappop(self._heap)
            del self._armed[key]
            due.append(key)
            self._drop_disarmed()
        return due

    def _drop_disarmed(self) -> None:
        while self._heap and self._armed.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
