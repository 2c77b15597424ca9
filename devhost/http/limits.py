"""The limit on a request's body, held while it streams."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from devhost.settings import whole_number

DEFAULT_BODY_LIMIT = 104_857_600  # what Azure's front end takes unless told otherwise


def limit_body(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Wrap `receive` so that a body over `limit` bytes raises 413, at once when its length was announced."""
    announced = dict(scope["headers"]).get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The request body is larger than {limit} bytes.")


def body_limit(environ: Mapping[str, str]) -> int:
    """The limit in bytes that the app setting of Azure's own name asks for, or Azure's default."""
    return whole_number(environ, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", DEFAULT_BODY_LIMIT)
