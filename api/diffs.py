"""Two executions side by side, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.executions import existing
from domain.diffs import Diff, Subject, diff
from domain.executions import Execution
from domain.summaries import LogReader
from services.wiring import Services, services

router = APIRouter(prefix="/api/executions/{id}", tags=["executions"])

PAGE = 500

Changed = Annotated[bool, Query(description="Only the steps that are not the same.")]
Rows = Annotated[int, Query(ge=1, le=10_000, description="Most steps that are shown; all are compared.")]


@router.get(
    "/diff/{other}", summary="Compare two executions step by step", response_model=Diff, response_class=JSONResponse
)
async def compare(caller: Caller, id: str, other: str, changed: Changed = False, limit: Rows = 1_000) -> Response:
    left, right = [await _subject(services(), await existing(caller, each)) for each in (id, other)]
    made = await asyncio.to_thread(diff, left, right)
    rows = [row for row in made.rows if not changed or row.alignment != "same"]
    shown = made.model_copy(update={"rows": tuple(rows[:limit]), "left_out": len(rows[limit:])})
    return JSONResponse(shown.model_dump(mode="json"))


async def _subject(services: Services, execution: Execution) -> Subject:
    reader, offset = LogReader(), 0
    while page := await services.events.read(execution.tenant, execution.id, offset, PAGE):
        reader.read(page)
        offset = page[-1].offset
    plan = await services.plans.load(execution.tenant, execution.plan)
    return Subject(execution, plan, reader.summary())
