"""Executions over HTTP: start, look at, list, and everything that can be asked of one."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller, require
from api.bodies import read_json, read_json_or_nothing
from api.controlling import cancel_execution, pause_execution, resume_execution, send_event
from api.durable import Durable
from api.following import wait_for_end
from api.forking import Changed, ForkRequest, ReplayRequest, fork_execution, replay_execution
from api.parameters import Continuation, IdempotencyKey, Limit, json_body
from api.roles import AUTHOR
from api.shapes import read_shape, request_problem
from api.starting import StartRequest, checked_key, start_execution
from domain.base import NAME_PATTERN, REFERENCE_PATTERN
from domain.errors import Code, Detail, Fault, Problem, ProblemError, not_found
from domain.executions import Execution, Status
from services.identity import Principal
from services.wiring import services

router = APIRouter(prefix="/api/executions", tags=["executions"])

_HIDDEN = {"tenant", "plan", "trace"}
_ID = re.compile(r"[0-9a-f]{32}")

Wait = Annotated[float, Query(ge=0, le=60, allow_inf_nan=False, description="Seconds to wait for its end.")]


async def existing(caller: Principal, id: str) -> Execution:
    """Raises `ProblemError` not_found, whether there is none or it is another tenant's."""
    execution = await services().executions.get(caller.tenant, id) if _ID.fullmatch(id) else None
    if execution is None:
        raise ProblemError(not_found("execution", id))
    return execution


@router.post("", status_code=202, summary="Start an execution", openapi_extra=json_body("StartRequest"))
async def start(
    caller: Caller,
    client: Durable,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = 0,
) -> Response:
    asked = read_shape(StartRequest, await read_json(request), request_problem)
    if asked.definition is not None:
        require(caller, AUTHOR)
    execution = await start_execution(services(), client, caller, asked, idempotency_key)
    if wait:
        execution = await wait_for_end(services(), execution, wait)
    ended = wait and execution.status.is_ended
    return shown(execution, 200 if ended else 202)


@router.get("", summary="List executions, newest first")
async def list_executions(
    caller: Caller,
    status: Status | None = None,
    workflow: Annotated[str | None, Query(max_length=63)] = None,
    variant: Annotated[str | None, Query(max_length=127, description="A prompt chosen by weight: `name@3`.")] = None,
    limit: Limit = 50,
    continuation: Continuation = None,
) -> Response:
    if variant is not None and not re.fullmatch(REFERENCE_PATTERN, variant):
        raise ProblemError(request_problem((Detail(pointer="/query/variant", message="should be `name@version`"),)))
    page, more = await services().executions.list(
        caller.tenant, status=status, workflow=workflow, variant=variant, limit=limit, continuation=continuation
    )
    items = [execution.model_dump(mode="json", exclude=_HIDDEN | {"input", "output"}) for execution in page]
    return JSONResponse({"items": items, "continuation": more})


@router.get("/{id}", summary="Read an execution's record")
async def read(caller: Caller, id: str) -> Response:
    return JSONResponse(record_of(await existing(caller, id)))


@router.post("/{id}/pause", summary="Begin nothing more until it is resumed; what is under way ends")
async def pause(caller: Caller, id: str) -> Response:
    return shown(await pause_execution(services(), await existing(caller, id), caller.name), 200)


@router.post("/{id}/resume", summary="Go on after a pause")
async def resume(caller: Caller, client: Durable, id: str) -> Response:
    return shown(await resume_execution(services(), client, await existing(caller, id), caller.name), 200)


@router.post("/{id}/cancel", status_code=202, summary="End it: calls under way are broken off, finished work is kept")
async def cancel(caller: Caller, client: Durable, id: str, wait: Wait = 0) -> Response:
    record = await cancel_execution(services(), client, await existing(caller, id), caller.name)
    if wait:
        record = await wait_for_end(services(), record, wait)
    return shown(record, 200 if record.status.is_ended else 202)


@router.post("/{id}/retry", status_code=202, summary="Start again what failed, reusing what it finished")
async def retry(caller: Caller, client: Durable, id: str, idempotency_key: IdempotencyKey = None) -> Response:
    execution = await existing(caller, id)
    if execution.status not in (Status.FAILED, Status.CANCELED):
        raise ProblemError(_nothing_to_retry(execution))
    return shown(await fork_execution(services(), client, caller, execution, ForkRequest(), idempotency_key), 202)


@router.post(
    "/{id}/fork",
    status_code=202,
    summary="Start another that takes over what this one did, but for what is changed",
    openapi_extra=json_body("ForkRequest"),
)
async def fork(
    caller: Caller, client: Durable, id: str, request: Request, idempotency_key: IdempotencyKey = None
) -> Response:
    asked = read_shape(ForkRequest, await read_json(request), request_problem)
    _authored(caller, asked)
    execution = await existing(caller, id)
    return shown(await fork_execution(services(), client, caller, execution, asked, idempotency_key), 202)


@router.post(
    "/{id}/replay",
    status_code=202,
    summary="Run one that has ended once more from its log, calling nothing unless told to",
    openapi_extra=json_body("ReplayRequest", required=False),
)
async def replay(
    caller: Caller, client: Durable, id: str, request: Request, idempotency_key: IdempotencyKey = None
) -> Response:
    written = await read_json_or_nothing(request)
    asked = read_shape(ReplayRequest, {} if written is None else written, request_problem)
    _authored(caller, asked)
    execution = await existing(caller, id)
    return shown(await replay_execution(services(), client, caller, execution, asked, idempotency_key), 202)


@router.post("/{id}/events/{name}", status_code=202, summary="Send an event to the step that waits for it, or will")
async def send(
    caller: Caller,
    client: Durable,
    id: str,
    name: str,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body, any JSON, is what the step gives out; without one it is null."""
    execution = await existing(caller, id)
    if not re.fullmatch(NAME_PATTERN, name):
        message = "should be lower-case letters, digits and hyphens, at most 63 of them, the first one no hyphen"
        raise ProblemError(request_problem((Detail(pointer="/path/name", message=message),)))
    value = await read_json_or_nothing(request)
    key = checked_key(idempotency_key) if idempotency_key is not None else None
    event = await send_event(services(), client, execution, name, value, caller.name, key)
    return JSONResponse(event.model_dump(mode="json"), 202)


def _authored(caller: Principal, asked: Changed) -> None:
    """Definitions that are sent along take the role that storing them takes."""
    if asked.workflow is not None or asked.agents:
        require(caller, AUTHOR)


def shown(execution: Execution, status: int) -> Response:
    """The record as every answer about one execution has it."""
    return JSONResponse(record_of(execution), status, {"Location": f"/api/executions/{execution.id}"})


def record_of(execution: Execution) -> dict[str, Any]:
    """The record as callers see it."""
    return execution.model_dump(mode="json", exclude=_HIDDEN)


def _nothing_to_retry(execution: Execution) -> Problem:
    return Problem(
        code=Code.CONFLICT,
        message=f"The execution is {execution.status}; only a failed or canceled one can be retried.",
        action="Wait for its end, or start a new execution.",
        fault=Fault.CALLER,
    )
