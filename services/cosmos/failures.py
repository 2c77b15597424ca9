"""What the errors of the `azure-cosmos` client mean, as typed problems. Slow to import."""

from __future__ import annotations

from collections.abc import Mapping

from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from domain.errors import Code, Fault, Problem, ProblemError
from services.retry_after import retry_after

ROLE = "Cosmos DB Built-in Data Contributor"
"""The data-plane role that the app's identity needs on the account. Roles of the control plane don't do."""

_SHOWN = 300
_NEVER_MADE, _OWNER_MISSING = frozenset({None, 0}), 1003
"""Sub-statuses of 404: there is no such item; nor what it would lie in. Others mean that a replica is late."""
_NOT_WRITABLE_HERE, _PARTITION_FULL = frozenset({3, 1008}), 1014
"""Sub-statuses of 403: another region is written in by now; a logical partition has its 20 GB."""
_FORBIDDEN, _ABSENT, _EXISTS, _UNMET, _TOO_LARGE, _THROTTLED = 403, 404, 409, 412, 413, 429
_LATER = frozenset({408, 410, 429, 449})
"""Beside 5xx: too slow, moved, too much, written by others just now. The same request may go well after a moment."""


class CosmosFailure(ProblemError):
    """`passing`: trying again after a moment can help. What was to be written may have been written all the same."""

    def __init__(self, problem: Problem, *, passing: bool) -> None:
        super().__init__(problem)
        self.passing = passing


class Absent(Exception):
    """There is no such item."""


class Unmet(Exception):
    """A condition was not met: what should not be there is, or what should be there is not, or is another by now."""


def outcome_of(error: AzureError) -> Exception:
    """`Absent`, `Unmet`, or the `CosmosFailure` behind an error of the client. Of a batch, absence is `Unmet` too."""
    if not isinstance(error, CosmosHttpResponseError | CosmosBatchOperationError):
        return _unanswered(error)
    status, sub_status, headers = int(error.status_code or 0), error.sub_status, dict(error.headers or {})
    if isinstance(error, CosmosBatchOperationError):
        culprit = (error.operation_responses or [])[error.error_index or 0 :][:1] or [{}]
        sub_status = culprit[0].get("subStatusCode") or sub_status
        headers.setdefault("x-ms-retry-after-ms", str(culprit[0].get("retryAfterMilliseconds") or ""))
    if status in (_EXISTS, _UNMET):
        return Unmet()
    if status == _ABSENT and sub_status in _NEVER_MADE:
        return Unmet() if isinstance(error, CosmosBatchOperationError) else Absent()
    return _failed(status, sub_status, _said(error), headers)


def missing(database: str, container: str) -> CosmosFailure:
    """The container, or its database, is not there."""
    return _not_set_up(
        f"Cosmos DB has no container {container!r} in a database {database!r}.",
        "Deploy infra/bicep, which makes both, or correct COSMOS_DATABASE and the container's setting. "
        "The app's own identity may not make them.",
    )


def closed() -> CosmosFailure:
    problem = _problem("This process is ending: its connection to Cosmos DB is closed.", "Ask again.")
    return CosmosFailure(problem, passing=False)


def too_weak(level: str) -> CosmosFailure:
    return _not_set_up(
        f"The Cosmos DB account answers with {level} consistency: one instance might not see what another wrote.",
        "Set the account's default consistency level to Strong, or to BoundedStaleness where it has several regions.",
    )


def uncertain(message: str) -> CosmosFailure:
    return _passing(message, "Look at what is there, then try again.")


def _failed(status: int, sub_status: int | None, said: str, headers: Mapping[str, str]) -> CosmosFailure:
    if status == _ABSENT and sub_status == _OWNER_MISSING:
        return _not_set_up(
            f"Cosmos DB has no such database or container any more: {said}", "Restore it, or deploy infra/bicep."
        )
    if status in (401, _FORBIDDEN) and sub_status not in _NOT_WRITABLE_HERE:
        return _denied(status, sub_status, said)
    if status == _TOO_LARGE:
        return too_large(f"Cosmos DB takes no more than 2 MB in one request: {said}")
    if status == _THROTTLED:
        wait = {"retry-after-ms": headers.get("x-ms-retry-after-ms", ""), **dict(headers)}
        return _passing(
            "Cosmos DB is asked for more than its throughput allows (429).",
            "Try again later; raise the container's throughput if it happens often.",
            retry_after(wait),
        )
    if status in _LATER or status in (_ABSENT, _FORBIDDEN) or status >= 500:
        return _passing(f"Cosmos DB answered {status}: {said}", "Try again; look at the account's health if it stays.")
    return _refusal(f"Cosmos DB refused the request ({status}): {said}", "Report it: it should not have been asked.")


def too_large(message: str) -> CosmosFailure:
    problem = Problem(
        code=Code.TOO_LARGE,
        message=message,
        action="Write less at once: keep large values as artifacts, and write long lists in several batches.",
        fault=Fault.PLATFORM,
    )
    return CosmosFailure(problem, passing=False)


def _denied(status: int, sub_status: int | None, said: str) -> CosmosFailure:
    if status == _FORBIDDEN and sub_status == _PARTITION_FULL:
        return _not_set_up(
            f"A partition of Cosmos DB is full: {said}", "Remove what is no longer needed: retention, or a collection."
        )
    if status == 401:
        return _not_set_up(
            "Cosmos DB did not accept our credentials (401).",
            "Check COSMOS_KEY; with an identity, that its tenant is the account's and that clocks agree.",
        )
    return _not_set_up(
        f"Cosmos DB does not let us in (403): {said}",
        f"Give the app's identity the role {ROLE!r} on the account, as infra/bicep does, and see that the account's "
        "network rules admit the app.",
    )


def _unanswered(error: AzureError) -> CosmosFailure:
    said = _line(error.message)
    if isinstance(error, ClientAuthenticationError):
        return _not_set_up(
            f"There is no token for Cosmos DB: {said}",
            "Give the app an identity, and its client id in AZURE_CLIENT_ID where it has several.",
        )
    if isinstance(error, ServiceRequestError):
        return _passing(f"Cosmos DB could not be reached: {said}", "Check COSMOS_ENDPOINT and the network, then retry.")
    return _passing(f"Cosmos DB gave no answer: {said}", "Try again; look at the account's health if it stays.")


def _passing(message: str, action: str, wait: float | None = None) -> CosmosFailure:
    return CosmosFailure(_problem(message, action, retry_after=wait), passing=True)


def _not_set_up(message: str, action: str) -> CosmosFailure:
    """Trying again at once is in vain; but it may be put right, and no message of a queue be lost by it."""
    return CosmosFailure(_problem(message, action), passing=False)


def _refusal(message: str, action: str) -> CosmosFailure:
    return CosmosFailure(_problem(message, action, retryable=False), passing=False)


def _problem(message: str, action: str, *, retryable: bool = True, retry_after: float | None = None) -> Problem:
    return Problem(
        code=Code.PLATFORM_FAILED,
        message=message,
        action=action,
        fault=Fault.PLATFORM,
        retryable=retryable,
        retry_after=retry_after,
    )


def _said(error: CosmosHttpResponseError | CosmosBatchOperationError) -> str:
    return _line(str(error.http_error_message or ""))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line[:_SHOWN] + ("…" if len(line) > _SHOWN else "")
