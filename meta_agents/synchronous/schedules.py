"""Schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meta_agents import operations
from meta_agents.results import Execution, Json, NextTimes, ScheduleSummary, StoredSchedule
from meta_agents.synchronous.calling import Call, pages


class Schedules:
    """Workflows that are started by the clock."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(self, *, page_size: int = 50) -> Iterator[ScheduleSummary]:
        """By name, without `input`, fetched page by page as the iterator is read."""
        return pages(lambda continuation: self._call(operations.list_schedules(page_size, continuation)))

    def get(self, name: str) -> StoredSchedule:
        return self._call(operations.get_schedule(name))

    def put(
        self, schedule: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StoredSchedule:
        """Create the schedule under its `name`, or change it; `paused` stays as it is unless the schedule says it.

        `if_match`: only while the ETag is still this one. `create_only`: only a new name. Else `ApiError` (412).
        """
        return self._call(operations.put_schedule(schedule, if_match, create_only))

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Executions that it started go on."""
        self._call(operations.delete_schedule(name, if_match))

    def pause(self, name: str) -> StoredSchedule:
        """Start nothing until it is resumed."""
        return self._call(operations.set_paused(name, True))

    def resume(self, name: str) -> StoredSchedule:
        """Go on with the next time from now."""
        return self._call(operations.set_paused(name, False))

    def run(self, name: str, *, idempotency_key: str | None = None) -> Execution:
        """Start an execution now, paused or not; the same one again for the same key."""
        return self._call(operations.run_schedule(name, idempotency_key))

    def next(self, name: str, count: int = 5) -> NextTimes:
        """Its next times, as if it were not paused."""
        return self._call(operations.next_times(name, count))
