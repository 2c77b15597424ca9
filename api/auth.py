"""Who is calling. The tenant of every access to data is the one of this principal, never one that a request names."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from api.roles import ADMIN, roles_for
from domain.errors import Code, Fault, Problem, ProblemError
from services.identity import Principal
from services.wiring import services

_documented = HTTPBearer(auto_error=False, description="The access token of this deployment.")


async def authenticated(request: Request, _: Annotated[object, Depends(_documented)]) -> Principal:
    """The caller behind the request's token. Raises `ProblemError`: unauthenticated, forbidden."""
    caller = services().authenticate(request.headers.get("authorization"))
    roles = roles_for(request.method, request.scope["route"].path)
    if roles is not None:
        require(caller, *roles)
    return caller


def require(caller: Principal, *roles: str) -> None:
    """Raises `ProblemError` forbidden unless the caller has one of the roles, or is an admin."""
    if ADMIN not in caller.roles and not any(role in roles for role in caller.roles):
        role = " or ".join(roles or (ADMIN,))
        problem = Problem(
            code=Code.FORBIDDEN,
            message=f"This is for those with the role {role}.",
            action="Ask someone who has it, or an admin.",
            fault=Fault.CALLER,
        )
        raise ProblemError(problem)


Caller = Annotated[Principal, Depends(authenticated)]
