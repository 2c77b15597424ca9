"""The MCP servers of the deployment, and what they offer."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from domain.errors import Code, Fault, Problem, ProblemError, not_found
from services.wiring import services

router = APIRouter(prefix="/api/mcp", tags=["tools"])


@router.get("", summary="List the MCP servers that tools may name")
async def list_servers(caller: Caller) -> Response:
    found = services().tools.mcp.servers(caller.tenant)
    items = [{"name": name, "transport": "http" if server.url else "stdio"} for name, server in found.items()]
    return JSONResponse({"items": items})


@router.get("/{server}/tools", summary="Ask a server for its tools, as definitions that may be kept")
async def list_tools(caller: Caller, server: str) -> Response:
    mcp = services().tools.mcp
    if server not in mcp.servers(caller.tenant):
        raise ProblemError(not_found("MCP server", server))
    try:
        found = await mcp.discover(caller.tenant, server)
    except ProblemError as error:
        raise ProblemError(_away(error.problem)) from error
    items = [{"tool": one.tool, "definition": one.definition, "notes": list(one.notes)} for one in found]
    return JSONResponse({"items": items})


def _away(problem: Problem) -> Problem:
    """What ends a call ends no request: for whoever asks, a part of the deployment is away."""
    if problem.code not in (Code.TOOL_FAILED, Code.TOOL_REFUSED, Code.SECRET_UNAVAILABLE):
        return problem
    about = {"code": Code.PLATFORM_FAILED, "fault": Fault.PLATFORM, "retryable": problem.retryable}
    return problem.model_copy(update=about)
