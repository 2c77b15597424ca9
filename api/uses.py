"""Where a definition is used: by which others, in their latest versions, directly and through others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.definitions import Kind
from api.kinds import existing
from api.paging import page_of
from api.parameters import Continuation, Limit
from domain.where_used import Edge, Node, edges_of, uses_of
from domain.where_used import Kind as Word
from services.definitions import Definitions
from services.wiring import Services, services

PAGE = 200
Known = dict[Node, tuple[int | None, tuple[Edge, ...]]]


def uses_router(kind: Kind[Any]) -> APIRouter:
    router = APIRouter(prefix=f"/api/{kind.path}", tags=[kind.path])

    @router.get("/{name}/uses", summary=f"Where the {kind.word} is used, directly and through others")
    async def uses(caller: Caller, name: str, limit: Limit = 50, continuation: Continuation = None) -> Response:
        await existing(kind, caller.tenant, name)
        found = uses_of(Node(cast(Word, kind.word), name), await _everything(services(), caller.tenant))
        page, more = page_of(found, limit, continuation)
        return JSONResponse(
            {
                "items": [use.model_dump(mode="json") for use in page],
                "direct": sum(use.direct for use in found),
                "total": len(found),
                "continuation": more,
            }
        )

    return router


async def _everything(services: Services, tenant: str) -> Known:
    """Every definition that may use another, in its latest version, and the schedules."""
    kinds: list[tuple[Word, Definitions[Any]]] = [
        ("agent", services.agents),
        ("tool", services.tool_definitions),
        ("workflow", services.workflows),
    ]
    found = await asyncio.gather(*(_of_kind(word, shelf, tenant) for word, shelf in kinds))
    schedules = await _all(lambda continuation: services.schedules.list(tenant, PAGE, continuation))
    known = {node: said for one in found for node, said in one.items()}
    for stored in schedules:
        reference = stored.schedule.workflow
        edge = Edge(Node("workflow", reference.partition("@")[0]), reference)
        known[Node("schedule", stored.schedule.name)] = (None, (edge,))
    return known


async def _of_kind(word: Word, shelf: Definitions[Any], tenant: str) -> Known:
    stored = await _all(lambda continuation: shelf.list(tenant, PAGE, continuation))
    return {Node(word, one.definition.name): (one.version, tuple(edges_of(one.definition))) for one in stored}


async def _all(page: Callable[[str | None], Awaitable[tuple[list[Any], str | None]]]) -> list[Any]:
    found: list[Any] = []
    continuation: str | None = None
    while True:
        some, continuation = await page(continuation)
        found += some
        if continuation is None:
            return found
