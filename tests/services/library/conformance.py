"""What every maker of the index must do. A maker's tests inherit these and give a fixture `index`.

What is searched for by its words is none of Cosmos DB's stop words (`one`, `old`, `new`…), which it does not find.
"""

from __future__ import annotations

import asyncio

import pytest

from services.embeddings.base import Vector, vector_of
from services.library.index import Hit, Mode, Passage, PassageIndex, Sought, Source

UP, RIGHT, BETWEEN = vector_of([0, 1]), vector_of([1, 0]), vector_of([1, 1])
SPACE = "two"


def source(document: str = "a.md", upload: str = "1", tenant: str = "t1", collection: str = "docs") -> Source:
    return Source(tenant, collection, document, upload)


def passages(*texts: tuple[str, Vector]) -> list[Passage]:
    return [
        Passage(number, f"Title {number}", text, number * 10, number * 10 + 5, number if number > 1 else None, vector)
        for number, (text, vector) in enumerate(texts, start=1)
    ]


def sought(text: str = "", vector: Vector | None = None, **fields: object) -> Sought:
    given: dict[str, object] = {
        "tenant": "t1", "collection": "docs", "text": text, "vector": vector, "space": SPACE, "top": 5, **fields
    }  # fmt: skip
    return Sought(**given)  # type: ignore[arg-type]


def texts(hits: list[Hit]) -> list[str]:
    return [hit.passage.text for hit in hits]


class IndexConformance:
    async def test_words_are_found_as_people_write_them(self, index: PassageIndex) -> None:
        await index.publish(source(), SPACE, passages(("Refunds take 14 days.", UP), ("Café hours", UP)))
        for text in ("refund", "REFUNDED", "how many days?", "14"):
            assert texts(await index.search(sought(text, mode="text"))) == ["Refunds take 14 days."]
        assert texts(await index.search(sought("cafe", mode="text"))) == ["Café hours"]
        assert await index.search(sought("moon", mode="text")) == []

    async def test_a_hit_says_where_it_stands(self, index: PassageIndex) -> None:
        await index.publish(source(), SPACE, passages(("apples", UP), ("pears", RIGHT)))
        [hit] = await index.search(sought("pears", mode="text"))
        found = hit.passage
        assert (hit.document, found.number, found.title, found.start, found.end, found.page) == (
            "a.md", 2, "Title 2", 20, 25, 2,
        )  # fmt: skip

    async def test_titles_count(self, index: PassageIndex) -> None:
        await index.publish(source(), SPACE, passages(("one", UP), ("two", RIGHT)))
        assert texts(await index.search(sought("title", mode="text"))) == ["one", "two"]

    async def test_meaning_is_found_by_nearness(self, index: PassageIndex) -> None:
        await index.publish(source(), SPACE, passages(("one", UP), ("two", RIGHT), ("three", BETWEEN)))
        assert texts(await index.search(sought(vector=UP, mode="vector"))) == ["one", "three", "two"]
        assert texts(await index.search(sought(vector=RIGHT, mode="vector", top=1))) == ["two"]

    async def test_both_together_favour_what_both_find(self, index: PassageIndex) -> None:
        await index.publish(source(), SPACE, passages(("apple pie", RIGHT), ("apple", UP), ("pear", BETWEEN)))
        hits = await index.search(sought("apple pie", UP))
        assert texts(hits)[:2] == ["apple", "apple pie"]
        assert hits[0].score >= hits[1].score > 0

    async def test_vectors_of_another_space_are_not_compared(self, index: PassageIndex) -> None:
        await index.publish(source(), "three", passages(("pears", vector_of([1, 2, 3]))))
        await index.publish(source("b.md"), SPACE, passages(("apples", UP)))
        assert texts(await index.search(sought(vector=UP, mode="vector"))) == ["apples"]
        assert texts(await index.search(sought("pears", UP))) == ["pears", "apples"]

    async def test_only_some_documents(self, index: PassageIndex) -> None:
        for name in ("a.md", "b.md", "c.md"):
            await index.publish(source(name), SPACE, passages((f"word {name}", UP)))
        for mode in ("text", "vector", "hybrid"):
            hits = await index.search(sought("word", UP, mode=mode, documents=("a.md", "c.md")))
            assert sorted(hit.document for hit in hits) == ["a.md", "c.md"]

    async def test_a_new_upload_takes_the_place_of_the_old(self, index: PassageIndex) -> None:
        assert await index.publish(source(upload="1"), SPACE, passages(("red pears", UP), ("red plums", UP)))
        assert await index.publish(source(upload="2"), SPACE, passages(("green pears", UP)))
        assert texts(await index.search(sought("red plums", mode="text"))) == []
        assert texts(await index.search(sought("pears", mode="text"))) == ["green pears"]
        assert texts(await index.search(sought("pears", UP))) == ["green pears"]

    async def test_one_that_comes_late_changes_nothing(self, index: PassageIndex) -> None:
        await index.publish(source(upload="2"), SPACE, passages(("new", UP)))
        assert not await index.publish(source(upload="1"), SPACE, passages(("old", UP)))
        await index.remove(source(upload="1"))
        await index.remove(source(upload="3"), earlier=False)
        assert texts(await index.search(sought(vector=UP))) == ["new"]
        await index.remove(source(upload="3"))
        assert await index.search(sought(vector=UP)) == []

    async def test_published_twice_it_is_there_once(self, index: PassageIndex) -> None:
        for _ in range(2):
            assert await index.publish(source(), SPACE, passages(("once", UP)))
        assert texts(await index.search(sought("once", UP))) == ["once"]

    async def test_what_is_removed_is_gone_by_every_way(self, index: PassageIndex) -> None:
        await index.publish(source(), SPACE, passages(("word one", UP)))
        await index.publish(source("b.md"), SPACE, passages(("word two", UP)))
        await index.remove(source())
        await index.remove(source())
        for mode in ("text", "vector", "hybrid"):
            assert texts(await index.search(sought("word", UP, mode=mode))) == ["word two"]
        await index.remove(source("b.md"))
        assert await index.search(sought("word", UP)) == []
        assert await index.publish(source(), SPACE, passages(("word again", UP)))

    @pytest.mark.parametrize("mode", ["text", "vector", "hybrid"])
    async def test_tenants_and_collections_are_walled(self, index: PassageIndex, mode: Mode) -> None:
        others = [("t2", "docs"), ("t1", "other"), ("t1/docs", ""), ("t", "1/docs")]
        await index.publish(source(), SPACE, passages(("mine word", UP)))
        for tenant, collection in others:
            await index.publish(source(tenant=tenant, collection=collection), SPACE, passages(("word of others", UP)))
        assert texts(await index.search(sought("word", UP, mode=mode))) == ["mine word"]
        for tenant, collection in others:
            await index.remove(source(tenant=tenant, collection=collection))
        assert texts(await index.search(sought("word", UP, mode=mode))) == ["mine word"]

    @pytest.mark.parametrize(
        "text", ['"', "'; DROP TABLE passages; --", "a AND", "title:", "NEAR(", "*", "{x}", "\x00", "", "日本", "-a ^b"]
    )
    async def test_whatever_is_asked_is_only_words(self, index: PassageIndex, text: str) -> None:
        await index.publish(source(), SPACE, passages(("harmless", UP)))
        assert len(await index.search(sought(text, UP))) == 1
        await index.search(sought(text, mode="text"))
        assert texts(await index.search(sought("harmless", mode="text"))) == ["harmless"]

    async def test_writers_at_the_same_time_leave_one_whole_document(self, index: PassageIndex) -> None:
        versions = [passages(*[(f"version {number}", UP)] * 20) for number in range(8)]
        await asyncio.gather(
            *(index.publish(source(upload=str(number)), SPACE, made) for number, made in enumerate(versions))
        )
        assert texts(await index.search(sought("version", UP, top=100))) == ["version 7"] * 20
