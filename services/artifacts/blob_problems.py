"""What the errors of the storage SDK mean, as typed problems. Slow to import.

All can be tried again: what an operator has to mend first, such as a role, is no reason to give up accepted work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from domain.errors import Problem, ProblemError, platform_failed
from services.retry_after import retry_after

ROLE = "Storage Blob Data Contributor"

_SHOWN = 200
_BUSY = (429, 503)
_ARCHIVED = ("BlobArchived", "BlobBeingRehydrated")
_FIREWALL = "AuthorizationFailure"


@asynccontextmanager
async def typed(what: str) -> AsyncIterator[None]:
    """Raise the SDK's errors as `ProblemError` platform_failed; `what` could not be done."""
    try:
        yield
    except TimeoutError as error:
        raise ProblemError(_problem(what, "it did not answer in time")) from error
    except AzureError as error:
        raise ProblemError(_problem_of(what, error)) from error


def _problem_of(what: str, error: AzureError) -> Problem:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, HttpResponseError) and status is not None:
        return _of_status(what, status, error)
    if isinstance(error, ClientAuthenticationError):
        return _problem(
            what, f"there is no token for it: {_line(error)}", "Give the app an identity: AZURE_CLIENT_ID names it."
        )
    if isinstance(error, ServiceRequestError):
        action = "Check BLOB_ENDPOINT or BLOB_CONNECTION_STRING, and that the network leads there."
        return _problem(what, f"it cannot be reached: {_line(error)}", action)
    if isinstance(error, ServiceResponseError | IncompleteReadError) or error.inner_exception is not None:
        return _problem(what, f"the connection was cut: {_line(error)}")
    return _problem(what, _line(error))


def _of_status(what: str, status: int, error: HttpResponseError) -> Problem:
    said = getattr(error, "error_code", None)
    code = str(getattr(said, "value", said) or "")  # the SDK's enum where it knows the code
    if status in _BUSY:
        wait = retry_after(getattr(error.response, "headers", {}))
        return _problem(what, f"it is busy ({status})").model_copy(update={"retry_after": wait})
    if status == 403 and code == _FIREWALL:
        action = "Let the app's network through the storage account's firewall."
        return _problem(what, "the storage account refuses requests from here", action)
    if status in (401, 403):
        action = f"Give the app's identity the role `{ROLE}` on the storage account or the container."
        return _problem(what, f"it does not let this app ({status} {code})", action)
    if status == 404:
        return _problem(what, "its container is not there", "Create the one that BLOB_CONTAINER names.")
    if code in _ARCHIVED:
        action = "Rehydrate the blob, and take the archive tier out of the account's lifecycle rules."
        return _problem(what, "it is in the archive tier", action)
    return _problem(what, f"it answered {status} {code}".rstrip())


def _problem(what: str, why: str, action: str | None = None) -> Problem:
    problem = platform_failed(f"The artifact could not be {what}; Blob storage: {why}.")
    return problem if action is None else problem.model_copy(update={"action": action})


def _line(error: Exception) -> str:
    return (str(error).partition("\n")[0].rstrip(". ") or type(error).__name__)[:_SHOWN]
