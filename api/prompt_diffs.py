"""Two versions of a prompt side by side."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.kinds import PROMPTS, existing
from api.parameters import rfc3339
from api.shapes import request_problem
from domain.errors import Detail, ProblemError, not_found
from domain.prompt_definitions import PromptDefinition
from domain.text_diffs import diff_lines
from domain.values import Json
from services.definitions import Stored
from services.wiring import services

router = APIRouter(prefix="/api/prompts/{name}", tags=["prompts"])

Side = Annotated[str | None, Query(max_length=64)]


@router.get("/diff", summary="Compare two versions of the prompt, line by line and word by word")
async def diff(
    caller: Caller,
    name: str,
    before: Annotated[Side, Query(alias="from", description="A version or label; else the one before `to`.")] = None,
    after: Annotated[Side, Query(alias="to", description="A version or label; else the latest version.")] = None,
) -> Response:
    latest = await existing(PROMPTS, caller.tenant, name)
    new = latest if after is None else await _side(caller.tenant, name, after, "to")
    old = await _side(caller.tenant, name, before or str(max(new.version - 1, 1)), "from")
    lines = await asyncio.to_thread(diff_lines, old.definition.template, new.definition.template)
    return JSONResponse(
        {
            "name": name,
            "from": _shown(old),
            "to": _shown(new),
            "same": old.definition == new.definition,
            "lines": [line.model_dump(mode="json", exclude_defaults=True) for line in lines],
            "variables": _variables(old.definition, new.definition),
        }
    )


async def _side(tenant: str, name: str, said: str, field: str) -> Stored[Any]:
    """The version that a number or a label means. Raises `ProblemError`: not_found, invalid_request."""
    if said.isascii() and said.isdecimal():
        if len(said) > 9:
            message = "should be the number of a version, or a label"
            raise ProblemError(request_problem((Detail(pointer=f"/query/{field}", message=message),)))
        return await existing(PROMPTS, tenant, name, int(said))
    placed = await services().labels.get(tenant, name, said)
    if placed is None or placed.version is None:
        raise ProblemError(not_found("label", said))
    return await existing(PROMPTS, tenant, name, placed.version)


def _shown(stored: Stored[Any]) -> dict[str, Json]:
    return {"version": stored.version, "updated": rfc3339(stored.updated), "description": stored.definition.description}


def _variables(old: PromptDefinition, new: PromptDefinition) -> list[dict[str, Json]]:
    """Those that are not the same, by name."""
    found: list[dict[str, Json]] = []
    for name in sorted(old.variables.keys() | new.variables.keys()):
        before, after = old.variables.get(name), new.variables.get(name)
        if before != after:
            kind = "added" if before is None else "removed" if after is None else "changed"
            found.append({"name": name, "kind": kind, "before": before, "after": after})
    return found
