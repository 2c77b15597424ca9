"""Removing one execution with all it left, so that a kill half-way is completed by the next purge.

In one transaction the record makes way for a note of what is to be done, and its idempotency key is freed: from then on
nobody sees the execution. The note goes last.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from domain.chats import ENTITY, entity_key
from domain.errors import ProblemError, platform_failed
from domain.retention import CHAT, instance_of, orchestrators_of
from services.approvals import approvals_of
from services.artifacts.base import ArtifactStore
from services.documents.base import (
    BATCH_OPERATIONS,
    Body,
    Delete,
    Document,
    DocumentStore,
    Operation,
    Put,
    beginning_with,
)
from services.eventlog import partition_of
from services.running import TENANTS, records_of
from services.usage import partition_of_usage
from services.waits import OUTBOX

# Both sort before every execution, as idempotency keys do.
_BEGUN = "!purging:"
_REMOVED = "!purged:"

STRAGGLING = timedelta(days=1)
"""So long after an execution's end something may still come from it (an answer that was under way); then it is removed
once more, and for good."""

PAGE = 500


class Durable(Protocol):
    """What is used of `azure.durable_functions.DurableOrchestrationClient`; its failures are bare `Exception`s."""

    async def purge_instance_history(self, instance_id: str) -> Any:
        """Something with `instances_deleted`. Only what has ended is deleted."""

    async def signal_entity(self, entityId: Any, operation_name: str) -> None: ...


class Removal:
    def __init__(self, documents: DocumentStore, artifacts: ArtifactStore) -> None:
        self._documents = documents
        self._artifacts = artifacts

    async def begin(self, tenant: str, record: Document) -> Document:
        """The note of what is to be done. Raises `Conflict` when the record has changed since it was read."""
        body = {"kind": "purging", "execution": record.id, "ended": record.body["ended"] or record.body["created"]}
        if record.body.get("webhook"):
            body["webhook"] = True
        note = Put(_BEGUN + record.id, body)
        operations: list[Operation] = [Delete(record.id, if_match=record.etag), note]
        if key := record.body.get("key"):
            operations.append(Delete(key))
        written = await self._documents.write(records_of(tenant), operations)
        return Document(note.id, body, written.etags[note.id])

    async def complete(self, client: Durable, tenant: str, note: Document, now: datetime) -> None:
        """Remove all that is still there. Raises `ProblemError` platform_failed; then it is to be repeated."""
        execution = note.body["execution"]
        partition = partition_of(tenant, execution)
        # First: the log tells which orchestrators there were.
        await self._forget_orchestrators(client, partition, execution)
        for others in (approvals_of(tenant), partition_of_usage(tenant), OUTBOX, TENANTS):
            await self._forget_in(others, execution)
        await self._documents.drop(partition)
        await self._artifacts.drop(partition)
        operations: list[Operation] = [Delete(note.id)]
        if (later := _once_more(note, now)) is not None:
            operations.append(Put(_REMOVED + execution, later))
        await self._documents.write(records_of(tenant), operations)

    async def begun(self, tenant: str, most: int) -> tuple[list[Document], bool]:
        """Notes of what was begun and not completed, oldest first; and whether there are more."""
        found, more = await self._documents.query(records_of(tenant), between=beginning_with(_BEGUN), limit=most)
        return found, more is not None

    async def begun_for(self, tenant: str, execution: str) -> Document | None:
        """The note, if its removal was begun and not completed."""
        return await self._documents.get(records_of(tenant), _BEGUN + execution)

    async def straggled(self, tenant: str, now: datetime, most: int) -> list[Document]:
        """Notes of those that were removed soon after their end, and are to be removed once more now."""
        found, _ = await self._documents.query(records_of(tenant), between=beginning_with(_REMOVED), limit=most)
        return [note for note in found if _is_quiet(note, now)]

    async def _forget_orchestrators(self, client: Durable, partition: str, execution: str) -> None:
        offset = 0
        try:
            while entries := await self._documents.read_stream(partition, offset, PAGE):
                for path, kind in orchestrators_of(body for _, _, body in entries).items():
                    await _forget_step(client, execution, path, kind)
                offset = entries[-1][0]
            await client.purge_instance_history(execution)
        except ProblemError:
            raise
        except Exception as error:  # the SDK raises it bare
            message = f"The durable history of execution {execution} could not be removed: {error}."
            raise ProblemError(platform_failed(message)) from error

    async def _forget_in(self, partition: str, execution: str) -> None:
        """What is kept of it among others' things, where ids begin with the execution's."""
        more: str | None = ""
        while more is not None:
            found, more = await self._documents.query(
                partition, between=beginning_with(execution), limit=BATCH_OPERATIONS
            )
            if found:
                await self._documents.write(partition, [Delete(document.id) for document in found])


async def _forget_step(client: Durable, execution: str, path: str, kind: str | None) -> None:
    """Its orchestrator's history, of each time it was run; and the state of a chat, which holds what was said."""
    if kind == CHAT:
        from azure.durable_functions import EntityId  # noqa: PLC0415 - importing services must stay quick

        await client.signal_entity(EntityId(ENTITY, entity_key(execution, path)), "delete")
    await client.purge_instance_history(instance_of(execution, path))
    again = 1
    while (await client.purge_instance_history(instance_of(execution, path, again))).instances_deleted:
        again += 1


def _once_more(note: Document, now: datetime) -> Body | None:
    """The note of a second removal, if something may come from it after this one."""
    if note.id.startswith(_BEGUN) and "webhook" in note.body:
        # Its orchestration may be waiting for a day to tell of the end; then it finds nothing left to tell, and ends.
        return {**note.body, "ended": (now + STRAGGLING).isoformat()}
    return None if _is_quiet(note, now) else note.body


def _is_quiet(note: Document, now: datetime) -> bool:
    return datetime.fromisoformat(note.body["ended"]) + STRAGGLING <= now
