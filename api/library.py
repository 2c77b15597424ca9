"""A tenant's library: documents in collections, sent, listed, read, taken away, and searched."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import media_type_of, read_bytes, read_json
from api.durable import Durable, DurableClient
from api.paging import Most
from api.parameters import Continuation, IfMatch, IfNoneMatch, Limit, json_body
from api.preconditions import expected_etag, only_create, quoted
from api.shapes import read_shape, request_problem
from domain.base import NAME_PATTERN
from domain.errors import ProblemError, invalid_request, not_found
from domain.library import DOCUMENT_PATTERN, ORCHESTRATOR, IndexWork, LibraryDocument, LibrarySearch
from services.library.index import Hit
from services.library.library import Sent
from services.library.reading import MOST_BYTES
from services.library.records import Stored, instance_of
from services.wiring import services

log = logging.getLogger("meta_agents.api")

router = APIRouter(prefix="/api/library", tags=["library"])

Collection = Annotated[str, Path(pattern=NAME_PATTERN, description="Lower-case letters, digits and hyphens.")]
Named = Annotated[str, Path(pattern=DOCUMENT_PATTERN, description="Letters, digits, `.`, `-` and `_`.")]
Title = Annotated[str | None, Query(min_length=1, max_length=300, description="Unset: what the document says itself.")]
_HIDDEN = {"content", "prepared", "superseded"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("text/plain", "text/markdown", "text/html", "application/pdf")
        },
    }
}
_SEND_LESS = "Send it in parts."


@router.get("", summary="List the collections of the library")
async def collections(caller: Caller, limit: Most = 1_000) -> Response:
    found = await services().library.collections(caller.tenant)
    items = [{"name": name, **sums} for name, sums in sorted(found.items())]
    return JSONResponse({"items": items[:limit], "left_out": len(items[limit:])})


@router.delete("/{collection}", summary="Take a collection away with all its documents")
async def delete_collection(
    caller: Caller,
    collection: Collection,
    vectors: Annotated[bool, Query(description="Also forget all vectors of the tenant that are kept.")] = False,
) -> Response:
    """Vectors are kept for when the same text is sent again, in whichever collection. Without them it is paid again."""
    documents = await services().library.delete_collection(caller.tenant, collection)
    forgotten = await services().library.forget_vectors(caller.tenant) if vectors else 0
    return JSONResponse({"documents": documents, "vectors": forgotten})


@router.post("/{collection}/search", summary="Search a collection", openapi_extra=json_body("LibrarySearch"))
async def search(caller: Caller, collection: Collection, request: Request) -> Response:
    asked = read_shape(LibrarySearch, await read_json(request), request_problem)
    found = await services().library.search(caller.tenant, collection, asked)
    cost = None if found.cost_usd is None else str(found.cost_usd)
    items = [_hit(hit) for hit in found.hits]
    return JSONResponse({"items": items, "usage": {"tokens": found.tokens, "cost_usd": cost}})


@router.get("/{collection}/documents", summary="List the documents of a collection by name")
async def documents(
    caller: Caller, collection: Collection, limit: Limit = 50, continuation: Continuation = None
) -> Response:
    page, more = await services().library.list(caller.tenant, collection, limit, continuation)
    return JSONResponse({"items": [_record(document) for document in page], "continuation": more})


@router.put(
    "/{collection}/documents/{name}", status_code=202, summary="Send a document, or a new one in its place",
    openapi_extra=_BODY,
)  # fmt: skip
async def put(
    caller: Caller,
    client: Durable,
    collection: Collection,
    name: Named,
    request: Request,
    title: Title = None,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Text, Markdown, HTML or PDF, whichever it is. It is indexed from here on; until then what was there is found."""
    content = await read_bytes(request, MOST_BYTES, _SEND_LESS)
    if not content:
        raise ProblemError(invalid_request("The body is empty.", "Send the document as the body."))
    sent = Sent(collection, name, content, media_type_of(request), title, caller.name)
    expected = expected_etag(if_match, await _upload(caller.tenant, collection, name)) if if_match else None
    stored, work = await services().library.put(caller.tenant, sent, expected, only_create(if_none_match))
    if work is not None:
        await start(client, work)
    return _shown(stored, 202 if work is not None else 200)


@router.get("/{collection}/documents/{name}", summary="Read how a document stands")
async def document(caller: Caller, collection: Collection, name: Named) -> Response:
    return _shown(await services().library.get(caller.tenant, collection, name), 200)


@router.get("/{collection}/documents/{name}/content", summary="Read a document as it was sent")
async def content(caller: Caller, collection: Collection, name: Named) -> Response:
    stored = await services().library.get(caller.tenant, collection, name)
    sent = await services().library.content(caller.tenant, stored.document)
    # What others wrote is never run as a page of ours.
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(sent, media_type=stored.document.media_type, headers=headers)


@router.delete(
    "/{collection}/documents/{name}", status_code=204, summary="Take a document away with all that was made of it"
)
async def delete(caller: Caller, collection: Collection, name: Named, if_match: IfMatch = None) -> Response:
    expected = expected_etag(if_match, await _upload(caller.tenant, collection, name)) if if_match else None
    await services().library.delete(caller.tenant, collection, name, expected)
    return Response(status_code=204)


async def start(client: DurableClient, work: IndexWork) -> None:
    """Start the work, unless it is there. A failure is only logged: the sweep starts what was not."""
    instance = instance_of(work)
    try:
        if not await client.get_status(instance):
            await client.start_new(ORCHESTRATOR, instance, work.model_dump(mode="json", exclude_defaults=True))
    except Exception:  # the document is accepted; whatever kept its work from being started, it is started later
        log.exception("the indexing of %s could not be started yet", work.document)


async def _upload(tenant: str, collection: str, name: str) -> str | None:
    try:
        return (await services().library.get(tenant, collection, name)).document.upload
    except ProblemError as error:
        if error.problem != not_found("document", name):
            raise
        return None


def _record(document: LibraryDocument) -> dict[str, Any]:
    return document.model_dump(mode="json", exclude=_HIDDEN)


def _shown(stored: Stored, status: int) -> Response:
    document = stored.document
    location = f"/api/library/{document.collection}/documents/{document.name}"
    return JSONResponse(_record(document), status, {"Location": location, "ETag": quoted(document.upload)})


def _hit(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "document": hit.document,
        "number": passage.number,
        "title": passage.title,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "score": hit.score,
    }
