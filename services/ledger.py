"""The ledger: which model calls of an execution have been answered, so that none is paid for twice.

It is not a store of its own. A call's answer *is* its `call.completed` event, found by the call's key; a small mark
beside it counts how often the call was begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.calls import completed_id
from domain.events import Draft, Event, EventType
from services.documents.base import DocumentStore, Put
from services.eventlog import WATCHED, EventLog, partition_of


@dataclass(frozen=True)
class Entry:
    """What is known of a call: its answer if it has one, how often it was begun; and of its execution."""

    answer: Event | None
    begun: int
    canceled: bool
    watched: bool
    """Somebody has asked to see it live."""


class Ledger:
    def __init__(self, documents: DocumentStore, log: EventLog) -> None:
        self._documents = documents
        self._log = log

    async def look_up(self, tenant: str, execution: str, key: str) -> Entry:
        """One read. The answer counts even when the execution has been canceled since."""
        answered, mark, canceled = completed_id(key), _mark_id(key), str(EventType.EXECUTION_CANCELED)
        wanted = [answered, mark, canceled, WATCHED]
        found = await self._documents.get_many(partition_of(tenant, execution), wanted)
        answer = Event.model_validate(found[answered].body) if answered in found else None
        begun = found[mark].body["begun"] if mark in found else 0
        return Entry(answer=answer, begun=begun, canceled=canceled in found, watched=WATCHED in found)

    async def begin(self, tenant: str, execution: str, key: str, attempt: int, drafts: Sequence[Draft]) -> list[Event]:
        """Note that the call is being made, for the `attempt`-th time, together with the events that go before it.

        Patiently: a model that answers at once has its answer written in the same breath.
        """
        return await self._log.append(tenant, execution, drafts, Put(_mark_id(key), {"begun": attempt}), patient=True)


def _mark_id(key: str) -> str:
    return f"{key}:call"
