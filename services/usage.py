"""What was used, by tenant: rows for each day and workflow, to which each execution's log is added exactly once.

An execution's mark says up to which offset of its log the rows have it. Both change in one transaction of the tenant's
partition: so whatever is killed, and whoever adds the same log at the same time, no call is counted twice, or missed
for longer than until the next look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.events import TERMINAL, Draft
from domain.rollups import Dimension, Figures, StepDimension, Sums, folded, merged
from services.documents.base import Document, DocumentStore, Operation, Put
from services.eventlog import EventLog
from services.together import Together

AT_ONCE = 20
"""Executions that are added together."""
MOST_ROWS = 60
"""Documents of rows in one transaction, beside the marks of executions: no more than BATCH_OPERATIONS in all."""
PAGE = 500
_DAY = "day:"


@dataclass(frozen=True)
class Whole:
    """What a log says up to an offset, for who has just read it: rows by day."""

    offset: int
    days: Mapping[str, Mapping[str, Figures]]


@dataclass(frozen=True)
class Ask:
    """`last`: the event that ends the execution, which may not be in its log yet; nothing is logged after it.

    `whole`: what its log says, to spare reading it again.
    """

    execution: str
    workflow: str
    last: Draft | None = None
    whole: Whole | None = None


@dataclass
class _Batch:
    """What is to be written: marks, and by document what is to be added to its rows."""

    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    more: dict[str, dict[str, Figures]] = field(default_factory=dict)

    def add(self, workflow: str, days: Mapping[str, Mapping[str, Figures]]) -> None:
        for day, rows in days.items():
            kept = self.more.setdefault(_row_id(day, workflow), {})
            for name, figures in rows.items():
                kept[name] = kept[name].plus(figures) if name in kept else figures


class UsageRows:
    def __init__(self, documents: DocumentStore, events: EventLog) -> None:
        self._documents = documents
        self._events = events
        self._together = Together[Ask, bool](
            self._add, AT_ONCE, "Too many processes count what the tenant has used at the same time."
        )

    async def close(self) -> None:
        await self._together.close()

    async def add(
        self, tenant: str, execution: str, workflow: str, last: Draft | None = None, whole: Whole | None = None
    ) -> None:
        """Count what the execution's log says and was not counted yet.

        `last`: the event that ends it, counted once whether it is in the log already or just being written. `whole`:
        what its log says but for that, for who has just read it.
        """
        await self._together.ask(tenant, Ask(execution, workflow, last, whole))

    async def query(self, tenant: str, first: date, last: date, by: Sequence[Dimension]) -> Sums:
        """The sums over the days from the first to the last, both included."""
        sums = Sums(by)
        between = f"{_DAY}{first.isoformat()}", f"{_DAY}{last.isoformat()};"  # ";" comes after ":"
        continuation: str | None = None
        while True:
            page, continuation = await self._documents.query(
                partition_of_usage(tenant), between=between, continuation=continuation, limit=PAGE
            )
            for document in page:
                sums.add_rows(document.body["day"], document.body["workflow"], document.body["rows"])
            if continuation is None:
                return sums

    async def of_execution(self, tenant: str, execution: str, by: Sequence[StepDimension]) -> Sums:
        """The sums over one execution's calls, from its log as it stands."""
        sums, offset = Sums(by), 0
        while page := await self._events.read(tenant, execution, offset, PAGE):
            sums.add_calls(page)
            offset = page[-1].offset
        return sums

    async def _add(self, tenant: str, asked: Sequence[Ask]) -> list[bool | Exception]:
        # Of two for one execution, the one that knows its end says what the other does as well.
        waiting = list({one.execution: one for one in sorted(asked, key=lambda one: one.last is not None)}.values())
        while waiting:
            waiting = await self._some_added(tenant, waiting)
        return [True] * len(asked)

    async def _some_added(self, tenant: str, asked: Sequence[Ask]) -> list[Ask]:
        """Those for whom there was no room any more."""
        # The rows that those who know their whole log will change are read with the marks.
        likely = dict.fromkeys(row for one in asked for row in _rows_of(one))
        ids = [*(one.execution for one in asked), *list(likely)[:MOST_ROWS]]
        marks = rows = await self._documents.get_many(partition_of_usage(tenant), ids)
        batch, left = _Batch(), list[Ask]()
        for one in asked:
            if len(batch.more) < MOST_ROWS:
                await self._read(tenant, one, marks.get(one.execution), batch)
            else:
                left.append(one)
        if more := [id for id in batch.more if id not in ids]:
            rows = {**rows, **await self._documents.get_many(partition_of_usage(tenant), more)}
        if batch.marks:
            await self._documents.write(partition_of_usage(tenant), _operations(batch, marks, rows))
        return left

    async def _read(self, tenant: str, ask: Ask, mark: Document | None, batch: _Batch) -> None:
        known = mark.body if mark else {"offset": 0}
        offset, ended = known["offset"], known.get("ended", False)
        if ask.last is not None and not ended:
            batch.add(ask.workflow, folded([ask.last]))
            ended = True
            if ask.whole is not None and offset == 0:
                batch.add(ask.workflow, ask.whole.days)
                batch.marks[ask.execution] = {"offset": ask.whole.offset, "ended": True}
                return
        while page := await self._events.read(tenant, ask.execution, offset, PAGE):
            offset = page[-1].offset
            batch.add(ask.workflow, folded(event for event in page if not (ended and event.type in TERMINAL)))
            ended = ended or any(event.type in TERMINAL for event in page)
        after = {"offset": offset, **({"ended": True} if ended else {})}
        if after != known:
            batch.marks[ask.execution] = after


def _rows_of(ask: Ask) -> list[str]:
    """Ids of the documents that it changes if nothing of its log was counted before."""
    if ask.last is None or ask.whole is None:
        return []
    return [_row_id(day, ask.workflow) for day in dict.fromkeys([*ask.whole.days, *folded([ask.last])])]


def _row_id(day: str, workflow: str) -> str:
    return f"{_DAY}{day}:{workflow}"


def partition_of_usage(tenant: str) -> str:
    """Where rows and marks stand; a mark's id is the execution's."""
    return f"{tenant}/usage"


def _operations(batch: _Batch, marks: dict[str, Document], rows: dict[str, Document]) -> list[Operation]:
    operations: list[Operation] = []
    for execution, mark in batch.marks.items():
        operations.append(_put(execution, mark, marks.get(execution)))
    for id, more in batch.more.items():
        before = rows.get(id)
        day, _, workflow = id.removeprefix(_DAY).partition(":")
        kept = merged(before.body["rows"] if before else {}, more)
        operations.append(_put(id, {"day": day, "workflow": workflow, "rows": kept}, before))
    return operations


def _put(id: str, body: dict[str, object], before: Document | None) -> Put:
    return Put(id, body, if_match=before.etag if before else None, if_absent=before is None)
