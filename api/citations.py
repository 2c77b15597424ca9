"""Which passages an execution's answers cite, and which of what they cite was never found."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.executions import existing
from api.paging import Most
from domain.citations import cited, passages_in
from domain.events import Event, EventType
from services.wiring import services

router = APIRouter(prefix="/api/executions/{id}", tags=["executions"])

PAGE = 500
_LEFT_OUT = "text"
"""What a passage says is in the library, and in the log where it was found."""


@router.get("/citations", summary="List what the answers cite, and what of it was never found")
async def citations(caller: Caller, id: str, limit: Most = 1_000) -> Response:
    """By answer, in their order. An agent can only have read what a search of the same execution had found before."""
    execution = await existing(caller, id)
    shown: dict[str, dict[str, Any]] = {}
    items: list[dict[str, Any]] = []
    after = 0
    while page := await services().events.read(execution.tenant, execution.id, after, PAGE):
        for event in page:
            if event.type is EventType.CALL_COMPLETED:
                value = await services().events.value(execution.tenant, execution.id, event)
                for passage in passages_in(value):
                    shown[passage["cite"]] = {key: told for key, told in passage.items() if key != _LEFT_OUT}
                if event.agent is not None and "tool" not in event.data and (found := cited(value)):
                    items.append(_item(event, found, shown))
        after = page[-1].offset
    return JSONResponse({"items": items[:limit], "left_out": len(items[limit:])})


def _item(event: Event, found: tuple[str, ...], shown: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "step": event.step,
        "agent": event.agent,
        "offset": event.offset,
        "cited": [shown[one] for one in found if one in shown],
        "unknown": [one for one in found if one not in shown],
    }
