"""The library over HTTP: what each request answers, and what its work is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.errors import Fault
from domain.events import Draft, EventType
from domain.library import IndexWork
from services.library import reading
from services.models.problems import rate_limited, refused
from services.wiring import Services
from tests.api.conftest import FakeDurable, problem

URL = "/api/library/handbook/documents"
GUIDE = "# Refunds\n\nMoney comes back within 14 days.\n"


async def work(services: Services, durable: FakeDurable) -> None:
    """What the orchestrations would do."""
    for started in durable.started.values():
        while not (await services.library.part(IndexWork.model_validate(started))).done:
            pass


async def put(api: httpx.AsyncClient, name: str = "guide.md", content: str | bytes = GUIDE, **more: Any) -> Any:
    return await api.put(f"{URL}/{name}", content=content, **more)


async def test_a_document_on_its_way(api: httpx.AsyncClient, durable: FakeDurable, services: Services) -> None:
    answer = await put(api)
    assert answer.status_code == 202
    record = answer.json()
    assert (record["status"], record["name"], record["collection"]) == ("indexing", "guide.md", "handbook")
    assert answer.headers["location"] == f"{URL}/guide.md"
    assert {"content", "prepared", "superseded"}.isdisjoint(record)
    [started] = durable.started.values()
    assert started == {"tenant": "one", "collection": "handbook", "document": "guide.md", "upload": record["upload"]}
    await work(services, durable)
    read = (await api.get(f"{URL}/guide.md")).json()
    assert (read["status"], read["title"], read["passages"], read["by"]) == ("ready", "Refunds", 1, "ann")
    again = await put(api)
    assert (again.status_code, again.json()) == (200, read)
    assert len(durable.started) == 1


async def test_search(api: httpx.AsyncClient, durable: FakeDurable, services: Services) -> None:
    await put(api)
    await put(api, "bread.txt", "Knead flour and water.")
    await work(services, durable)
    found = (await api.post("/api/library/handbook/search", json={"query": "When is my money back?"})).json()
    first = found["items"][0]
    assert (first["document"], first["number"], first["title"], first["text"]) == (
        "guide.md", 1, "Refunds", GUIDE.strip(),
    )  # fmt: skip
    assert found["usage"] == {"tokens": 6, "cost_usd": "0"}
    only = {"query": "money", "documents": ["bread.txt"], "mode": "hybrid", "top": 1}
    [hit] = (await api.post("/api/library/handbook/search", json=only)).json()["items"]
    assert hit["document"] == "bread.txt"


async def test_lists(api: httpx.AsyncClient, durable: FakeDurable, services: Services) -> None:
    for name in ("b.md", "a.md", "c.md"):
        await put(api, name)
    await api.put("/api/library/other/documents/x.txt", content="x")
    page = (await api.get(URL, params={"limit": 2})).json()
    assert [item["name"] for item in page["items"]] == ["a.md", "b.md"]
    rest = (await api.get(URL, params={"continuation": page["continuation"]})).json()
    assert ([item["name"] for item in rest["items"]], rest["continuation"]) == (["c.md"], None)
    await work(services, durable)
    assert (await api.get("/api/library")).json() == {
        "items": [
            {"name": "handbook", "documents": 3, "ready": 3, "passages": 3, "bytes": 3 * len(GUIDE)},
            {"name": "other", "documents": 1, "ready": 1, "passages": 1, "bytes": 1},
        ],
        "left_out": 0,
    }
    short = (await api.get("/api/library", params={"limit": 1})).json()
    assert ([item["name"] for item in short["items"]], short["left_out"]) == (["handbook"], 1)
    assert (await api.get("/api/library/none/documents")).json() == {"items": [], "continuation": None}


async def test_content_is_given_back_and_never_as_a_page(api: httpx.AsyncClient) -> None:
    page = "<html><body><script>alert(1)</script>Hello</body></html>"
    await put(api, "page.html", page)
    answer = await api.get(f"{URL}/page.html/content")
    assert answer.text == page
    assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith("text/html")


async def test_deleting(api: httpx.AsyncClient, durable: FakeDurable, services: Services) -> None:
    etag = (await put(api)).headers["etag"]
    problem(await api.delete(f"{URL}/guide.md", headers={"If-Match": '"other"'}), 412, "precondition_failed")
    assert (await api.delete(f"{URL}/guide.md", headers={"If-Match": etag})).status_code == 204
    problem(await api.delete(f"{URL}/guide.md"), 404, "not_found")
    problem(await api.get(f"{URL}/guide.md/content"), 404, "not_found")
    await work(services, durable)
    await put(api)
    await work(services, durable)
    gone = await api.delete("/api/library/handbook", params={"vectors": "true"})
    assert gone.json() == {"documents": 1, "vectors": 1}
    problem(await api.delete("/api/library/handbook"), 404, "not_found")
    problem(await api.post("/api/library/handbook/search", json={"query": "x"}), 404, "not_found")


async def test_preconditions(api: httpx.AsyncClient) -> None:
    etag = (await put(api, headers={"If-None-Match": "*"})).headers["etag"]
    problem(await put(api, headers={"If-None-Match": "*"}), 412, "precondition_failed")
    changed = await put(api, content="new", headers={"If-Match": etag})
    assert changed.status_code == 202
    problem(await put(api, content="newer", headers={"If-Match": etag}), 412, "precondition_failed")


async def test_what_could_not_be_started_is_started_by_the_sweep(
    api: httpx.AsyncClient, durable: FakeDurable, services: Services
) -> None:
    durable.refuses = True
    assert (await put(api)).status_code == 202
    assert durable.started == {}
    assert len((await services.library.records.marks())[0]) == 1


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/api/library/Hand Book/documents/a.md", "/path/collection"),
        (f"{URL}/-a.md", "/path/name"),
        (f"{URL}/a b", "/path/name"),
    ],
)  # fmt: skip
async def test_names(api: httpx.AsyncClient, path: str, pointer: str) -> None:
    for answer in (await api.put(path, content="x"), await api.get(path)):
        problem(answer, 400, "invalid_request")
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_bodies(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    problem(await put(api, content=b""), 400, "invalid_request")
    no_text = await put(api, content=b"a\xff")
    problem(no_text, 400, "invalid_request")
    assert "byte 1" in no_text.json()["detail"]
    problem(await put(api, content=b"x" * (reading.MOST_BYTES + 1)), 413, "too_large")
    for body in ({}, {"query": ""}, {"query": "x", "top": 51}, {"query": "x", "mode": "magic"}, {"query": "x", "q": 1}):
        problem(await api.post("/api/library/handbook/search", json=body), 400, "invalid_request")


async def test_citations_of_an_execution(
    api: httpx.AsyncClient, other: httpx.AsyncClient, execution: str, services: Services
) -> None:
    passage = {"cite": "[guide.md#1]", "document": "guide.md", "title": "Refunds", "text": "Money"}
    found = {"collection": "handbook", "passages": [passage]}

    def call(number: int, value: Any, **data: Any) -> Draft:
        now, type = datetime.now(UTC), EventType.CALL_COMPLETED
        return Draft(id=f"c{number}", type=type, time=now, step="draft", agent="writer", data=data, value=value)

    drafts = [
        call(1, "Before [guide.md#1]."),
        call(2, found, tool="search"),
        call(3, "After [guide.md#1] and [made-up.md#2]."),
        call(4, "Nothing."),
    ]
    await services.events.append("one", execution, drafts)
    first, second = (await api.get(f"/api/executions/{execution}/citations")).json()["items"]
    assert (first["cited"], first["unknown"]) == ([], ["[guide.md#1]"])
    told = {"collection": "handbook", "cite": "[guide.md#1]", "document": "guide.md", "title": "Refunds"}
    assert (second["step"], second["agent"], second["cited"]) == ("draft", "writer", [told])
    assert second["unknown"] == ["[made-up.md#2]"]
    problem(await other.get(f"/api/executions/{execution}/citations"), 404, "not_found")


async def test_a_model_that_is_not_there_is_a_problem_of_its_own(
    api: httpx.AsyncClient, durable: FakeDurable, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(api)
    await work(services, durable)

    async def limited(texts: Any) -> Any:
        raise rate_limited(7.0)

    monkeypatch.setattr(services.embeddings, "embed", limited)
    busy = await api.post("/api/library/handbook/search", json={"query": "money"})
    problem(busy, 503, "model_rate_limited")
    assert busy.headers["retry-after"] == "7"
    by_words = await api.post("/api/library/handbook/search", json={"query": "money", "mode": "text"})
    assert by_words.json()["items"][0]["document"] == "guide.md"

    async def none() -> str:
        raise refused("No model for embeddings is set up.", "Set EMBEDDING_MODEL.", Fault.PLATFORM)

    monkeypatch.setattr(services.embeddings, "space", none)
    problem(await put(api, "new.md"), 502, "model_refused")
