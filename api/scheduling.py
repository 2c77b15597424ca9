"""Schedules over HTTP: kept, paused and resumed, run by hand, and what their next times are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_definition
from api.definitions import named
from api.durable import Durable
from api.executions import record_of
from api.parameters import Continuation, IdempotencyKey, IfMatch, IfNoneMatch, Limit, definition_body, rfc3339
from api.preconditions import expected_etag, only_create, quoted
from api.shapes import definition_problem, read_shape
from api.starting import request_of, resolve_request, start_execution
from domain.base import NAME_PATTERN
from domain.errors import Code, Detail, Problem, ProblemError, not_found
from domain.schedules import Schedule, next_times
from domain.values import Json
from domain.wording import did_you_mean
from services.schedules import StoredSchedule
from services.wiring import Services, services

router = APIRouter(prefix="/api/schedules", tags=["schedules"])

SUGGESTED = 200
"""Most names looked through for the one that was meant."""
_BODY = definition_body("Schedule")


@router.get("", summary="List schedules by name")
async def list_schedules(caller: Caller, limit: Limit = 50, continuation: Continuation = None) -> Response:
    page, more = await services().schedules.list(caller.tenant, limit, continuation)
    return JSONResponse({"items": [_item(stored) for stored in page], "continuation": more})


@router.post("", summary="Create the schedule that the body defines", status_code=201, openapi_extra=_BODY)
async def create(caller: Caller, request: Request) -> Response:
    schedule = await _read(caller.tenant, await read_definition(request))
    return _shown(await services().schedules.create(caller.tenant, schedule, datetime.now(UTC)), 201)


@router.put("/{name}", summary="Create or change the schedule", openapi_extra=_BODY)
async def put(
    caller: Caller, name: str, request: Request, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response:
    schedule = await _read(caller.tenant, named(await read_definition(request), name))
    expected = None
    if if_match is not None:
        existing = await services().schedules.get(caller.tenant, name)
        expected = expected_etag(if_match, existing.etag if existing else None)
    stored, change = await services().schedules.put(
        caller.tenant, schedule, datetime.now(UTC), if_match=expected, create_only=only_create(if_none_match)
    )
    return _shown(stored, 201 if change == "created" else 200)


@router.get("/{name}", summary="Read the schedule, and what came of it")
async def read(caller: Caller, name: str) -> Response:
    return _shown(await _existing(caller.tenant, name), 200)


@router.delete("/{name}", summary="Delete the schedule; executions that it started go on", status_code=204)
async def delete(caller: Caller, name: str, if_match: IfMatch = None) -> Response:
    expected = expected_etag(if_match, (await _existing(caller.tenant, name)).etag)
    if not await services().schedules.delete(caller.tenant, name, expected):
        raise ProblemError(not_found("schedule", name))
    return Response(status_code=204)


@router.post("/{name}/pause", summary="Start nothing until the schedule is resumed")
async def pause(caller: Caller, name: str) -> Response:
    return await _set_paused(caller.tenant, name, True)


@router.post("/{name}/resume", summary="Go on with the next time from now")
async def resume(caller: Caller, name: str) -> Response:
    return await _set_paused(caller.tenant, name, False)


@router.post("/{name}/run", status_code=202, summary="Start an execution now, paused or not")
async def run(caller: Caller, client: Durable, name: str, idempotency_key: IdempotencyKey = None) -> Response:
    schedule = (await _existing(caller.tenant, name)).schedule
    execution = await start_execution(services(), client, caller, request_of(schedule), idempotency_key)
    return JSONResponse(record_of(execution), 202, {"Location": f"/api/executions/{execution.id}"})


@router.get("/{name}/next", summary="The schedule's next times, as if it were not paused")
async def next_of(caller: Caller, name: str, count: Annotated[int, Query(ge=1, le=100)] = 5) -> Response:
    schedule = (await _existing(caller.tenant, name)).schedule
    times = next_times(schedule, datetime.now(UTC), count)
    return JSONResponse({"time_zone": schedule.time_zone, "times": [rfc3339(time) for time in times]})


async def _existing(tenant: str, name: str) -> StoredSchedule:
    """Raises `ProblemError` not_found."""
    # What could not be stored is not looked for: the name would become part of a document's id.
    stored = await services().schedules.get(tenant, name) if re.fullmatch(NAME_PATTERN, name) else None
    if stored is None:
        raise ProblemError(not_found("schedule", name))
    return stored


async def _set_paused(tenant: str, name: str, paused: bool) -> Response:
    await _existing(tenant, name)
    return _shown(await services().schedules.set_paused(tenant, name, paused, datetime.now(UTC)), 200)


async def _read(tenant: str, written: Json) -> Schedule:
    """The schedule that was sent. Raises `ProblemError` invalid_definition with every mistake in it."""
    schedule = read_shape(Schedule, written, definition_problem)
    try:
        await resolve_request(services(), tenant, request_of(schedule))
    except ProblemError as error:
        if error.problem.retryable:
            raise
        details = await _details(services(), tenant, schedule, error.problem)
        raise ProblemError(definition_problem(details)) from error
    return schedule


async def _details(services: Services, tenant: str, schedule: Schedule, problem: Problem) -> tuple[Detail, ...]:
    """What keeps the workflow from being started, as mistakes of the schedule."""
    match problem.code:
        case Code.INVALID_INPUT | Code.INVALID_REQUEST:
            return problem.details
        case Code.NOT_FOUND:
            known, _ = await services.workflows.list(tenant, SUGGESTED)
            names = [stored.definition.name for stored in known]
            message = f"there is no workflow `{schedule.workflow}`{did_you_mean(schedule.workflow, names)}"
        case _:
            mistakes = "; ".join(f"{detail.pointer}: {detail.message}" for detail in problem.details)
            message = f"the workflow cannot be started as it is: {mistakes or problem.message}"
    return (Detail(pointer="/workflow", message=message),)


def _shown(stored: StoredSchedule, status: int) -> Response:
    headers = {"ETag": quoted(stored.etag)}
    if status == 201:
        headers["Location"] = f"/api/schedules/{stored.schedule.name}"
    definition = stored.schedule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return JSONResponse({"definition": definition, **_progress(stored)}, status, headers)


def _item(stored: StoredSchedule) -> dict[str, Json]:
    fields = {"name", "description", "workflow", "cron", "time_zone"}
    return {**stored.schedule.model_dump(include=fields), "etag": quoted(stored.etag), **_progress(stored)}


def _progress(stored: StoredSchedule) -> dict[str, Json]:
    progress = stored.state.model_dump(mode="json", exclude={"since"})
    return {"updated": rfc3339(stored.updated), "paused": stored.schedule.paused, **progress}
