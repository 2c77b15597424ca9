"""Questions to humans: one document each, in one partition of the tenant, settled once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from domain.approvals import Approval, State
from domain.errors import Code, Fault, Problem, ProblemError, not_found
from services.documents.base import Conflict, Document, DocumentStore, Put

Found = list[Approval]
Page = tuple[list[Approval], str | None]
ATTEMPTS = 20


def approval_id(execution: str, key: str) -> str:
    """Sorts by the execution's start; the same however often the question is asked."""
    return f"{execution}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


class Approvals:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def get(self, tenant: str, id: str) -> Approval | None:
        document = await self._documents.get(approvals_of(tenant), id)
        return _approval(document) if document else None

    async def list(
        self,
        tenant: str,
        *,
        state: State | None = None,
        execution: str | None = None,
        limit: int = 50,
        continuation: str | None = None,
    ) -> Page:
        """A page, those of the latest executions first."""
        where = {"state": state.value} if state else {}
        if execution:
            where["execution"] = execution
        documents, more = await self._documents.query(
            approvals_of(tenant), where=where, descending=True, continuation=continuation, limit=limit
        )
        return [_approval(document) for document in documents], more

    async def put(self, approval: Approval) -> Approval:
        """Ask, unless it has been asked: the record as it stands. One that was withdrawn is asked anew."""
        partition = approvals_of(approval.tenant)
        document = await self._documents.get(partition, approval.id)
        if document is not None and _approval(document).state is not State.WITHDRAWN:
            return _approval(document)
        etag = document.etag if document else None
        put = Put(approval.id, approval.model_dump(mode="json"), if_match=etag, if_absent=document is None)
        try:
            await self._documents.write(partition, [put])
        except Conflict:
            existing = await self.get(approval.tenant, approval.id)
            if existing is None:
                raise
            return existing
        return approval

    async def settle(self, tenant: str, id: str, change: Callable[[Approval], Approval]) -> tuple[Approval, bool]:
        """Change a pending one; one that is settled stays as it is, and the second part is False.

        Whoever comes first decides, a human or the deadline. Raises `ProblemError` not_found, and what `change` raises.
        """
        for _ in range(ATTEMPTS):
            document = await self._documents.get(approvals_of(tenant), id)
            if document is None:
                break
            approval = _approval(document)
            if approval.state is not State.PENDING:
                return approval, False
            changed = change(approval)
            put = Put(id, changed.model_dump(mode="json"), if_match=document.etag)
            try:
                await self._documents.write(approvals_of(tenant), [put])
            except Conflict:
                continue
            return changed, True
        raise ProblemError(not_found("approval", id))

    async def pending_of(self, tenant: str, execution: str) -> Found:
        """Every open question of an execution."""
        found: Found = []
        continuation: str | None = None
        while True:
            page, continuation = await self.list(
                tenant, state=State.PENDING, execution=execution, limit=200, continuation=continuation
            )
            found.extend(page)
            if continuation is None:
                return found


def decided(by: str, decision: str, comment: str) -> Callable[[Approval], Approval]:
    """The change that a human makes. Raises `ProblemError` when it is none of the options."""

    def change(approval: Approval) -> Approval:
        if decision not in approval.options:
            raise ProblemError(_no_option(approval, decision))
        made = {
            "state": State.DECIDED,
            "decision": decision,
            "comment": comment,
            "by": by,
            "decided": datetime.now(UTC),
        }
        return approval.model_copy(update=made)

    return change


def expired(approval: Approval) -> Approval:
    """The change that the deadline makes."""
    made = {"state": State.EXPIRED, "decision": approval.otherwise, "decided": datetime.now(UTC)}
    return approval.model_copy(update=made)


def withdrawn(approval: Approval) -> Approval:
    """The change when nobody needs the answer any more."""
    return approval.model_copy(update={"state": State.WITHDRAWN, "decided": datetime.now(UTC)})


def _no_option(approval: Approval, decision: str) -> Problem:
    return Problem(
        code=Code.INVALID_REQUEST,
        message=f"{decision!r} is no answer to this question.",
        action=f"Send as `decision` one of: {', '.join(approval.options)}.",
        fault=Fault.CALLER,
    )


def _approval(document: Document) -> Approval:
    return Approval.model_validate(document.body)


def approvals_of(tenant: str) -> str:
    """Partition of a tenant's questions."""
    return f"{tenant}/approvals"
