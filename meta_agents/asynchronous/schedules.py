"""Schedules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from meta_agents import operations
from meta_agents.asynchronous.calling import AsyncCall, pages
from meta_agents.results import Execution, Json, NextTimes, ScheduleSummary, StoredSchedule


class AsyncSchedules:
    """Workflows that are started by the clock."""

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    def list(self, *, page_size: int = 50) -> AsyncIterator[ScheduleSummary]:
        """By name, without `input`, fetched page by page as the iterator is read."""
        return pages(lambda continuation: self._call(operations.list_schedules(page_size, continuation)))

    async def get(self, name: str) -> StoredSchedule:
        return await self._call(operations.get_schedule(name))

    async def put(
        self, schedule: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StoredSchedule:
        """Create the schedule under its `name`, or change it; `paused` stays as it is unless the schedule says it.

        `if_match`: only while the ETag is still this one. `create_only`: only a new name. Else `ApiError` (412).
        """
        return await self._call(operations.put_schedule(schedule, if_match, create_only))

    async def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Executions that it started go on."""
        await self._call(operations.delete_schedule(name, if_match))

    async def pause(self, name: str) -> StoredSchedule:
        """Start nothing until it is resumed."""
        return await self._call(operations.set_paused(name, True))

    async def resume(self, name: str) -> StoredSchedule:
        """Go on with the next time from now."""
        return await self._call(operations.set_paused(name, False))

    async def run(self, name: str, *, idempotency_key: str | None = None) -> Execution:
        """Start an execution now, paused or not; the same one again for the same key."""
        return await self._call(operations.run_schedule(name, idempotency_key))

    async def next(self, name: str, count: int = 5) -> NextTimes:
        """Its next times, as if it were not paused."""
        return await self._call(operations.next_times(name, count))
