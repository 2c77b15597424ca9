"""What was used, by day, workflow, agent, model and tool; and by one execution."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.executions import existing
from api.shapes import request_problem
from domain.errors import Detail, ProblemError
from domain.rollups import DIMENSIONS, STEP_DIMENSIONS, Dimension, StepDimension, Sums
from domain.wording import did_you_mean
from services.wiring import services

router = APIRouter(tags=["usage"])

DAYS = 30
"""How many are told of, unless it is said."""
MOST_DAYS = 3_660
MOST_ITEMS = 10_000
TENANT = "tenant"
D = TypeVar("D", Dimension, StepDimension)

By = Annotated[str, Query(max_length=100, description="What the sums are of, with commas between.")]


@router.get("/api/usage", summary="What the tenant's executions have used")
async def usage(
    caller: Caller,
    from_: Annotated[date | None, Query(alias="from", description="First day (UTC); 30 days ago unless said.")] = None,
    to: Annotated[date | None, Query(description="Last day (UTC), included; today unless said.")] = None,
    by: By = "day",
) -> Response:
    """`by`: any of `day`, `tenant`, `workflow`, `agent`, `model` and `tool`. A caller sees its own tenant."""
    last = to or datetime.now(UTC).date()
    first = from_ or last - timedelta(days=DAYS - 1)
    if not 0 <= (last - first).days < MOST_DAYS:
        message = f"must not be later than `to`, nor more than {MOST_DAYS} days before it"
        raise ProblemError(request_problem((Detail(pointer="/query/from", message=message),)))
    dimensions = _dimensions(by, (*DIMENSIONS, TENANT))
    kept: list[Dimension] = [one for one in DIMENSIONS if one in dimensions]
    sums = await services().usage.query(caller.tenant, first, last, kept)
    own = {TENANT: caller.tenant} if TENANT in dimensions else {}
    facts = {"from": first.isoformat(), "to": last.isoformat(), "by": list(dimensions)}
    return _shown(sums, facts, own)


@router.get("/api/executions/{id}/usage", summary="What one execution has used so far")
async def usage_of(caller: Caller, id: str, by: By = "step,agent,model") -> Response:
    """`by`: any of `step`, `agent`, `model` and `tool`."""
    execution = await existing(caller, id)
    dimensions = _dimensions(by, STEP_DIMENSIONS)
    kept: list[StepDimension] = [one for one in STEP_DIMENSIONS if one in dimensions]
    sums = await services().usage.of_execution(caller.tenant, execution.id, kept)
    return _shown(sums, {"by": list(dimensions)}, {})


def _dimensions(by: str, known: Sequence[str]) -> tuple[str, ...]:
    """Raises `ProblemError` invalid_request."""
    asked = tuple(dict.fromkeys(part.strip() for part in by.split(",") if part.strip()))
    for one in asked:
        if one not in known:
            message = f"{one!r} is none of {', '.join(known)}{did_you_mean(one, known)}"
            raise ProblemError(request_problem((Detail(pointer="/query/by", message=message),)))
    return asked


def _shown(sums: Sums, facts: dict[str, Any], own: dict[str, str]) -> Response:
    if len(sums) > MOST_ITEMS:
        message = f"gives {len(sums):,} items; ask for fewer days, or sum over more of them"
        raise ProblemError(request_problem((Detail(pointer="/query/by", message=message),)))
    return JSONResponse({**facts, "items": [{**own, **item} for item in sums.items()], "total": sums.total()})
