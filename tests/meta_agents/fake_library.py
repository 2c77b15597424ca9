"""The library of the stand-in API. A document is indexed the second time somebody looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = Any
FAILS = b"broken"


@dataclass
class FakeLibrary:
    """`documents`: what the API shows of each, by collection and name. One whose content is `FAILS` fails."""

    documents: dict[tuple[str, str], dict[str, Json]] = field(default_factory=dict)
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    looks: int = 0
    sent: Json = None
    """The body of the request that is being answered."""

    def routes(self) -> list[Route]:
        document = "/api/library/{collection}/documents/{name}"
        return [
            Route("/api/library", self._collections),
            Route("/api/library/{collection}", self._delete_collection, methods=["DELETE"]),
            Route("/api/library/{collection}/search", self._search, methods=["POST"]),
            Route("/api/library/{collection}/documents", self._list),
            Route(document, self._get),
            Route(document, self._put, methods=["PUT"]),
            Route(document, self._delete, methods=["DELETE"]),
            Route(f"{document}/content", self._content),
            Route("/api/executions/{execution}/citations", self._citations),
        ]

    def _collections(self, request: Request) -> Response:
        names = sorted({collection for collection, _ in self.documents})
        sums = {"documents": 1, "ready": 1, "passages": 2, "bytes": 3}
        return JSONResponse({"items": [{"name": name, **sums} for name in names]})

    def _delete_collection(self, request: Request) -> Response:
        gone = [key for key in self.documents if key[0] == request.path_params["collection"]]
        for key in gone:
            del self.documents[key]
        vectors = 7 if request.query_params.get("vectors") == "true" else 0
        return JSONResponse({"documents": len(gone), "vectors": vectors})

    def _list(self, request: Request) -> Response:
        items = [self.documents[key] for key in sorted(self.documents) if key[0] == request.path_params["collection"]]
        start = int(request.query_params.get("continuation", 0))
        more = str(start + 1) if start + 1 < len(items) else None
        return JSONResponse({"items": items[start : start + 1], "continuation": more})

    def _get(self, request: Request) -> Response:
        record = self.documents.get(_key(request))
        if record is None:
            problem = {"code": "not_found", "detail": "There is no document.", "action": "Look.", "status": 404}
            return JSONResponse(problem, 404, media_type="application/problem+json")
        self.looks += 1
        if self.looks > 1 and record["status"] == "indexing":
            record |= {"status": "ready", "passages": 2, "embedded": 2}
            if self.contents[_key(request)] == FAILS:
                record |= {"status": "failed", "error": {"code": "invalid_request", "message": "It has no text."}}
        return _shown(record)

    def _put(self, request: Request) -> Response:
        key = _key(request)
        self.contents[key] = self.sent
        self.documents[key] = {
            "collection": key[0], "name": key[1], "title": request.query_params.get("title"), "status": "indexing",
            "media_type": "text/plain", "bytes": len(self.contents[key]), "error": None, "passages": 0, "embedded": 0,
            "tokens": 4, "cost_usd": "0.1", "by": "me", "upload": "1",
            "created": "2026-11-22T12:00:00Z", "updated": "2026-11-22T12:00:00Z",
        }  # fmt: skip
        return _shown(self.documents[key], 202)

    def _delete(self, request: Request) -> Response:
        del self.documents[_key(request)]
        return Response(status_code=204)

    def _content(self, request: Request) -> Response:
        return Response(self.contents[_key(request)])

    def _search(self, request: Request) -> Response:
        passage = {"document": "a.md", "number": 2, "title": "Refunds", "page": 3, "start": 0, "end": 9, "score": 0.5}
        items = [] if self.sent["query"] == "nothing" else [{**passage, "text": "14 days.\x1b[2J"}]
        return JSONResponse({"items": items, "usage": {"tokens": 3, "cost_usd": None}})

    def _citations(self, request: Request) -> Response:
        told = {"cite": "[a.md#2]", "collection": "c", "document": "a.md", "title": "Refunds"}
        item = {"step": "s", "agent": "x", "offset": 9, "cited": [told], "unknown": ["[b#1]"]}
        return JSONResponse({"items": [item]})


def _key(request: Request) -> tuple[str, str]:
    return request.path_params["collection"], request.path_params["name"]


def _shown(record: dict[str, Json], status: int = 200) -> Response:
    return JSONResponse(record, status, {"ETag": '"1"'})
