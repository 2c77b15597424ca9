"""What each tenant wants kept for how long, and which executions are on hold."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from domain.errors import ProblemError, not_found
from domain.executions import Hold
from domain.retention import Purged, RetentionPolicy
from services.documents.base import Conflict, Document, DocumentStore, Put
from services.problems import conflict, precondition_failed
from services.running import records_of

if TYPE_CHECKING:
    from services.removal import Durable
    from services.wiring import Services

log = logging.getLogger("meta_agents.retention")

TENANTS = "retention"
"""The one partition that spans tenants: a mark for each that may have something to purge."""
SECONDS = 240.0
"""How long `purge_due` goes on: well within the time that a function is given."""
_POLICY = "policy"


@dataclass(frozen=True)
class StoredPolicy:
    """`etag` names this state of the policy; all but `policy` is None as long as none was set."""

    policy: RetentionPolicy
    updated: datetime | None = None
    by: str | None = None
    etag: str | None = None


class Retention:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def policy(self, tenant: str) -> StoredPolicy:
        """The tenant's policy; without one, everything is kept for ever."""
        document = await self._documents.get(_partition(tenant), _POLICY)
        return _stored(document) if document else StoredPolicy(RetentionPolicy())

    async def put(
        self, tenant: str, policy: RetentionPolicy, by: str, *, if_match: str | None = None, create_only: bool = False
    ) -> StoredPolicy:
        """Replace the policy. Raises `ProblemError` precondition_failed."""
        await self.mark(tenant)  # first: a policy whose tenant is not known would never be followed
        updated = datetime.now(UTC)
        body = {"policy": policy.model_dump(mode="json"), "updated": updated.isoformat(), "by": by}
        try:
            operation = Put(_POLICY, body, if_match=if_match, if_absent=create_only)
            written = await self._documents.write(_partition(tenant), [operation])
        except Conflict as error:
            raise precondition_failed(
                "The retention policy is no longer what you read.",
                "Read it again, redo your change on it, and send that.",
            ) from error
        return StoredPolicy(policy, updated, by, written.etags[_POLICY])

    async def hold(self, tenant: str, id: str, reason: str, by: str) -> None:
        """Keep the execution from being purged, whether it has ended or not. Again for the same reason: no change.

        Raises `ProblemError`: not_found; conflict when it is on hold for another reason.
        """

        def held(before: dict[str, Any] | None) -> dict[str, Any]:
            if before is None:
                return Hold(reason=reason, by=by, since=datetime.now(UTC)).model_dump(mode="json")
            if before["reason"] != reason:
                raise conflict(
                    f"The execution is already on hold, by {before['by']}: {before['reason']}",
                    "Leave it so, or release it first; a hold's reason is never written over.",
                )
            return before

        await self._change_hold(tenant, id, held)

    async def release(self, tenant: str, id: str) -> None:
        """End the hold; without one, no change. Raises `ProblemError` not_found."""
        await self._change_hold(tenant, id, lambda _: None)

    async def mark(self, tenant: str) -> None:
        """Note that this tenant may have something to purge."""
        await self._documents.write(TENANTS, [Put(tenant, {"tenant": tenant})])

    async def tenants(self) -> list[str]:
        """Every tenant that may have something to purge."""
        found: list[str] = []
        continuation: str | None = None
        while True:
            marks, continuation = await self._documents.query(TENANTS, continuation=continuation, limit=200)
            found += [mark.body["tenant"] for mark in marks]
            if continuation is None:
                return found

    async def _change_hold(
        self, tenant: str, id: str, change: Callable[[dict[str, Any] | None], dict[str, Any] | None]
    ) -> None:
        while True:
            record = await self._documents.get(records_of(tenant), id)
            if record is None or record.body["kind"] != "execution":
                raise ProblemError(not_found("execution", id))
            before = record.body.get("hold")
            after = change(before)
            if after == before:
                return
            try:
                changed = Put(id, {**record.body, "hold": after}, if_match=record.etag)
                await self._documents.write(records_of(tenant), [changed])
            except Conflict:
                continue  # it ended, or was changed by another at the same time: look again
            return


async def purge_due(
    services: Services, client: Durable, tenants: Iterable[str], batch: int, *, seconds: float = SECONDS
) -> dict[str, Purged]:
    """What a purge did for each tenant: a batch of each in turn, until nothing is waiting or the time is up.

    What is still waiting then, or could not be removed, is for the next time.
    """
    until = monotonic() + seconds
    done: dict[str, Purged] = {}
    waiting = list(dict.fromkeys(tenants))
    while waiting:
        tenant = waiting.pop(0)
        try:
            purged = await services.purges.batch(client, tenant, batch)
        except Exception:  # one tenant's trouble must not keep the others' executions
            log.exception("the executions of tenant %s could not be purged", tenant)
            continue
        done[tenant] = done.get(tenant, Purged()) + purged
        # One that got nowhere would get nowhere again.
        if purged.more and purged.purged and monotonic() < until:
            waiting.append(tenant)
    for tenant, purged in done.items():
        if purged.purged or purged.failed:
            log.info("tenant %s: %d executions purged, %d failed", tenant, purged.purged, purged.failed)
    return done


def _partition(tenant: str) -> str:
    return f"{tenant}/retention"


def _stored(document: Document) -> StoredPolicy:
    body = document.body
    policy = RetentionPolicy.model_validate(body["policy"])
    return StoredPolicy(policy, datetime.fromisoformat(body["updated"]), body["by"], document.etag)
