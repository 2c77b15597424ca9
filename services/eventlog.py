"""The append-only log of each execution: the truth that everything live, and every retry, is read from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from domain.events import TERMINAL, Draft, Event
from domain.values import ARTIFACT_BYTES, Json, size_of
from services.artifacts.base import ArtifactStore
from services.documents.base import FLAG, Append, Conflict, DocumentStore, Last, Operation, Put, Written

Publish = Callable[[str, str, list[Event]], None]
"""(tenant, execution, new events): told after they are durable. Must neither block nor raise."""

AT_ONCE = 60
"""Drafts in one transaction: those of a hundred would, each with 16 KB, be too large for it."""

ENDED = "execution.ended"
"""Id of the mark that names the terminal event: an execution ends once, whoever else tries at the same time."""


CONTROL = "control"
"""Id of what was asked of the execution: `{"state": running | paused | canceling | ended}`."""
WATCHED = f"{FLAG}watched"
"""Id of the mark that somebody has asked to see the execution live."""
WATCHED_EARLIER = "execution.watched"
"""As releases before 0.4.0 have called it. Writes do not tell of it: whoever comes by it marks the execution anew."""


class Logged(list[Event]):
    """The events of one write, as they stand in the log.

    `new`: offsets of those that were not there before, in order. `watched`, when anything was to be logged: whether
    somebody had asked by then to see the execution live. Whoever asks later reads the log then.
    """

    def __init__(self, events: Iterable[Event], written: Written) -> None:
        super().__init__(events)
        self.new = sorted(written.offsets[id] for id in written.appended)
        self.watched = WATCHED in written.flags if written.offsets else None

    def after(self, earlier: Logged) -> Logged:
        """Both as one, each as it was written."""
        self[:0] = earlier
        self.new = earlier.new + self.new
        return self


def partition_of(tenant: str, execution: str) -> str:
    """Partition of an execution's log and artifacts."""
    return f"{tenant}/executions/{execution}"


class EventLog:
    def __init__(self, documents: DocumentStore, artifacts: ArtifactStore, publish: Publish | None = None) -> None:
        self._documents = documents
        self._artifacts = artifacts
        self._publish = publish

    async def append(
        self,
        tenant: str,
        execution: str,
        drafts: Sequence[Draft],
        *extra: Operation,
        patient: bool = False,
        is_news: bool = True,
        head: int | None = None,
    ) -> Logged:
        """Log the drafts and do `extra` in one transaction; returns one event per draft, in their order.

        A draft whose id is already there gives the event as it was first logged; and any terminal draft gives the
        terminal event, when there is one. Large payloads become artifacts. `patient` as in `DocumentStore.write`.
        What is no news is told to nobody who watches: it happened elsewhere.
        Raises `Conflict` when `extra` does; of `STREAM`, when the log ends with another event than that at `head`.
        Of more than AT_ONCE drafts the first are logged before, on their own, and may be logged when `Conflict` is
        raised.
        """
        if len(drafts) > AT_ONCE:
            first = await self.append(tenant, execution, drafts[:AT_ONCE], is_news=is_news, head=head)
            last = None if head is None else max([head, *first.new])
            rest = await self.append(
                tenant, execution, drafts[AT_ONCE:], *extra, patient=patient, is_news=is_news, head=last
            )
            return rest.after(first)
        partition = partition_of(tenant, execution)
        slim = [await self._slim(partition, draft) for draft in drafts]
        still = [] if head is None else [Last(head)]
        try:
            operations = [*still, *_appends(slim), *_end_marks(slim), *extra]
            written = await self._documents.write(partition, operations, patient=patient)
        except Conflict as conflict:
            if conflict.id != ENDED:
                raise
            slim = await self._with_true_end(partition, slim)
            written = await self._documents.write(partition, [*_appends(slim), *extra])
        events = await self._load(partition, [draft.id for draft in slim if draft.id not in written.appended])
        # Reversed: of two with one id, the first was logged.
        new = {
            draft.id: _numbered(draft, written.offsets[draft.id]) for draft in reversed(slim) if draft.id not in events
        }
        if new and self._publish and is_news:
            self._publish(tenant, execution, sorted(new.values(), key=lambda event: event.offset))
        events |= new
        return Logged((events[draft.id] for draft in slim), written)

    async def mark_watched(self, tenant: str, execution: str) -> None:
        """Note, for every process, that this execution is watched. It stays noted."""
        await self._documents.write(partition_of(tenant, execution), [Put(WATCHED, {})])

    async def is_watched(self, tenant: str, execution: str) -> bool:
        """Whether anybody has asked to see it live. Asked after an event was logged, a no is certain: whoever asks
        later reads the log then.
        """
        return bool(await self._documents.get_many(partition_of(tenant, execution), [WATCHED]))

    async def has_ended(self, tenant: str, execution: str) -> bool:
        """Whether the terminal event is logged."""
        return bool(await self._documents.get_many(partition_of(tenant, execution), [ENDED]))

    async def read(self, tenant: str, execution: str, after: int, limit: int = 500) -> list[Event]:
        """The events with an offset above `after`, in order."""
        entries = await self._documents.read_stream(partition_of(tenant, execution), after, limit)
        return [_event(body, offset) for offset, _, body in entries]

    async def get(self, tenant: str, execution: str, ids: Sequence[str]) -> dict[str, Event]:
        """Those of the events that are logged, by id."""
        return await self._load(partition_of(tenant, execution), ids)

    async def value(self, tenant: str, execution: str, event: Event) -> Json:
        """The event's payload, wherever it is kept."""
        if event.artifact is None:
            return event.value
        return json.loads(await self._artifacts.get(partition_of(tenant, execution), event.artifact))

    async def _load(self, partition: str, ids: Sequence[str]) -> dict[str, Event]:
        if not ids:
            return {}
        found = await self._documents.get_many(partition, ids)
        return {id: _event(document.body, document.body["offset"]) for id, document in found.items()}

    async def _with_true_end(self, partition: str, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts, with the event that has already ended the execution in place of any that would."""
        mark = (await self._documents.get_many(partition, [ENDED]))[ENDED]
        ids = [mark.body["event"]]
        end = (await self._load(partition, ids))[ids[0]]
        logged = Draft.model_validate(end.model_dump(exclude={"offset"}))
        return [logged if draft.type in TERMINAL else draft for draft in drafts]

    async def _slim(self, partition: str, draft: Draft) -> Draft:
        if draft.value is None or size_of(draft.value) <= ARTIFACT_BYTES:
            return draft
        content = json.dumps(draft.value, ensure_ascii=False, allow_nan=False).encode()
        ref = await self._artifacts.put(partition, content, "application/json")
        return draft.model_copy(update={"value": None, "artifact": ref})


def _appends(drafts: Sequence[Draft]) -> list[Operation]:
    return [Append(draft.id, _body(draft)) for draft in drafts]


def _end_marks(drafts: Sequence[Draft]) -> list[Operation]:
    ends = [draft.id for draft in drafts if draft.type in TERMINAL]
    # Whoever asks something of it at the same time is told, because the control document is another then.
    marks: list[Operation] = [Put(ENDED, {"event": id}, if_absent=True) for id in ends]
    return marks + [Put(CONTROL, {"state": "ended"}) for _ in ends]


def _body(draft: Draft) -> dict[str, Any]:
    return draft.model_dump(mode="json", exclude_defaults=True)


def _numbered(draft: Draft, offset: int) -> Event:
    """What reading the draft back from the log would give, without the reading."""
    return Event.model_validate({**vars(draft), "offset": offset})


def _event(body: dict[str, Any], offset: int) -> Event:
    return Event.model_validate({**body, "offset": offset})
