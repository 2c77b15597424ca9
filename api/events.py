"""What happened in an execution: its log as pages or as a stream, its chats, its large payloads."""

from __future__ import annotations

from typing import Annotated

from azure.durable_functions import EntityId
from fastapi import APIRouter, Header, Query
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.durable import Durable
from api.executions import existing
from api.following import end_offset, follow
from api.streaming import EventStream, framed
from domain.chats import ENTITY, entity_key
from domain.errors import ProblemError, not_found
from services.eventlog import partition_of
from services.wiring import services

router = APIRouter(prefix="/api/executions/{id}", tags=["events"])

Offset = Annotated[int, Query(ge=0, le=2**53, description="Only what comes after this offset.")]
PageLimit = Annotated[int, Query(ge=1, le=1_000)]
LastEventId = Annotated[int | None, Header(ge=0, le=2**53, description="As `after`, and goes before it.")]


@router.get("/events", summary="Read or follow the log", responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    caller: Caller,
    id: str,
    after: Offset = 0,
    limit: PageLimit = 500,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = None,
) -> Response:
    execution = await existing(caller, id)
    if "text/event-stream" in accept.lower():
        first = after if last_event_id is None else last_event_id
        return EventStream(framed(follow(services(), execution.tenant, execution.id, first)))
    page = await services().events.read(execution.tenant, execution.id, after, limit)
    reached = page[-1].offset if page else after
    ended = len(page) < limit and await end_offset(services(), execution.tenant, execution.id, reached) is not None
    shown = [event.model_dump(mode="json") for event in page]
    return JSONResponse({"events": shown, "next": reached, "ended": ended})


@router.get("/chats/{step:path}", summary="Read the shared state of a group chat")
async def chat(caller: Caller, client: Durable, id: str, step: str) -> Response:
    execution = await existing(caller, id)
    state = await client.read_entity_state(EntityId(ENTITY, entity_key(execution.id, step)))
    if not state.entity_exists:
        raise ProblemError(not_found("chat", step))
    return JSONResponse(state.entity_state)


@router.get("/artifacts/{ref}", summary="Read a payload too large for the log")
async def artifact(caller: Caller, id: str, ref: str) -> Response:
    execution = await existing(caller, id)
    content = await services().artifacts.get(partition_of(execution.tenant, execution.id), ref)
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/json", headers=headers)
