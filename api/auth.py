"""Who is calling. The tenant of every access to data is the one of this principal, never one that a request names."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from domain.errors import Code, Fault, Problem, ProblemError
from services.identity import Principal
from services.wiring import services

_documented = HTTPBearer(auto_error=False, description="The access token of this deployment.")


async def authenticated(request: Request, _: Annotated[object, Depends(_documented)]) -> Principal:
    """The caller behind the request's token. Raises `ProblemError` unauthenticated."""
    return services().authenticate(request.headers.get("authorization"))


def require(caller: Principal, *roles: str) -> None:
    """Raises `ProblemError` forbidden unless the caller has one of the roles, or is an admin."""
    if "admin" not in caller.roles and not any(role in roles for role in caller.roles):
        role = " or ".join(roles)
        problem = Problem(
            code=Code.FORBIDDEN,
            message=f"This is for those with the role {role}.",
            action=f"Ask someone who has the role {role}, or is an admin.",
            fault=Fault.CALLER,
        )
        raise ProblemError(problem)


Caller = Annotated[Principal, Depends(authenticated)]
