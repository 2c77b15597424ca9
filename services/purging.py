"""Purging what is due by a tenant's policy: oldest first, a batch at a time, never what is on hold or still needed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from domain.errors import ProblemError, not_found
from domain.executions import Execution, Status
from domain.retention import Purged
from services.artifacts.base import ArtifactStore
from services.documents.base import Conflict, Document, DocumentStore
from services.due import PAGE, Due
from services.executions import without_payloads
from services.problems import conflict
from services.removal import Durable, Removal
from services.retention import Retention
from services.running import Running, records_of

log = logging.getLogger("meta_agents.retention")


class Purges:
    def __init__(self, documents: DocumentStore, artifacts: ArtifactStore, retention: Retention) -> None:
        self._documents = documents
        self._running = Running(documents)
        self._retention = retention
        self._removal = Removal(documents, artifacts)

    async def batch(self, client: Durable, tenant: str, most: int, now: datetime | None = None) -> Purged:
        """Remove at most so many of those that are due, after what earlier purges left undone.

        What fails is logged and counted, and the next purge goes on with it.
        """
        batch = _Batch(self._removal, client, tenant, now or datetime.now(UTC))
        begun, more_begun = await self._removal.begun(tenant, most)
        for note in begun:
            await batch.complete(note)
        for note in await self._removal.straggled(tenant, batch.now, most):
            await batch.complete(note, counts=False)
        policy = (await self._retention.policy(tenant)).policy
        due = Due(self._documents, tenant, policy, batch.now)
        more = await self._purge_due(batch, due, most - batch.purged)
        return Purged(
            purged=batch.purged, held=due.held, in_use=batch.in_use, failed=batch.failed, more=more or more_begun
        )

    async def one(self, client: Durable, tenant: str, id: str, now: datetime | None = None) -> None:
        """Remove an ended execution, whatever the policy says. One whose removal was begun is completed.

        Raises `ProblemError`: not_found; conflict when it has not ended, is on hold or still needed; platform_failed
        when it could not be removed whole, which a repetition or the next purge completes.
        """
        note = await self._removal.begun_for(tenant, id)
        while note is None:
            record = await self._documents.get(records_of(tenant), id)
            if record is None or record.body["kind"] != "execution":
                raise ProblemError(not_found("execution", id))
            _check_may_be_removed(without_payloads(record), await self._in_use(tenant))
            await self._retention.mark(tenant)  # so that what is left undone is completed by the daily purge
            try:
                note = await self._removal.begin(tenant, record)
            except Conflict:
                continue  # it was put on hold, retried, or purged by another at the same time: look again
        await self._removal.complete(client, tenant, note, now or datetime.now(UTC))

    async def _purge_due(self, batch: _Batch, due: Due, most: int) -> bool:
        """Remove so many; whether more are due."""
        while records := await due.some(most + 1):
            # Asked after they were read: a retry that is not seen here has since written its source's record again.
            in_use = await self._in_use(batch.tenant)
            for record in records:
                if record.id in in_use:
                    batch.in_use += 1
                elif most == 0:
                    return True
                else:
                    most -= await batch.remove(record)
        return False

    async def _in_use(self, tenant: str) -> set[str]:
        """Those whose answers are reused by one that has not ended."""
        ids = [*await self._running.ids(tenant), *await self._running.earlier(tenant)]
        found: set[str] = set()
        for first in range(0, len(ids), PAGE):
            records = await self._documents.get_many(records_of(tenant), ids[first : first + PAGE])
            for record in records.values():
                if record.body.get("retry_of") and not Status(record.body["status"]).is_ended:
                    found.add(record.body["retry_of"])
        return found


class _Batch:
    """One purge as it goes on."""

    def __init__(self, removal: Removal, client: Durable, tenant: str, now: datetime) -> None:
        self._removal = removal
        self._client = client
        self.tenant = tenant
        self.now = now
        self.purged = self.in_use = self.failed = 0

    async def remove(self, record: Document) -> bool:
        """Whether it was ours to remove."""
        try:
            note = await self._removal.begin(self.tenant, record)
        except Conflict:
            return False  # put on hold, retried, or purged by another since it was read
        await self.complete(note)
        return True

    async def complete(self, note: Document, *, counts: bool = True) -> None:
        try:
            await self._removal.complete(self._client, self.tenant, note, self.now)
        except ProblemError:
            log.warning("execution %s could not be purged whole", note.body["execution"], exc_info=True)
            self.failed += 1
        else:
            self.purged += counts


def _check_may_be_removed(execution: Execution, in_use: set[str]) -> None:
    if not execution.status.is_ended:
        raise conflict(f"The execution is {execution.status}.", "Cancel it or wait for its end, then delete it.")
    if execution.hold:
        raise conflict(
            f"The execution is on hold, by {execution.hold.by}: {execution.hold.reason}",
            "Leave it, or release it first.",
        )
    if execution.id in in_use:
        raise conflict(
            "An execution that has not ended reuses this one's answers.",
            "Wait for the end of that one, or cancel it; then delete this one.",
        )
