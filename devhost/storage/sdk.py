"""What the clients of all storage services share of the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict

from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError

from devhost.storage.errors import StorageError, UnreachableError


class _Options(TypedDict):
    api_version: str
    retry_total: int
    initial_backoff: int
    increment_base: int
    random_jitter_range: int


CLIENT_OPTIONS: _Options = {
    "api_version": "2021-12-02",  # one that an Azurite of any recent year knows without being told to skip the check
    # Two retries within two seconds: the SDK's own wait for a quarter of a minute, while somebody waits for an answer.
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 0,
    "random_jitter_range": 1,
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise the SDK's errors as the host's own. A connection string that it cannot read is a `ValueError` to it."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise UnreachableError(_line(error)) from None  # its traceback would bury the line that says it
    except (AzureError, ValueError) as error:
        raise StorageError(_line(error)) from None


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
