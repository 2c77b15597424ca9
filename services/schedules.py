"""Schedules as they are kept, and the marks by which a sweep finds those that are due."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import ProblemError, not_found, platform_failed
from domain.schedules import Schedule, ScheduleState, changed_state, first_state
from services.definitions import ATTEMPTS, Change, check_preconditions
from services.documents.base import Body, Conflict, Delete, Document, DocumentStore, Operation, Put
from services.problems import conflict

SCHEDULED = "scheduled"
"""A partition that spans tenants: a mark for each schedule, by its next time, so that a sweep reads only what is due.

A state names its mark, which is written before it and taken away after it. A mark that no state names was left by a
process that was cut off, or is of one that is just about to write.
"""
_ABANDONED = timedelta(hours=1)


@dataclass(frozen=True)
class StoredSchedule:
    """A schedule and how far it has come. `etag` is that of what its author wrote, `state_etag` that of its state."""

    schedule: Schedule
    state: ScheduleState
    updated: datetime
    etag: str
    state_etag: str
    mark: str | None


@dataclass(frozen=True)
class Mark:
    """Where a sweep finds a schedule whose `time` has come."""

    id: str
    tenant: str
    name: str
    time: datetime


# Named here, because inside the class `list` is its method.
Page = tuple[list[StoredSchedule], str | None]
Marks = list[Mark]
Operations = list[Operation]
Alter = Callable[[Schedule | None], Schedule]


class Schedules:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def list(self, tenant: str, limit: int = 50, continuation: str | None = None) -> Page:
        """A page, by name."""
        partition = _partition(tenant)
        found, more = await self._documents.query(
            partition, where={"role": "schedule"}, continuation=continuation, limit=limit
        )
        states = await self._documents.get_many(partition, [_state_id(document.body["name"]) for document in found])
        # One without a state was deleted between the two looks.
        pairs = [(document, states.get(_state_id(document.body["name"]))) for document in found]
        return [_stored(document, state) for document, state in pairs if state], more

    async def get(self, tenant: str, name: str) -> StoredSchedule | None:
        ids = [_id(name), _state_id(name)]
        found = await self._documents.get_many(_partition(tenant), ids)
        return _stored(found[ids[0]], found[ids[1]]) if len(found) == len(ids) else None

    async def create(self, tenant: str, schedule: Schedule, now: datetime) -> StoredSchedule:
        """Raises `ProblemError` conflict if the name is taken."""
        try:
            stored, _ = await self.put(tenant, schedule, now, create_only=True)
        except ProblemError as error:
            if error.problem.code != "precondition_failed":
                raise
            raise conflict(
                f"There is already a schedule {schedule.name!r}.", "Choose another name, or PUT to it to change it."
            ) from error
        return stored

    async def put(
        self, tenant: str, schedule: Schedule, now: datetime, if_match: str | None = None, create_only: bool = False
    ) -> tuple[StoredSchedule, Change]:
        """Create or replace; where `paused` was not written, a schedule that is there stays as it is in that.

        Raises `ProblemError` precondition_failed when `if_match` is not its etag, or when it is there and `create_only`
        is set.
        """

        def alter(existing: Schedule | None) -> Schedule:
            if existing is None or "paused" in schedule.model_fields_set:
                return schedule
            return schedule.model_copy(update={"paused": existing.paused})

        return await self._change(tenant, schedule.name, now, alter, if_match, create_only)

    async def set_paused(self, tenant: str, name: str, paused: bool, now: datetime) -> StoredSchedule:
        """Pause or resume; twice is like once. Raises `ProblemError` not_found."""

        def alter(existing: Schedule | None) -> Schedule:
            if existing is None:
                raise ProblemError(not_found("schedule", name))
            return existing.model_copy(update={"paused": paused})

        stored, _ = await self._change(tenant, name, now, alter)
        return stored

    async def delete(self, tenant: str, name: str, if_match: str | None = None) -> bool:
        """False if it is not there. Raises `ProblemError` precondition_failed like `put`."""
        for _ in range(ATTEMPTS):
            stored = await self.get(tenant, name)
            if stored is None:
                return False
            check_preconditions(name, stored.etag, if_match, create_only=False)
            try:
                deletions: Operations = [Delete(_id(name), stored.etag), Delete(_state_id(name))]
                await self._documents.write(_partition(tenant), deletions)
            except Conflict:
                continue
            await self._unmark(stored.mark)
            return True
        raise _contended(name)

    async def due(self, now: datetime) -> Marks:
        """The marks of every tenant whose time has come, oldest first."""
        between = ("", _second(now + timedelta(seconds=1)))
        found: Marks = []
        continuation: str | None = None
        while True:
            documents, continuation = await self._documents.query(
                SCHEDULED, between=between, continuation=continuation, limit=200
            )
            found += [_mark(document) for document in documents]
            if continuation is None:
                return found

    async def of_mark(self, mark: Mark, now: datetime) -> StoredSchedule | None:
        """The schedule that the mark stands for; None if it stands for nothing."""
        stored = await self.get(mark.tenant, mark.name)
        if stored is not None and stored.mark == mark.id:
            return stored
        if now - mark.time > _ABANDONED:
            await self._unmark(mark.id)
        return None

    async def advance(self, tenant: str, stored: StoredSchedule, state: ScheduleState) -> bool:
        """Keep what came of its due times; False if it was changed or deleted meanwhile, and then nothing is kept."""
        put = await self._state_put(tenant, stored.schedule.name, state, stored)
        try:
            await self._documents.write(_partition(tenant), [put])
        except Conflict:
            return False
        await self._unmark(stored.mark)
        return True

    async def _change(
        self,
        tenant: str,
        name: str,
        now: datetime,
        alter: Alter,
        if_match: str | None = None,
        create_only: bool = False,
    ) -> tuple[StoredSchedule, Change]:
        for _ in range(ATTEMPTS):
            existing = await self.get(tenant, name)
            check_preconditions(name, existing.etag if existing else None, if_match, create_only)
            schedule = alter(existing.schedule if existing else None)
            if existing and existing.schedule == schedule:
                return existing, "unchanged"
            try:
                return await self._write(tenant, schedule, existing, now), "changed" if existing else "created"
            except Conflict:
                continue  # someone else was first, or a sweep: look again
        raise _contended(name)

    async def _write(
        self, tenant: str, schedule: Schedule, existing: StoredSchedule | None, now: datetime
    ) -> StoredSchedule:
        """Raises `Conflict`."""
        id, body = _id(schedule.name), _body(schedule, now)
        if existing is None:
            state = first_state(schedule, now)
            puts = [Put(id, body, if_absent=True), await self._state_put(tenant, schedule.name, state, None)]
        else:
            state = changed_state(existing.state, existing.schedule, schedule, now)
            puts = [Put(id, body, existing.etag), await self._state_put(tenant, schedule.name, state, existing)]
        written = await self._documents.write(_partition(tenant), puts)
        await self._unmark(existing.mark if existing else None)
        documents = (Document(put.id, put.body, written.etags[put.id]) for put in puts)
        return _stored(*documents)

    async def _state_put(self, tenant: str, name: str, state: ScheduleState, existing: StoredSchedule | None) -> Put:
        """What is to be written to keep the state. Its mark is there already."""
        mark = None
        if state.next is not None:
            # Every state has a mark of its own, so that taking away an old one never takes another's.
            mark = f"{_second(state.next)}:{tenant}:{name}:{secrets.token_hex(8)}"
            place = {"tenant": tenant, "name": name, "time": state.next.isoformat()}
            await self._documents.write(SCHEDULED, [Put(mark, place)])
        body: Body = {"role": "state", "mark": mark, "state": state.model_dump(mode="json", exclude_defaults=True)}
        return Put(_state_id(name), body, existing.state_etag if existing else None, if_absent=existing is None)

    async def _unmark(self, mark: str | None) -> None:
        if mark is not None:
            await self._documents.write(SCHEDULED, [Delete(mark)])


def _body(schedule: Schedule, now: datetime) -> Body:
    written = schedule.model_dump(mode="json", by_alias=True)
    return {"role": "schedule", "name": schedule.name, "updated": now.isoformat(), "schedule": written}


def _stored(document: Document, state: Document) -> StoredSchedule:
    return StoredSchedule(
        schedule=Schedule.model_validate(document.body["schedule"]),
        state=ScheduleState.model_validate(state.body["state"]),
        updated=datetime.fromisoformat(document.body["updated"]),
        etag=document.etag,
        state_etag=state.etag,
        mark=state.body["mark"],
    )


def _mark(document: Document) -> Mark:
    body = document.body
    return Mark(document.id, body["tenant"], body["name"], datetime.fromisoformat(body["time"]))


def _second(time: datetime) -> str:
    """What the marks of this second begin with; earlier ones sort before it."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _contended(name: str) -> ProblemError:
    return ProblemError(platform_failed(f"Too many others are changing {name!r} at the same time."))


def _partition(tenant: str) -> str:
    return f"{tenant}/schedules"


def _id(name: str) -> str:
    return f"schedule:{name}"


def _state_id(name: str) -> str:
    """Its state stands by itself, so that starting something does not change the ETag that authors go by."""
    return f"state:{name}"
