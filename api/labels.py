"""Labels of prompts over HTTP: where they are, who moved them, and moving them."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_json
from api.kinds import PROMPTS, existing
from api.parameters import Continuation, IfMatch, Limit, json_body, rfc3339
from api.preconditions import expected_etag, quoted
from api.shapes import read_shape, request_problem
from domain.base import NAME_PATTERN, Shape
from domain.errors import Code, Detail, Fault, Problem, ProblemError, not_found
from services.identity import Principal
from services.labels import Move, Placed
from services.problems import conflict
from services.wiring import services

router = APIRouter(prefix="/api/prompts/{name}", tags=["prompts"])
LATEST_MOVES = 20
MOST = 100
"""Labels of one prompt."""


class LabelRequest(Shape):
    """Body of `PUT /api/prompts/{name}/labels/{label}`."""

    version: int = Field(ge=1, le=999_999_999, description="The version that the label is on from now.")


@router.get("/labels", summary="Where the prompt's labels are, and their latest moves")
async def list_labels(caller: Caller, name: str) -> Response:
    await existing(PROMPTS, caller.tenant, name)
    placed = await services().labels.list(caller.tenant, name)
    moves, _ = await services().labels.moves(caller.tenant, name, LATEST_MOVES)
    return JSONResponse({"items": [_shown(one) for one in placed], "moves": [_told(move) for move in moves]})


@router.get("/moves", summary="Every move of the prompt's labels, the latest first")
async def list_moves(caller: Caller, name: str, limit: Limit = 50, continuation: Continuation = None) -> Response:
    await existing(PROMPTS, caller.tenant, name)
    moves, more = await services().labels.moves(caller.tenant, name, limit, continuation)
    return JSONResponse({"items": [_told(move) for move in moves], "continuation": more})


@router.put(
    "/labels/{label}",
    summary="Put the label on a version",
    openapi_extra=json_body("LabelRequest"),
)
async def put_label(caller: Caller, name: str, label: str, request: Request, if_match: IfMatch = None) -> Response:
    asked = read_shape(LabelRequest, await read_json(request), request_problem)
    await existing(PROMPTS, caller.tenant, name)
    _check(caller, label)
    if label.isdecimal():
        message = "should not be a number: those are versions"
        raise ProblemError(request_problem((Detail(pointer="/path/label", message=message),)))
    if await services().prompts.get(caller.tenant, name, asked.version) is None:
        message = f"the prompt `{name}` has no version {asked.version}"
        raise ProblemError(request_problem((Detail(pointer="/version", message=message),)))
    await _refuse_more(caller.tenant, name, label)
    return _answer(await _moved(caller, name, label, asked.version, if_match))


@router.delete("/labels/{label}", summary="Take the label away", status_code=204)
async def delete_label(caller: Caller, name: str, label: str, if_match: IfMatch = None) -> Response:
    await existing(PROMPTS, caller.tenant, name)
    _check(caller, label)
    placed = await services().labels.get(caller.tenant, name, label)
    if placed is None or placed.version is None:
        raise ProblemError(not_found("label", label))
    await _moved(caller, name, label, None, if_match)
    return Response(status_code=204)


async def _refuse_more(tenant: str, name: str, label: str) -> None:
    """Raises `ProblemError` conflict for one label too many."""
    placed = {one.label for one in await services().labels.list(tenant, name)}
    if label not in placed and len(placed) >= MOST:
        raise conflict(f"The prompt has {MOST} labels already.", "Take one away that is not needed any more.")


async def _moved(caller: Principal, name: str, label: str, version: int | None, if_match: str | None) -> Placed:
    placed = await services().labels.get(caller.tenant, name, label)
    is_there = placed is not None and placed.version is not None
    expected = expected_etag(if_match, placed.etag if placed and is_there else None)
    return await services().labels.move(caller.tenant, name, label, version, caller.name, expected)


def _check(caller: Principal, label: str) -> None:
    """Raises `ProblemError`: invalid_request for what cannot be a label, forbidden for one the caller must not move."""
    if not re.fullmatch(NAME_PATTERN, label):
        message = "should be lower-case letters, digits and hyphens, at most 63 of them, the first one no hyphen"
        raise ProblemError(request_problem((Detail(pointer="/path/label", message=message),)))
    if label in services().settings.protected_labels and "admin" not in caller.roles:
        raise ProblemError(
            Problem(
                code=Code.FORBIDDEN,
                message=f"The label {label!r} is protected: only an admin moves it.",
                action="Ask an admin to move it, or use another label.",
                fault=Fault.CALLER,
            )
        )


def _answer(placed: Placed) -> Response:
    return JSONResponse(_shown(placed), 200, {"ETag": quoted(placed.etag)})


def _shown(placed: Placed) -> dict[str, Any]:
    return {
        "label": placed.label,
        "version": placed.version,
        "by": placed.by,
        "at": rfc3339(placed.at),
        "protected": placed.label in services().settings.protected_labels,
        "etag": quoted(placed.etag),
    }


def _told(move: Move) -> dict[str, Any]:
    return {"label": move.label, "from": move.before, "to": move.after, "by": move.by, "at": rfc3339(move.at)}
