"""Definitions over HTTP: one router, made once for each kind."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_definition
from api.parameters import Continuation, IfMatch, IfNoneMatch, Limit, Version, definition_body, rfc3339
from api.preconditions import expected_etag, only_create, quoted
from api.shapes import definition_problem, read_shape
from domain.base import NAME_PATTERN, Definition
from domain.errors import Detail, ProblemError, not_found
from domain.values import Json
from services.definitions import Definitions, Stored
from services.wiring import Services, services

D = TypeVar("D", bound=Definition)
Check = Callable[[Services, str, D, Json], Awaitable[tuple[Detail, ...]]]
"""(services, tenant, definition, as written): what is wrong with it beyond its shape."""


@dataclass(frozen=True)
class Kind(Generic[D]):
    """What one kind of definition has of its own. `word` is its singular, `path` its plural in URLs."""

    word: str
    path: str
    model: type[D]
    of: Callable[[Services], Definitions[D]]
    check: Check[D]
    completed: Callable[[Services, D], D] = lambda _, definition: definition
    """The definition with what it leaves to the deployment."""


def definitions_router(kind: Kind[D]) -> APIRouter:
    router = APIRouter(prefix=f"/api/{kind.path}", tags=[kind.path])
    desk = _Desk(kind)
    body = definition_body(kind.model.__name__)

    @router.get("", summary=f"List {kind.path} by name")
    async def list_definitions(caller: Caller, limit: Limit = 50, continuation: Continuation = None) -> Response:
        page, more = await kind.of(services()).list(caller.tenant, limit, continuation)
        return JSONResponse({"items": [_item(stored) for stored in page], "continuation": more})

    @router.post("", summary=f"Create the {kind.word} that the body defines", status_code=201, openapi_extra=body)
    async def create(caller: Caller, request: Request) -> Response:
        definition = await desk.read(caller.tenant, await read_definition(request))
        stored = await kind.of(services()).create(caller.tenant, definition)
        return desk.shown(stored, 201)

    @router.put("/{name}", summary=f"Make the next version of the {kind.word}", openapi_extra=body)
    async def put(
        caller: Caller,
        name: str,
        request: Request,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        definition = await desk.read(caller.tenant, named(await read_definition(request), name))
        expected = await desk.expected(caller.tenant, name, if_match)
        stored, change = await kind.of(services()).put(
            caller.tenant, name, definition, if_match=expected, create_only=only_create(if_none_match)
        )
        return desk.shown(stored, 201 if change == "created" else 200)

    @router.get("/{name}", summary=f"Read the {kind.word}, the latest version unless another is asked for")
    async def read(caller: Caller, name: str, version: Version = None) -> Response:
        return desk.shown(await desk.existing(caller.tenant, name, version), 200)

    @router.get("/{name}/versions", summary=f"List the {kind.word}'s versions, newest first")
    async def versions(caller: Caller, name: str, limit: Limit = 50, continuation: Continuation = None) -> Response:
        await desk.existing(caller.tenant, name)
        page, more = await kind.of(services()).versions(caller.tenant, name, limit, continuation)
        items = [{"version": stored.version, "updated": rfc3339(stored.updated)} for stored in page]
        return JSONResponse({"items": items, "continuation": more})

    @router.delete("/{name}", summary=f"Hide the {kind.word}; executions that pinned it go on", status_code=204)
    async def delete(caller: Caller, name: str, if_match: IfMatch = None) -> Response:
        expected = expected_etag(if_match, (await desk.existing(caller.tenant, name)).etag)
        if not await kind.of(services()).delete(caller.tenant, name, expected):
            raise ProblemError(not_found(kind.word, name))
        return Response(status_code=204)

    return router


class _Desk(Generic[D]):
    """What the endpoints of one kind share."""

    def __init__(self, kind: Kind[D]) -> None:
        self._kind: Kind[D] = kind

    async def read(self, tenant: str, written: Json) -> D:
        """The definition that was sent. Raises `ProblemError` invalid_definition with every mistake in it."""
        definition = self._kind.completed(services(), read_shape(self._kind.model, written, definition_problem))
        if details := await self._kind.check(services(), tenant, definition, written):
            raise ProblemError(definition_problem(details))
        return definition

    async def existing(self, tenant: str, name: str, version: int | None = None) -> Stored[D]:
        """Raises `ProblemError` not_found."""
        return await existing_definition(self._kind.of(services()), self._kind.word, tenant, name, version)

    async def expected(self, tenant: str, name: str, if_match: str | None) -> str | None:
        if if_match is None:
            return None
        stored = await self._kind.of(services()).get(tenant, name)
        return expected_etag(if_match, stored.etag if stored else None)

    def shown(self, stored: Stored[D], status: int) -> Response:
        headers = {"ETag": quoted(stored.etag)}
        if status == 201:
            headers["Location"] = f"/api/{self._kind.path}/{stored.definition.name}"
        definition = stored.definition.model_dump(mode="json", exclude_defaults=True)
        return JSONResponse(
            {"version": stored.version, "updated": rfc3339(stored.updated), "definition": definition}, status, headers
        )


async def existing_definition(
    definitions: Definitions[D], word: str, tenant: str, name: str, version: int | None = None
) -> Stored[D]:
    """Raises `ProblemError` not_found."""
    # What could not be stored is not looked for: the name would become part of a document's id.
    well_formed = re.fullmatch(NAME_PATTERN, name)
    stored = await definitions.get(tenant, name, version) if well_formed else None
    if stored is None:
        raise ProblemError(not_found(word, name if version is None else f"{name}@{version}"))
    return stored


def named(written: Json, name: str) -> Json:
    """The body with the path's name, unless it has one. Raises `ProblemError` when they differ."""
    if not isinstance(written, dict) or written.get("name") == name:
        return written
    if "name" in written:
        detail = Detail(pointer="/name", message=f"should be `{name}`, as in the path, or be left out")
        raise ProblemError(definition_problem((detail,)))
    return {**written, "name": name}


def _item(stored: Stored[Any]) -> dict[str, Json]:
    return {
        "name": stored.definition.name,
        "version": stored.version,
        "description": stored.definition.description,
        "updated": rfc3339(stored.updated),
        "etag": quoted(stored.etag),
    }
