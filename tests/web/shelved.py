"""A library, the models of a deployment, and tools to be tried by hand; and an answer that cites."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.web.stories import Json, Story
from tests.web.tooled import HOSTILE, asks, tool

REFUND = "Money comes back within 14 days, by the way it was paid."
ANSWER = "Within 14 days [refunds.md#3], whatever the weather [weather.md#1]."


def cited() -> Story:
    """A librarian who searches, and cites one passage that was found and one that was not."""
    story = Story("ask-handbook", {"question": "When is money paid back?"}, datetime.now(UTC))
    story.add("step.started", "answer", data={"kind": "agent"})
    story.begin("answer", "librarian")
    asks(story, "answer", 0, "librarian", "", [("search-handbook", {"query": "money paid back"}, {})])
    passage = {"cite": "[refunds.md#3]", "document": "refunds.md", "title": "Refunds › By card", "text": REFUND}
    found = {"collection": "handbook", "passages": [passage]}
    tool(story, "answer/tool[0]", "librarian", "search-handbook", found, 0.2)
    story.begin("answer", "librarian", call="answer#1")
    story.answer("answer", "librarian", ANSWER, 1.2, call="answer#1")
    story.add("step.completed", "answer")
    return story.complete(ANSWER)


class Shelf:
    """The documents of `handbook`, as they are sent and taken away."""

    def __init__(self) -> None:
        self.documents = [
            document("refunds.md", 12, title="Refunds"),
            document("terms.pdf", 40, status="indexing", embedded=16, media_type="application/pdf"),
            document("scan.pdf", 0, status="failed", media_type="application/pdf", error={
                "code": "document_unreadable", "message": "There is no text in it.",
                "action": "Send one with text, not a picture of it.", "fault": "caller",
            }),
        ]  # fmt: skip

    def answers(self) -> dict[str, Json]:
        at = "/api/library/handbook"
        return {
            "GET /api/library": {
                "items": [{"name": "handbook", "documents": 3, "ready": 1, "passages": 52, "bytes": 184_000}]
            },
            f"GET {at}/documents": lambda _request: {"items": self.documents, "continuation": None},
            f"PUT {at}/documents/Opening-hours.md": self.sent,
            f"DELETE {at}/documents/scan.pdf": self.removed,
            f"GET {at}/documents/refunds.md/content": lambda _request: Response(REFUND, media_type="text/markdown"),
            f"POST {at}/search": found(),
            "GET /api/models": models(),
            "GET /api/tools": {"items": tools(), "continuation": None},
            "GET /api/tools/refund": stored("refund"),
            "GET /api/tools/flaky": stored("flaky"),
            "POST /api/tools/refund/call": called,
            "POST /api/tools/flaky/call": {
                "version": 2, "seconds": 1.5, "result": None, "error": {
                    "code": "tool_failed", "message": "Tool `flaky` failed: it answered with status 503.",
                    "action": "Try again later.", "fault": "tool",
                },
            },
        }  # fmt: skip

    def sent(self, _request: Request) -> Response:
        added = document("Opening-hours.md", 3)
        self.documents.append(added)
        return JSONResponse(added, 202)

    def removed(self, _request: Request) -> Response:
        self.documents = [each for each in self.documents if each["name"] != "scan.pdf"]
        return Response(status_code=204)


def document(name: str, passages: int, **facts: Json) -> dict[str, Json]:
    return {
        "collection": "handbook", "name": name, "title": None, "media_type": "text/markdown", "bytes": passages * 1_400,
        "status": "ready", "error": None, "passages": passages, "embedded": passages, "tokens": passages * 320,
        "cost_usd": "0", "by": "ada", "created": "2026-11-20T08:00:00Z", "updated": "2026-11-20T08:00:00Z", **facts,
    }  # fmt: skip


def found() -> Json:
    hits = [
        {"document": "refunds.md", "number": 3, "title": "Refunds › By card", "page": None, "text": REFUND},
        {"document": "terms.pdf", "number": 7, "title": None, "page": 4, "text": f"Nothing is owed. {HOSTILE}"},
    ]
    return {"items": [{**hit, "score": 0.03} for hit in hits], "usage": {"tokens": 6, "cost_usd": "0"}}


def models() -> Json:
    about: dict[str, Json] = {"updated": None, "by": None}
    endpoint = {"provider": "azure-openai", "model": "chat", "base_url": "https://my-resource.openai.azure.com"}
    small = {"provider": "openai", "model": "gpt-4.1-mini", "max_concurrency": 8, "tokens_per_minute": 200_000}
    listed = {"input": "0.40", "output": "1.60", "source": "genai-prices 0.0.71"}
    wrong = {"pointer": "/fallback/0", "message": "there is no model `smal`; did you mean `small`?"}
    cascade = {"first": "small", "accept": "size(text) > 40", "then": "default"}
    items = [
        {"alias": "default", "source": "file", "context_window": 128_000, "price": listed | {"input": "2.00"},
         "model": {**endpoint, "description": "For what matters.", "fallback": ["smal"]}, "mistakes": [wrong], **about},
        {"alias": "local", "source": "settings", "context_window": 8_192, "price": None, **about, "model": {
            "provider": "compatible", "model": "smollm2", "base_url": "http://localhost:8080/v1",
            "tool_calls": "schema",
        }},
        {"alias": "small", "source": "stored", "context_window": 1_047_576, "price": listed, "model": small,
         "updated": "2026-11-20T08:00:00Z", "by": "ada"},
        {"alias": "thrifty", "source": "stored", "context_window": 128_000, "price": None,
         "model": {"cascade": cascade}, "updated": "2026-11-20T08:00:00Z", "by": "ada"},
    ]  # fmt: skip
    return {"items": items, "continuation": None}


def tools() -> list[Json]:
    about = {"version": 2, "updated": "2026-11-20T08:00:00Z"}
    words = {"refund": "Pays an order back.", "flaky": "Works now and then."}
    return [{"name": name, "description": text, **about} for name, text in words.items()]


def stored(name: str) -> Json:
    schema = {
        "type": "object", "required": ["order", "amount"], "properties": {
            "order": {"type": "string", "title": "Order"},
            "amount": {"type": "string", "title": "Amount", "description": "In euros."},
        },
    }  # fmt: skip
    definition = {
        "name": name, "description": "Pays an order back.", "input": schema, "delivery": "idempotent",
        "http": {"method": "POST", "url": "https://pay.example/refunds"}, "approval": {"when": "arguments.amount > 10"},
        "examples": [{"arguments": {"order": "o-9", "amount": "42.50"}}],
    }  # fmt: skip
    return {"version": 2, "updated": "2026-11-20T08:00:00Z", "definition": definition}


def called(request: Request) -> Json:
    assert request.headers["Idempotency-Key"]
    return {"version": 2, "seconds": 0.41, "result": {"refund": "r-77", "note": HOSTILE}, "error": None}
