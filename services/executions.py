"""The records of executions: started once per idempotency key, ended once, listed newest first."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.caps import Reached
from domain.errors import Problem, ProblemError, not_found
from domain.events import Draft
from domain.executions import Execution, Status, StopReason
from domain.usage import Usage
from domain.values import ARTIFACT_BYTES, Json, size_of
from services.artifacts.base import ArtifactStore
from services.documents.base import Conflict, Delete, Document, DocumentStore, Operation, Put, Scalar
from services.eventlog import EventLog, partition_of
from services.problems import conflict
from services.running import Running, marked, records_of, unmarked

# Named here, because inside the class `list` is its method.
Found = list[Execution]
Page = tuple[list[Execution], str | None]
Marks = list[tuple[str, str]]
Operations = list[Operation]

READ_AT_ONCE = 100
"""Records of those that may be running, in one read."""
_PAYLOADS = ("input", "output")
_CANCELED = {"status": Status.CANCELED, "stop_reason": StopReason.CANCELED, "output": None, "error": None}


def new_execution_id() -> str:
    """32 hex digits that sort by time: 12 of milliseconds, then 20 at random."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


@dataclass(frozen=True)
class Seen:
    """A record as it was read."""

    document: Document

    @property
    def status(self) -> Status:
        return Status(self.document.body["status"])


class Executions:
    def __init__(self, documents: DocumentStore, artifacts: ArtifactStore, events: EventLog) -> None:
        self._documents = documents
        self._artifacts = artifacts
        self._events = events
        self._running = Running(documents)

    async def create(
        self,
        execution: Execution,
        started: Draft,
        idempotency: tuple[str, str] | None = None,
        more: Sequence[Draft] = (),
    ) -> tuple[Execution, bool]:
        """Record a new execution and log `started` and `more`; or, for a repeated request, the existing one and False.

        `idempotency` is the caller's key and a hash of the request; the same key with another hash raises
        `ProblemError` conflict. A retry of one that is gone raises `ProblemError` not_found.
        """
        if idempotency and (existing := await self.of_key(execution.tenant, *idempotency)):
            return existing, False
        # Before the record: what is recorded is recovered after a crash, and then has to be whole.
        await asyncio.gather(
            self._running.announce(execution.tenant),
            self._events.append(execution.tenant, execution.id, [started, *more]),
        )
        try:
            await self._documents.write(records_of(execution.tenant), await self._creation(execution, idempotency))
        except Conflict as conflict:
            if conflict.id == execution.retry_of:
                return await self.create(execution, started, idempotency, more)  # it was just changed: look again
            if not idempotency or conflict.id != _key_id(idempotency[0]):
                raise
            # The same request came in twice at once, and the other was first.
            await self.discard(execution.tenant, execution.id)
            return await self.create(execution, started, idempotency, more)
        return execution, True

    async def keep(self, execution: Execution, idempotency: tuple[str, str] | None = None) -> tuple[Execution, bool]:
        """Record an execution that has ended, and whose log is written; `idempotency` and the answer as of `create`."""
        try:
            await self._documents.write(records_of(execution.tenant), await self._creation(execution, idempotency))
        except Conflict as conflict:
            if not idempotency or conflict.id != _key_id(idempotency[0]):
                raise
            existing = await self.of_key(execution.tenant, *idempotency)
            if existing is None:
                raise
            await self.discard(execution.tenant, execution.id)
            return existing, False
        return execution, True

    async def get(self, tenant: str, id: str) -> Execution | None:
        document = await self._documents.get(records_of(tenant), id)
        if document is None or document.body["kind"] != "execution":
            return None
        return await self._loaded(tenant, document)

    async def list(
        self,
        tenant: str,
        *,
        status: Status | None = None,
        workflow: str | None = None,
        variant: str | None = None,
        evaluates: str | None = None,
        limit: int = 50,
        continuation: str | None = None,
    ) -> Page:
        """A page, newest first. `input` and `output` are left out (None): get the one you want to see."""
        where: dict[str, Scalar] = {"kind": "execution"}
        if status is not None:
            where["status"] = status.value
        if workflow is not None:
            where["workflow"] = workflow
        if evaluates is not None:
            where["evaluates"] = evaluates
        if variant is not None:
            where[_variant_field(variant)] = True
        documents, more = await self._documents.query(
            records_of(tenant), where=where, descending=True, continuation=continuation, limit=limit
        )
        return [without_payloads(document) for document in documents], more

    async def seen(self, tenant: str, id: str) -> Seen:
        """The record as it is stored. Raises `ProblemError` not_found."""
        document = await self._documents.get(records_of(tenant), id)
        if document is None:
            raise ProblemError(not_found("execution", id))
        return Seen(document)

    async def end(  # noqa: PLR0913 - they all become known at the end
        self,
        tenant: str,
        id: str,
        *,
        status: Status,
        stop_reason: StopReason | None,
        ended: datetime,
        output: Json = None,
        error: Problem | None = None,
        usage: Usage = Usage(),  # noqa: B008 - frozen
        turns: int = 0,
        seen: Seen | None = None,
        is_closed: bool = True,
    ) -> Execution:
        """End a running execution; one that has ended stays as it is. Returns the record as it then stands.

        `seen`: as it was read just now, so that it need not be read again. Not `is_closed`: it is among those that
        recovery looks through until it is `closed`, as nobody else would write the rest. Raises `ProblemError`
        not_found.
        """
        update = {"status": status, "output": output, "error": error, "stop_reason": stop_reason}
        update |= {"usage": usage, "turns": turns, "ended": ended, "paused_for": None}
        while True:
            document = (seen or await self.seen(tenant, id)).document
            seen = None
            execution = await self._loaded(tenant, document)
            if not execution.status.is_ended:
                # A cancel that was accepted meanwhile stands.
                is_canceled = execution.status is Status.CANCELING
                execution = execution.model_copy(update=update | (_CANCELED if is_canceled else {}))
                body = await self._body(execution, document.body.get("key"))
                try:
                    changed: Operations = [Put(id, body, if_match=document.etag)]
                    changed += [unmarked(id)] if is_closed else []
                    await self._documents.write(records_of(tenant), changed)
                except Conflict:
                    continue  # ended by another at the same time: look again
            return execution

    async def closed(self, tenant: str, id: str) -> None:
        """All is written that is to be written of its end."""
        await self._running.forget(tenant, id)

    async def stand(
        self,
        tenant: str,
        id: str,
        status: Status,
        instead_of: Collection[Status],
        paused_for: Reached | None = None,
    ) -> Execution:
        """Change the status of one that has not ended, if it is one of these. Returns the record as it then stands.

        `paused_for`: the budget that pauses it. Raises `ProblemError` not_found.
        """
        reached = paused_for.model_dump(mode="json") if paused_for else None
        while True:
            document = await self._documents.get(records_of(tenant), id)
            if document is None:
                raise ProblemError(not_found("execution", id))
            if document.body["status"] not in instead_of:
                return await self._loaded(tenant, document)
            body = {**document.body, "status": status.value, "paused_for": reached}
            try:
                written = await self._documents.write(records_of(tenant), [Put(id, body, if_match=document.etag)])
            except Conflict:
                continue  # changed by another at the same time: look again
            return await self._loaded(tenant, Document(id, body, written.etags[id]))

    async def unpause(self, tenant: str, id: str, reached: Reached) -> None:
        """Take back that this budget has paused it, if that is still so."""
        while True:
            document = await self._documents.get(records_of(tenant), id)
            if document is None or document.body.get("paused_for") != reached.model_dump(mode="json"):
                return
            body = {**document.body, "status": Status.RUNNING.value, "paused_for": None}
            try:
                await self._documents.write(records_of(tenant), [Put(id, body, if_match=document.etag)])
            except Conflict:
                continue  # changed by another at the same time: look again
            return

    async def discard(self, tenant: str, id: str) -> None:
        """Forget an execution that could not be started, and its idempotency key."""
        document = await self._documents.get(records_of(tenant), id)
        if document is not None:
            deletions: Operations = [Delete(id), unmarked(id)]
            if key := document.body.get("key"):
                deletions.append(Delete(key))
            await self._documents.write(records_of(tenant), deletions)
        await self._documents.drop(partition_of(tenant, id))
        await self._artifacts.drop(partition_of(tenant, id))

    async def marks(self, most: int, between: tuple[str, str] = ("0", "g")) -> Marks:
        """The oldest of those that have not ended: id and tenant. It costs no look at their records."""
        return await self._running.first(most, between)

    async def running(self, since: datetime | None = None) -> Found:
        """Every running execution of every tenant, oldest first; or of them only those created since then.

        And those that have ended, but for the end of their log.
        """
        found: Found = []
        marks = await self._running.all(since)
        for first in range(0, len(marks), READ_AT_ONCE):
            found += await self._still_running(marks[first : first + READ_AT_ONCE])
        return found

    async def _still_running(self, marks: Marks) -> Found:
        by_tenant = {tenant: [id for id, of in marks if of == tenant] for _, tenant in marks}
        records = {
            (tenant, id): document
            for tenant, ids in by_tenant.items()
            for id, document in (await self._documents.get_many(records_of(tenant), ids)).items()
        }
        found: Found = []
        for id, tenant in marks:
            # Without a record, its mark is of an earlier release, which was cut off as it recorded the execution.
            if (document := records.get((tenant, id))) is None:
                continue
            execution = await self._loaded(tenant, document)
            if execution.status.is_ended and await self._events.has_ended(tenant, id):
                await self._running.forget(tenant, id)
            else:
                found.append(execution)
        return found

    async def _creation(self, execution: Execution, idempotency: tuple[str, str] | None) -> Operations:
        key = _key_id(idempotency[0]) if idempotency else None
        operations: Operations = [Put(execution.id, await self._body(execution, key), if_absent=True)]
        if key and idempotency:
            body = {"kind": "key", "request": idempotency[1], "execution": execution.id}
            operations.append(Put(key, body, if_absent=True))
        if not execution.status.is_ended:
            operations.append(marked(execution.id))
        if execution.retry_of and not execution.status.is_ended:
            operations.append(await self._kept(execution, execution.retry_of))
        return operations

    async def _kept(self, execution: Execution, source: str) -> Operation:
        """Writes the source's record again as it is: a purge that read it before, and so knows nothing of the new
        execution that needs it, cannot go on.
        """
        record = await self._documents.get(records_of(execution.tenant), source)
        if record is None:
            await self.discard(execution.tenant, execution.id)
            raise ProblemError(not_found("execution", source))
        return Put(source, record.body, if_match=record.etag)

    async def of_key(self, tenant: str, key: str, request: str) -> Execution | None:
        """The execution that this idempotency key started; `ProblemError` conflict if with another request hash."""
        document = await self._documents.get(records_of(tenant), _key_id(key))
        if document is None:
            return None
        if document.body["request"] != request:
            raise conflict(
                "This Idempotency-Key was used before, with another request.",
                "Use a new key for a new request; repeat a key only with the very same request.",
            )
        return await self.get(tenant, document.body["execution"])

    async def _body(self, execution: Execution, key: str | None) -> dict[str, Any]:
        """The record as a document; large payloads leave it, so that listing stays quick."""
        body = {**execution.model_dump(mode="json"), "kind": "execution", "artifacts": {}, "key": key}
        if execution.evaluation is not None:
            body["evaluates"] = execution.evaluation.kind
        body |= {_variant_field(variant): True for variant in execution.variants.values()}
        for payload in _PAYLOADS:
            if size_of(body[payload]) > ARTIFACT_BYTES:
                content = json.dumps(body[payload], ensure_ascii=False, allow_nan=False).encode()
                partition = partition_of(execution.tenant, execution.id)
                body["artifacts"][payload] = await self._artifacts.put(partition, content, "application/json")
                body[payload] = None
        return body

    async def _loaded(self, tenant: str, document: Document) -> Execution:
        body = dict(document.body)
        for payload, ref in body["artifacts"].items():
            body[payload] = json.loads(await self._artifacts.get(partition_of(tenant, document.id), ref))
        return _execution(body)


def _execution(body: dict[str, Any]) -> Execution:
    # Records of earlier releases lack what came later.
    return Execution.model_validate({field: body[field] for field in Execution.model_fields if field in body})


def without_payloads(record: Document) -> Execution:
    """The record as lists show it: `input` and `output` are left out."""
    return _execution({**record.body, "input": None, "output": None})


def _variant_field(variant: str) -> str:
    """What the records of those that had this prompt chosen for them are found by: a name that fields may have."""
    return f"variant_{variant.replace('-', '_').replace('@', 'V')}"


def _key_id(key: str) -> str:
    """Sorts before every execution, so that listing the newest first reads no keys on its way."""
    return f"!key:{hashlib.sha256(key.encode()).hexdigest()}"
