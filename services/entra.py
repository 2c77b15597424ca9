"""Tokens of Microsoft Entra ID, for endpoints that are used without keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

GetToken = Callable[[], Awaitable[str]]
"""A bearer token, fresh enough to be sent now."""


class NoToken(Exception):
    """Entra ID gave no token; the message says why."""


def credential_of_process() -> AsyncTokenCredential:
    """The identity this process has (of several, AZURE_CLIENT_ID chooses), for SDKs that ask for tokens by themselves.

    Slow to import; whoever asked for it closes it.
    """
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow to import

    return DefaultAzureCredential()


def token_provider(scope: str, client_id: str | None = None) -> GetToken:
    """Tokens of the identity this process has, for `scope`; `client_id` chooses one user-assigned identity.

    The provider raises `NoToken`.
    """
    provide: Callable[[], str] | None = None

    async def get_token() -> str:
        nonlocal provide
        if provide is None:
            provide = await asyncio.to_thread(_default_provider, scope, client_id)
        return await asyncio.to_thread(_get, provide)

    return get_token


def _default_provider(scope: str, client_id: str | None) -> Callable[[], str]:
    from azure.identity import DefaultAzureCredential, get_bearer_token_provider  # noqa: PLC0415 - slow to import

    chosen: dict[str, Any] = {"managed_identity_client_id": client_id} if client_id else {}
    return get_bearer_token_provider(DefaultAzureCredential(**chosen), scope)


def _get(provide: Callable[[], str]) -> str:
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - slow to import

    try:
        return provide()
    except AzureError as error:
        raise NoToken(error.message.splitlines()[0] if error.message else type(error).__name__) from error
