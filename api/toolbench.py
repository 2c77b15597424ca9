"""Trying tools, and making them: calls by hand, the functions there are, what an OpenAPI document offers."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Sequence
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from api.auth import Caller, require
from api.bodies import YAML_TYPES, media_type_of, parse_json, parse_yaml, read_bytes, read_json
from api.definitions import existing_definition
from api.parameters import IdempotencyKey, json_body
from api.roles import AUTHOR, OPERATOR
from api.shapes import definition_problem, moved, read_shape, request_problem
from api.starting import checked_key
from domain.base import Shape
from domain.errors import Detail, ProblemError, invalid_input, invalid_request
from domain.openapi import DocumentError, Imported, Left, imported
from domain.secrets import SECRET_PATTERN
from domain.tools import Tool
from domain.validation import check_tool, check_value, pointer
from domain.values import Json
from services.definitions import Stored
from services.tools.client import Attempt
from services.wiring import services

router = APIRouter(prefix="/api/tools", tags=["tools"])
audit = logging.getLogger("meta_agents.audit")

MOST_DOCUMENT = 8_388_608
"""Bytes of an OpenAPI document."""
MOST_VALUES = 1_000_000
TRIERS = (AUTHOR, OPERATOR)
_SMALLER = "Send the part of the document that you need."


class CallRequest(Shape):
    """Body of `POST /api/tools/{name}/call`."""

    arguments: dict[str, Any] = Field(default_factory=dict, description="They must satisfy the tool's `input`.")
    version: int | None = Field(default=None, ge=1, le=999_999_999, description="Default: the latest.")


@router.get("/functions", summary="List the Python functions that tools can be made of")
async def list_functions(caller: Caller) -> Response:
    items = [
        {"name": one.name, "description": one.description, "input": one.input, "takes_key": one.takes_key}
        for one in services().tools.functions.all()
    ]
    return JSONResponse({"items": items})


_DOCUMENT: dict[str, Any] = {"schema": {"type": "object", "description": "An OpenAPI document, version 3.0 or 3.1."}}
_IMPORT = {
    "requestBody": {"required": True, "content": {kind: _DOCUMENT for kind in ("application/json", "application/yaml")}}
}


@router.post(
    "/{name}/call",
    summary="Call the tool once, for real, outside any execution",
    openapi_extra=json_body("CallRequest"),
)
async def call(
    caller: Caller,
    name: str,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The result or the error, and the seconds it took. Nothing is recorded but a line in the audit log."""
    asked = read_shape(CallRequest, await read_json(request), request_problem)
    stored = await existing_definition(services().tool_definitions, "tool", caller.tenant, name, asked.version)
    tool = stored.definition
    require(caller, *(TRIERS if tool.approval is None else tool.approval.roles))
    if complaints := check_value(asked.arguments, tool.input):
        details = tuple(Detail(pointer=pointer(parts), message=message) for parts, message in complaints)
        raise ProblemError(invalid_input("The tool does not take these arguments.", moved(details, "/arguments")))
    if tool.workflow is not None or tool.agent is not None:
        action = f"Start {'workflow' if tool.workflow else 'an execution with agent'} `{tool.workflow or tool.agent}`."
        raise ProblemError(invalid_request("A tool that is a workflow or an agent is not called alone.", action))
    key = f"bench:{uuid.uuid4()}" if idempotency_key is None else checked_key(idempotency_key)
    attempt = Attempt(tool, asked.arguments, key, caller.tenant)
    found, problem, before = None, None, monotonic()
    try:
        found = await services().tools.call(attempt)
    except ProblemError as error:
        problem = error.problem
    seconds = round(monotonic() - before, 3)
    said = "completed" if problem is None else problem.code.value
    about = (caller.tenant, caller.name, tool.name, stored.version, said, seconds)
    audit.info("tool called by hand: tenant=%s by=%s tool=%s version=%s ended=%s seconds=%s", *about)
    return JSONResponse(
        {
            "version": stored.version,
            "seconds": seconds,
            "result": found,
            "error": problem.model_dump(mode="json", exclude_defaults=True) if problem else None,
        }
    )


@router.post("/import", summary="Make tools of the operations of an OpenAPI document", openapi_extra=_IMPORT)
async def import_document(
    caller: Caller,
    request: Request,
    operation: Annotated[list[str] | None, Query(description="Ids; default: all operations.")] = None,
    server: Annotated[
        str | None, Query(max_length=2_000, description="Where the API is, if the document does not say it.")
    ] = None,
    secret: Annotated[
        list[str] | None, Query(description="`scheme:NAME`: the secret that stands for a security scheme.")
    ] = None,
    keep: Annotated[bool, Query(description="false: only show what would be kept.")] = True,
) -> Response:
    document = await _document(request)
    made = await asyncio.to_thread(_made, document, operation, server, _secrets(secret or []))
    return JSONResponse(
        {
            "items": await kept(caller.tenant, made.tools, keep),
            "left": [_left(one) for one in made.left],
            "notes": [_left(one) for one in made.notes],
        }
    )


async def kept(tenant: str, definitions: Sequence[Json], keep: bool) -> list[Json]:
    """What has become of each: `created`, `changed`, `unchanged`, or `shown` when nothing is kept.

    Raises `ProblemError` invalid_definition before any is kept.
    """
    tools = [read_shape(Tool, definition, definition_problem) for definition in definitions]
    for tool, definition in zip(tools, definitions, strict=True):
        if errors := check_tool(tool, definition).errors:
            raise ProblemError(definition_problem(errors))
    items: list[Json] = []
    for tool in tools:
        told = {"name": tool.name, "definition": tool.model_dump(mode="json", exclude_defaults=True)}
        if not keep:
            items.append({"change": "shown", "version": None, **told})
            continue
        stored: Stored[Tool]
        stored, change = await services().tool_definitions.put(tenant, tool.name, tool)
        items.append({"change": change, "version": stored.version, **told})
    return items


async def _document(request: Request) -> Json:
    content = await read_bytes(request, MOST_DOCUMENT, _SMALLER)
    if media_type_of(request) in YAML_TYPES:
        return await asyncio.to_thread(parse_yaml, content)
    return await asyncio.to_thread(parse_json, content, MOST_VALUES)


def _made(document: Json, operations: list[str] | None, server: str | None, secrets: dict[str, str]) -> Imported:
    try:
        return imported(document, operations, server, secrets)
    except DocumentError as error:
        action = "Correct the document or the parameters of the request; nothing was kept."
        raise ProblemError(invalid_request(str(error), action)) from error


def _secrets(given: list[str]) -> dict[str, str]:
    pairs = [text.rpartition(":") for text in given]
    if any(not scheme or not re.match(SECRET_PATTERN, name) for scheme, _, name in pairs):
        details = (Detail(pointer="/query/secret", message="write it as `scheme:NAME`, the name in capitals"),)
        raise ProblemError(request_problem(details))
    return {scheme: name for scheme, _, name in pairs}


def _left(one: Left) -> Json:
    return {"operation": one.operation, "reason": one.reason}
