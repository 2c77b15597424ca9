"""The ledger: which model calls of an execution have been answered, so that none is paid for twice.

It is not a store of its own. A call's answer *is* its `call.completed` event, found by the call's key; a small mark
beside it counts how often the call was begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.calls import asked_id, completed_id, rejected_id, told_id
from domain.events import Draft, Event
from domain.values import Json
from services.control import Standing, standing, standing_ids
from services.documents.base import Conflict, DocumentStore, Operation, Put
from services.eventlog import WATCHED, WATCHED_EARLIER, EventLog, Logged, partition_of

ANSWERS = (completed_id, rejected_id, asked_id, told_id)
"""Ids of the events any of which ends a call."""


@dataclass(frozen=True)
class Entry:
    """What is known of a call: its answer if it has one, how often it was begun; and of its execution.

    `answer` may be one that did not fit its schema, or asks for tools: it was paid for all the same; and, of an agent's
    tool call, its last failure. `ended`: so many of the attempts are
    known to have ended (of tools alone). `watched`: somebody has asked to see it live. `mark`: as it was looked up.
    """

    answer: Event | None
    begun: int
    ended: int
    standing: Standing
    watched: bool
    mark: str | None = None


class Ledger:
    def __init__(self, documents: DocumentStore, log: EventLog) -> None:
        self._documents = documents
        self._log = log

    async def look_up(self, tenant: str, execution: str, key: str, step: str) -> Entry:
        """One read. The answer counts even when the execution has been canceled since."""
        answers, mark = [name(key) for name in ANSWERS], _mark_id(key)
        wanted = [*answers, mark, WATCHED, WATCHED_EARLIER, *standing_ids(key, step)]
        found = await self._documents.get_many(partition_of(tenant, execution), wanted)
        if WATCHED_EARLIER in found and WATCHED not in found:
            await self._log.mark_watched(tenant, execution)
        answer = next((Event.model_validate(found[id].body) for id in answers if id in found), None)
        counts = found[mark].body if mark in found else {"begun": 0}
        return Entry(
            answer=answer,
            begun=counts["begun"],
            ended=counts.get("ended", 0),
            standing=standing(found, key, step),
            watched=WATCHED in found or WATCHED_EARLIER in found,
            mark=found[mark].etag if mark in found else None,
        )

    async def begin(
        self,
        tenant: str,
        execution: str,
        key: str,
        attempt: int,
        drafts: Sequence[Draft],
        *more: Operation,
        asked: Json = None,
        head: int | None = None,
    ) -> Logged:
        """Note that the call is being made, for the `attempt`-th time, together with the events that go before it.

        `asked`: what its request is made of, by reference. `head`: only if that is where the log still ends, and the
        call was never begun, or `Conflict` is raised; then nothing that a look-up would have told has changed since
        either, because whatever that is comes with an event. That the log has not moved does not say that the call is
        new: a step that is tried again comes by calls that were finished before.
        Without `head`, patiently: a model that answers at once has its answer written in the same breath.
        """
        mark = noted_mark(key, attempt, asked, is_first=head is not None)
        return await self._log.append(tenant, execution, drafts, mark, *more, patient=head is None, head=head)

    async def begin_alone(
        self,
        tenant: str,
        execution: str,
        key: str,
        attempt: int,
        drafts: Sequence[Draft],
        entry: Entry,
        *more: Operation,
    ) -> Logged | None:
        """As `begin`, unless somebody else has begun or ended an attempt since it was looked up: then None."""
        body = {"begun": attempt}
        mark = Put(_mark_id(key), body, if_match=entry.mark, if_absent=entry.mark is None)
        try:
            return await self._log.append(tenant, execution, drafts, mark, *more, patient=True)
        except Conflict as conflict:
            if conflict.id != mark.id:
                raise
            return None

    async def asked(self, tenant: str, execution: str, keys: Sequence[str]) -> dict[str, Json]:
        """By key, what the first requests of these calls were made of; nothing of calls that earlier releases made."""
        ids = {_mark_id(key): key for key in keys}
        found = await self._documents.get_many(partition_of(tenant, execution), list(ids))
        return {ids[id]: mark.body["asked"] for id, mark in found.items() if "asked" in mark.body}


def noted_mark(key: str, attempt: int, asked: Json, *, is_first: bool = False) -> Put:
    """Notes that so many attempts at a model call were begun. Every call that has an answer has it."""
    return Put(_mark_id(key), {"begun": attempt, **({"asked": asked} if asked else {})}, if_absent=is_first)


def begun_mark(key: str, attempt: int) -> Put:
    """Notes that so many attempts at a tool call were begun, the last of which has no end that is known."""
    return Put(_mark_id(key), {"begun": attempt})


def ended_mark(key: str, attempt: int) -> Put:
    """Notes that so many attempts at a tool call are known to have ended."""
    return Put(_mark_id(key), {"begun": attempt, "ended": attempt})


def _mark_id(key: str) -> str:
    return f"{key}:call"
