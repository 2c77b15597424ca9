"""Who is calling. The tenant of every access to data is the one of this principal, never one that a request names."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from services.identity import Principal
from services.wiring import services

_documented = HTTPBearer(auto_error=False, description="The access token of this deployment.")


async def authenticated(request: Request, _: Annotated[object, Depends(_documented)]) -> Principal:
    """The caller behind the request's token. Raises `ProblemError` unauthenticated."""
    return services().authenticate(request.headers.get("authorization"))


Caller = Annotated[Principal, Depends(authenticated)]
