"""Questions to humans over HTTP: listed across executions, decided once."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_json
from api.durable import Durable
from api.parameters import Continuation, Limit, json_body
from api.shapes import read_shape, request_problem
from domain.approvals import Approval, Decision, State
from domain.errors import Code, Fault, Problem, ProblemError, not_found
from services.approvals import decided
from services.identity import Principal
from services.wiring import services

router = APIRouter(prefix="/api/approvals", tags=["approvals"])

_HIDDEN = {"tenant"}
_ID = re.compile(r"[0-9a-f]{32}-[0-9a-f]{16}")


@router.get("", summary="List questions to humans, those of the latest executions first")
async def list_approvals(
    caller: Caller,
    state: State | None = None,
    execution: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = 50,
    continuation: Continuation = None,
) -> Response:
    page, more = await services().approvals.list(
        caller.tenant, state=state, execution=execution, limit=limit, continuation=continuation
    )
    return JSONResponse({"items": [_shown(approval) for approval in page], "continuation": more})


@router.get("/{id}", summary="Read a question")
async def read(caller: Caller, id: str) -> Response:
    return JSONResponse(_shown(await _existing(caller, id)))


@router.post("/{id}", summary="Decide", openapi_extra=json_body("Decision"))
async def decide(caller: Caller, client: Durable, id: str, request: Request) -> Response:
    approval = await _existing(caller, id)
    made = read_shape(Decision, await read_json(request), request_problem)
    if not approval.may_be_decided_by(caller.roles):
        raise ProblemError(_not_yours(approval))
    async with services().waits.change(client, caller.tenant, approval.execution, approval.step):
        change = decided(caller.name, made.decision, made.comment)
        settled, is_new = await services().approvals.settle(caller.tenant, id, change)
    same = (settled.state, settled.decision, settled.by) == (State.DECIDED, made.decision, caller.name)
    if not is_new and not same:
        raise ProblemError(_too_late(settled))
    return JSONResponse(_shown(settled))


async def _existing(caller: Principal, id: str) -> Approval:
    approval = await services().approvals.get(caller.tenant, id) if _ID.fullmatch(id) else None
    if approval is None:
        raise ProblemError(not_found("approval", id))
    return approval


def _shown(approval: Approval) -> dict[str, Any]:
    return approval.model_dump(mode="json", exclude=_HIDDEN)


def _not_yours(approval: Approval) -> Problem:
    return Problem(
        code=Code.FORBIDDEN,
        message="You may see this question, and not decide it.",
        action=f"Ask someone who has one of the roles {', '.join(approval.roles)}, or is an admin.",
        fault=Fault.CALLER,
    )


def _too_late(approval: Approval) -> Problem:
    how = {
        State.DECIDED: f"{approval.by} decided {approval.decision!r}",
        State.EXPIRED: f"its deadline has passed, and {approval.decision!r} counts",
    }.get(approval.state, "its step was ended, and nobody needs an answer any more")
    return Problem(
        code=Code.CONFLICT,
        message=f"The question is settled: {how}.",
        action="Nothing is left to decide; look at the execution.",
        fault=Fault.CALLER,
    )
