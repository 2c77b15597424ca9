"""What every document store must do. A maker's test class inherits `DocumentStoreConformance` and gives two stores.

`store` and `other` are two objects over the same storage, as two processes of one deployment have them.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from domain.errors import Code, ProblemError
from services.documents.base import (
    BATCH_BYTES,
    BATCH_OPERATIONS,
    STREAM,
    Append,
    Conflict,
    Delete,
    Document,
    DocumentStore,
    Last,
    Operation,
    Put,
    beginning_with,
)

P = "acme/things"
NEIGHBOURS = ["acme", "acme/things/", "acme/thing", "ACME/things", "acme/things2", "", "%"]
TEXTS = [
    "日本語 – ünïcödé",
    "\U0001f9d1\u200d\U0001f680",
    "\x00\x1f\x7f",
    "\u2028\ufeff",
    "'; DROP TABLE x; --",
    "\ud800",
    "$%_*?",
]


async def ids_of(store: DocumentStore, partition: str = P, **query: Any) -> list[str]:
    """Ids of all pages."""
    found, continuation = list[str](), None
    while True:
        documents, continuation = await store.query(partition, continuation=continuation, **query)
        found += [document.id for document in documents]
        if continuation is None:
            return found


async def must_get(store: DocumentStore, id: str, partition: str = P) -> Document:
    document = await store.get(partition, id)
    assert document is not None
    return document


class Documents:
    async def test_absent(self, store: DocumentStore) -> None:
        assert await store.get(P, "a") is None
        assert await store.get_many(P, ["a", "b"]) == {}
        assert await store.get_many(P, []) == {}
        assert await store.query(P) == ([], None)

    async def test_patience_changes_neither_order_nor_outcome(self, store: DocumentStore) -> None:
        slow = asyncio.create_task(store.write(P, [Append("first", {})], patient=True))
        await asyncio.sleep(0)
        quick = await store.write(P, [Append("second", {})])
        assert (await slow).offsets | quick.offsets == {"first": 1, "second": 2}
        assert (await store.write(P, [Append("alone", {})], patient=True)).offsets == {"alone": 3}

    async def test_put_is_read_back_by_every_store(self, store: DocumentStore, other: DocumentStore) -> None:
        body = {"n": 1, "list": [None, True, 1.5], "nested": {"": {}}}
        written = await store.write(P, [Put("a", body)])
        assert await store.get(P, "a") == Document("a", body, written.etags["a"])
        assert await other.get(P, "a") == Document("a", body, written.etags["a"])

    async def test_every_put_has_an_etag_of_its_own(self, store: DocumentStore) -> None:
        etags = [(await store.write(P, [Put("a", {"same": True})])).etags["a"] for _ in range(3)]
        assert len(set(etags)) == 3
        assert all(re.fullmatch(r"[!#-~]+", etag) for etag in etags), (
            "it can stand in an HTTP header, in quotation marks"
        )

    async def test_replacing_leaves_nothing_of_the_old_body(self, store: DocumentStore) -> None:
        await store.write(P, [Put("a", {"old": 1})])
        await store.write(P, [Put("a", {"new": 1})])
        assert (await must_get(store, "a")).body == {"new": 1}

    async def test_get_many_takes_any_number_and_repetitions(self, store: DocumentStore) -> None:
        ids = [f"d{number:04}" for number in range(1_000)]
        for start in range(0, 1_000, 50):
            await store.write(P, [Put(id, {"id": id}) for id in ids[start : start + 50]])
        found = await store.get_many(P, [*ids, *ids, "absent"])
        assert sorted(found) == ids
        assert all(document.body == {"id": id} for id, document in found.items())

    @pytest.mark.parametrize(
        "text",
        [
            "日本語 – ünïcödé",
            "🧑‍🚀",
            "\x00\x01\x1f\x7f",
            "\u2028\ufeff",
            "'; DROP TABLE documents; --",
            "\ud800",
            "$%_*?",
        ],
    )
    async def test_text_is_kept_exactly(self, store: DocumentStore, other: DocumentStore, text: str) -> None:
        await store.write(P, [Put("a", {text: text}), Append("e", {"text": text})])
        assert (await must_get(other, "a")).body == {text: text}
        assert await other.read_stream(P, 0) == [(1, "e", {"text": text})]

    async def test_numbers_are_kept_exactly(self, store: DocumentStore) -> None:
        body = {"big": 2**53 - 1, "small": -1, "half": 0.5, "one": 1, "zero": 0}
        await store.write(P, [Put("a", body)])
        assert (await must_get(store, "a")).body == body

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    async def test_what_json_cannot_say_is_refused(self, store: DocumentStore, number: float) -> None:
        with pytest.raises(ValueError, match="JSON"):
            await store.write(P, [Put("a", {}), Put("b", {"n": number})])
        assert await store.get(P, "a") is None

    async def test_large_bodies(self, store: DocumentStore) -> None:
        text = "x" * 1_500_000
        await store.write(P, [Put("a", {"text": text})])
        assert (await must_get(store, "a")).body == {"text": text}

    async def test_what_no_transaction_holds_is_refused_whole(self, store: DocumentStore) -> None:
        at_most: list[Operation] = [Append(f"e{number}", {}) for number in range(BATCH_OPERATIONS)]
        await store.write(P, at_most)
        for too_much in ([*at_most, Put("a", {})], [Put("a", {}), Put("b", {"text": "x" * BATCH_BYTES})]):
            with pytest.raises(ProblemError) as caught:
                await store.write(P, too_much)
            assert caught.value.problem.code is Code.TOO_LARGE
        assert await store.query(P) == ([], None)

    @pytest.mark.parametrize(
        "id", ["/", "..", ".", "a/b?c#d%20\\", " ", "é\U0001f680\x00", "~head", "~", "x" * 5_000, "ü" * 500]
    )
    async def test_any_text_is_an_id(self, store: DocumentStore, other: DocumentStore, id: str) -> None:
        written = await store.write(P, [Put(id, {"n": 1}), Append(id + "e", {"n": 2})])
        assert await other.get(P, id) == Document(id, {"n": 1}, written.etags[id])
        assert await other.read_stream(P, 0) == [(1, id + "e", {"n": 2})]
        assert set(await other.get_many(P, [id, id + "e", id + "x"])) == {id, id + "e"}
        await other.write(P, [Delete(id)])
        assert await store.get(P, id) is None

    async def test_bodies_that_are_hard_to_keep(self, store: DocumentStore, other: DocumentStore) -> None:
        deep: Any = "x"
        for _ in range(400):
            deep = {"": [deep]}
        body = {"big": 2**70, "deep": deep, "\ud800": "\x00\ufdd0", "kind": "odd", "v": "\x00", "list": [-(10**20), 1]}
        await store.write(P, [Put("a", body), Append("e", body)])
        assert (await must_get(other, "a")).body == body
        assert await other.read_stream(P, 0) == [(1, "e", body)]
        assert await ids_of(other, where={"kind": "odd"}) == ["a"]
        assert await ids_of(other, where={"v": "x"}) == []

    async def test_the_body_given_is_not_shared(self, store: DocumentStore) -> None:
        body = {"list": [1]}
        await store.write(P, [Put("a", body)])
        body["list"].append(2)
        assert (await must_get(store, "a")).body == {"list": [1]}

    async def test_delete(self, store: DocumentStore) -> None:
        await store.write(P, [Put("a", {}), Put("b", {})])
        await store.write(P, [Delete("a")])
        assert await ids_of(store) == ["b"]
        await store.write(P, [Delete("a")])


class Conditions:
    async def test_if_match(self, store: DocumentStore) -> None:
        first = (await store.write(P, [Put("a", {"n": 1})])).etags["a"]
        second = (await store.write(P, [Put("a", {"n": 2}, if_match=first)])).etags["a"]
        with pytest.raises(Conflict) as caught:
            await store.write(P, [Put("a", {"n": 3}, if_match=first)])
        assert caught.value.id == "a"
        assert await store.get(P, "a") == Document("a", {"n": 2}, second)

    async def test_if_match_on_what_is_not_there(self, store: DocumentStore) -> None:
        with pytest.raises(Conflict):
            await store.write(P, [Put("a", {}, if_match="etag")])
        with pytest.raises(Conflict):
            await store.write(P, [Delete("a", if_match="etag")])
        assert await store.get(P, "a") is None

    async def test_if_absent(self, store: DocumentStore) -> None:
        await store.write(P, [Put("a", {"n": 1}, if_absent=True)])
        with pytest.raises(Conflict):
            await store.write(P, [Put("a", {"n": 2}, if_absent=True)])
        assert (await must_get(store, "a")).body == {"n": 1}

    async def test_delete_if_match(self, store: DocumentStore) -> None:
        old = (await store.write(P, [Put("a", {})])).etags["a"]
        new = (await store.write(P, [Put("a", {})])).etags["a"]
        with pytest.raises(Conflict):
            await store.write(P, [Delete("a", if_match=old)])
        await store.write(P, [Delete("a", if_match=new)])
        assert await store.get(P, "a") is None

    async def test_an_etag_does_not_survive_deletion(self, store: DocumentStore) -> None:
        old = (await store.write(P, [Put("a", {"n": 1})])).etags["a"]
        await store.write(P, [Delete("a")])
        await store.write(P, [Put("a", {"n": 1})])
        with pytest.raises(Conflict):
            await store.write(P, [Put("a", {}, if_match=old)])

    @pytest.mark.parametrize(
        "failing", [Put("taken", {}, if_absent=True), Put("new", {}, if_absent=True), Delete("taken", if_match="no")]
    )
    async def test_a_batch_is_written_whole_or_not_at_all(self, store: DocumentStore, failing: Operation) -> None:
        await store.write(P, [Put("taken", {"n": 1}), Append("e1", {})])
        with pytest.raises(Conflict):
            await store.write(P, [Put("new", {}), Put("taken", {"n": 2}), Append("e2", {}), failing])
        assert await ids_of(store) == ["taken"]
        assert (await must_get(store, "taken")).body == {"n": 1}
        assert [id for _, id, _ in await store.read_stream(P, 0)] == ["e1"]
        assert (await store.write(P, [Append("e3", {})])).offsets == {"e3": 2}

    async def test_later_operations_see_earlier_ones(self, store: DocumentStore) -> None:
        await store.write(P, [Put("a", {"n": 1}), Delete("a"), Put("a", {"n": 2}, if_absent=True)])
        assert (await must_get(store, "a")).body == {"n": 2}

    async def test_an_empty_batch(self, store: DocumentStore) -> None:
        written = await store.write(P, [])
        assert (written.etags, written.offsets, written.appended) == ({}, {}, frozenset())

    async def test_of_many_who_create_one_succeeds(self, store: DocumentStore, other: DocumentStore) -> None:
        async def create(number: int) -> int:
            try:
                await (store, other)[number % 2].write(P, [Put("a", {"by": number}, if_absent=True)])
            except Conflict:
                return 0
            return 1

        assert sum(await asyncio.gather(*(create(number) for number in range(40)))) == 1

    async def test_no_update_is_lost(self, store: DocumentStore, other: DocumentStore) -> None:
        await store.write(P, [Put("count", {"n": 0})])

        async def count_up(mine: DocumentStore) -> None:
            for _ in range(10):
                while True:
                    document = await must_get(mine, "count")
                    try:
                        await mine.write(P, [Put("count", {"n": document.body["n"] + 1}, if_match=document.etag)])
                    except Conflict:
                        continue
                    break

        await asyncio.gather(*(count_up(mine) for mine in (store, other) * 3))
        assert (await must_get(store, "count")).body == {"n": 60}


class Paging:
    IDS = tuple(f"d{number:02}" for number in range(25))

    async def fill(self, store: DocumentStore) -> None:
        await store.write(P, [Put(id, {"n": int(id[1:]), "even": int(id[1:]) % 2 == 0}) for id in self.IDS])

    @pytest.mark.parametrize("limit", [1, 7, 24, 25, 26])
    async def test_pages_cover_all_once_in_order(self, store: DocumentStore, limit: int) -> None:
        await self.fill(store)
        assert await ids_of(store, limit=limit) == list(self.IDS)
        assert await ids_of(store, limit=limit, descending=True) == list(reversed(self.IDS))

    async def test_a_page_is_no_longer_than_its_limit_and_the_last_says_so(self, store: DocumentStore) -> None:
        await self.fill(store)
        first, more = await store.query(P, limit=24)
        assert (len(first), more is None) == (24, False)
        last, more = await store.query(P, limit=24, continuation=more)
        assert (len(last), more) == (1, None)
        whole, more = await store.query(P, limit=25)
        assert (len(whole), more) == (25, None)

    async def test_where(self, store: DocumentStore) -> None:
        await self.fill(store)
        assert await ids_of(store, where={"even": True}, limit=4) == list(self.IDS[::2])
        assert await ids_of(store, where={"even": False, "n": 3}) == ["d03"]
        assert await ids_of(store, where={"n": 99}) == []
        assert await ids_of(store, where={"unknown": "x"}) == []

    async def test_where_tells_types_apart(self, store: DocumentStore) -> None:
        values = {"int": 1, "bool": True, "text": "1", "null": None, "list": [1], "true": "true"}
        await store.write(P, [Put(id, {"v": value}) for id, value in values.items()])
        assert await ids_of(store, where={"v": 1}) == ["int"]
        assert await ids_of(store, where={"v": True}) == ["bool"]
        assert await ids_of(store, where={"v": "1"}) == ["text"]
        assert await ids_of(store, where={"v": "true"}) == ["true"]

    @pytest.mark.parametrize("text", ["", "ü", "' OR 1=1 --", "%", 'a"b', "\\", "\n"])
    async def test_where_compares_text_exactly(self, store: DocumentStore, text: str) -> None:
        await store.write(P, [Put("a", {"v": text}), Put("b", {"v": f"{text}x"})])
        assert await ids_of(store, where={"v": text}) == ["a"]

    async def test_a_page_goes_on_where_the_one_before_ended_whatever_was_written_since(
        self, store: DocumentStore, other: DocumentStore
    ) -> None:
        await self.fill(store)
        _, more = await store.query(P, limit=10)
        await other.write(P, [Delete("d09"), Delete("d10"), Put("d000", {}), Put("d99", {})])
        rest, _ = await other.query(P, limit=50, continuation=more)
        assert [document.id for document in rest] == [*self.IDS[11:], "d99"]

    @pytest.mark.parametrize("continuation", ["%%%", "a", "ÿ", "gIA", "d05'"])
    async def test_a_made_up_continuation_is_refused(self, store: DocumentStore, continuation: str) -> None:
        await self.fill(store)
        with pytest.raises(ProblemError) as caught:
            await store.query(P, continuation=continuation)
        assert caught.value.problem.code is Code.INVALID_REQUEST

    @pytest.mark.parametrize("descending", [False, True])
    async def test_between(self, store: DocumentStore, descending: bool) -> None:
        await self.fill(store)
        found = await ids_of(store, between=("d05", "d10"), limit=2, descending=descending)
        assert found == sorted(["d05", "d06", "d07", "d08", "d09"], reverse=descending)
        assert await ids_of(store, between=("d05", "d10"), where={"even": True}) == ["d06", "d08"]
        assert await ids_of(store, between=("d05x", "d06")) == []
        assert await ids_of(store, between=("", "d02")) == ["d00", "d01"]
        assert await ids_of(store, between=("d10", "d05")) == []

    async def test_between_goes_by_whole_beginnings(self, store: DocumentStore) -> None:
        ids = ["!a", "a", "a!", "a:", "aÿ", "a\U0001f680", "b", "B", "aa"]
        await store.write(P, [Put(id, {}) for id in ids])
        assert set(await ids_of(store, between=beginning_with("a"))) == {id for id in ids if id.startswith("a")}
        assert await ids_of(store, between=beginning_with("a:")) == ["a:"]
        assert await ids_of(store, between=beginning_with("%")) == []

    async def test_ids_are_in_the_order_of_code_points(self, store: DocumentStore) -> None:
        ids = [
            "",
            "\x01",
            " ",
            "!",
            "!!",
            "~",
            "~a",
            "a",
            "a\x00",
            "a!",
            "aa",
            "A",
            "}",
            "\x7f",
            "é",
            "\uffff",
            "\U0001f680",
        ]
        wanted = [id for id in ids if id]
        await store.write(P, [Put(id, {}) for id in wanted])
        assert await ids_of(store, limit=3) == sorted(wanted)
        assert await ids_of(store, limit=3, descending=True) == sorted(wanted, reverse=True)
        for first in ids:
            for end in ids:
                assert await ids_of(store, between=(first, end)) == sorted(id for id in wanted if first <= id < end)

    async def test_the_stream_is_not_among_the_documents(self, store: DocumentStore) -> None:
        await store.write(P, [Put("a", {}), Append("b", {}), Put("c", {})])
        assert await ids_of(store) == ["a", "c"]


class Stream:
    async def test_offsets_count_from_one(self, store: DocumentStore, other: DocumentStore) -> None:
        first = await store.write(P, [Append("x", {"n": 1}), Append("y", {"n": 2})])
        second = await other.write(P, [Append("z", {"n": 3})])
        assert (first.offsets, first.appended) == ({"x": 1, "y": 2}, frozenset({"x", "y"}))
        assert (second.offsets, second.appended) == ({"z": 3}, frozenset({"z"}))
        assert await store.read_stream(P, 0) == [(1, "x", {"n": 1}), (2, "y", {"n": 2}), (3, "z", {"n": 3})]

    async def test_reading_from_any_offset(self, store: DocumentStore) -> None:
        assert await store.read_stream(P, 0) == []
        await store.write(P, [Append(f"e{number}", {}) for number in range(1, 11)])
        assert [offset for offset, _, _ in await store.read_stream(P, 7)] == [8, 9, 10]
        assert [offset for offset, _, _ in await store.read_stream(P, 2, limit=3)] == [3, 4, 5]
        assert await store.read_stream(P, 10) == []
        assert await store.read_stream(P, 10**30) == []

    async def test_appending_again_changes_nothing(self, store: DocumentStore, other: DocumentStore) -> None:
        await store.write(P, [Append("x", {"n": 1}), Append("y", {})])
        again = await other.write(P, [Append("x", {"n": 2}), Append("z", {})])
        assert (again.offsets, again.appended) == ({"x": 1, "z": 3}, frozenset({"z"}))
        assert (await store.read_stream(P, 0))[0] == (1, "x", {"n": 1})

    async def test_an_id_twice_in_one_batch(self, store: DocumentStore) -> None:
        written = await store.write(P, [Append("x", {"n": 1}), Append("x", {"n": 2}), Append("y", {})])
        assert (written.offsets, written.appended) == ({"x": 1, "y": 2}, frozenset({"x", "y"}))
        assert await store.read_stream(P, 0) == [(1, "x", {"n": 1}), (2, "y", {})]

    async def test_entries_are_found_by_id_with_their_offset(self, store: DocumentStore) -> None:
        await store.write(P, [Append("x", {"n": 1}), Append("y", {"n": 2}), Put("d", {"n": 3})])
        found = await store.get_many(P, ["y", "d", "absent"])
        assert {id: document.body for id, document in found.items()} == {"y": {"n": 2, "offset": 2}, "d": {"n": 3}}
        assert (await must_get(store, "x")).body == {"n": 1, "offset": 1}

    async def test_documents_and_entries_share_one_name_space(self, store: DocumentStore) -> None:
        await store.write(P, [Append("entry", {}), Put("document", {})])
        for clash in (Put("entry", {}), Delete("entry"), Append("document", {})):
            with pytest.raises(Conflict):
                await store.write(P, [clash])

    async def test_concurrent_appends_leave_no_gap_and_nothing_twice(
        self, store: DocumentStore, other: DocumentStore
    ) -> None:
        async def append(number: int) -> None:
            mine, shared = (store, other)[number % 2], f"shared{number // 3}"
            await mine.write(P, [Append(f"own{number}", {"n": number}), Append(shared, {"by": number})])

        await asyncio.gather(*(append(number) for number in range(60)))
        entries = await store.read_stream(P, 0)
        assert [offset for offset, _, _ in entries] == list(range(1, 81))
        assert len({id for _, id, _ in entries}) == 80

    async def test_a_reader_never_sees_a_later_offset_before_an_earlier_one(
        self, store: DocumentStore, other: DocumentStore
    ) -> None:
        async def write() -> None:
            for number in range(50):
                await store.write(P, [Append(f"e{number}", {})])

        writing = asyncio.create_task(write())
        seen: list[int] = []
        while len(seen) < 50:
            seen += [offset for offset, _, _ in await other.read_stream(P, len(seen))]
            assert seen == list(range(1, len(seen) + 1))
        await writing

    async def test_a_write_on_condition_that_the_stream_has_not_moved(
        self, store: DocumentStore, other: DocumentStore
    ) -> None:
        first = await store.write(P, [Last(0), Append("a", {}), Append("b", {})])
        assert first.offsets == {"a": 1, "b": 2}
        assert (await other.write(P, [Last(2), Put("beside", {}), Append("a", {}), Append("c", {})])).offsets == {
            "a": 1,
            "c": 3,
        }
        for offset in (0, 2, 4):
            with pytest.raises(Conflict) as refused:
                await store.write(P, [Last(offset), Append("d", {}), Put("e", {})])
            assert refused.value.id == STREAM
        assert await store.get_many(P, ["d", "e"]) == {}
        await store.write(P, [Last(3), Put("e", {})])
        assert await store.get(P, "e") is not None
        await store.drop(P)
        assert (await store.write(P, [Last(0), Append("a", {})])).offsets == {"a": 1}

    async def test_documents_do_not_move_the_stream(self, store: DocumentStore, other: DocumentStore) -> None:
        await store.write(P, [Append("a", {}), Put("b", {})])
        await other.write(P, [Put("b", {"n": 2}), Delete("c"), Append("a", {"again": True})])
        assert (await store.write(P, [Last(1), Append("d", {})])).offsets == {"d": 2}

    async def test_who_appends_is_told_of_flags(self, store: DocumentStore, other: DocumentStore) -> None:
        assert (await store.write(P, [Append("a", {}), Put("fla", {})])).flags == frozenset()
        await other.write(P, [Put("flag:x", {})])
        assert (await store.write(P, [Append("b", {})])).flags == {"flag:x"}
        assert (await store.write(P, [Last(2), Append("b", {}), Put("flag:y", {})])).flags == {"flag:x", "flag:y"}
        await other.write(P, [Delete("flag:x")])
        assert (await store.write(P, [Append("c", {})])).flags == {"flag:y"}
        assert (await store.get_many(P, ["flag:x", "flag:y"])).keys() == {"flag:y"}
        await store.drop(P)
        assert (await store.write(P, [Append("a", {})])).flags == frozenset()

    async def test_a_flag_may_be_there_before_the_stream(self, store: DocumentStore, other: DocumentStore) -> None:
        await other.write(P, [Put("flag:x", {"n": 1})])
        written = await store.write(P, [Last(0), Append("a", {})])
        assert (written.flags, written.offsets) == (frozenset({"flag:x"}), {"a": 1})
        assert (await must_get(store, "flag:x")).body == {"n": 1}

    async def test_of_many_who_saw_the_same_end_one_goes_on(self, store: DocumentStore, other: DocumentStore) -> None:
        writes = ((store, other)[n % 2].write(P, [Last(0), Append(f"e{n}", {})]) for n in range(10))
        found = await asyncio.gather(*writes, return_exceptions=True)
        assert [one.id for one in found if isinstance(one, Conflict)] == [STREAM] * 9
        assert len(await store.read_stream(P, 0)) == 1


class Walls:
    @pytest.mark.parametrize("neighbour", NEIGHBOURS)
    async def test_nothing_reaches_into_another_partition(self, store: DocumentStore, neighbour: str) -> None:
        mine = (await store.write(P, [Put("a", {"whose": "mine"}), Append("e", {})])).etags["a"]
        assert await store.get(neighbour, "a") is None
        assert await store.get_many(neighbour, ["a", "e"]) == {}
        assert await store.query(neighbour, where={"whose": "mine"}) == ([], None)
        assert await store.read_stream(neighbour, 0) == []
        with pytest.raises(Conflict):
            await store.write(neighbour, [Put("a", {}, if_match=mine)])
        await store.write(neighbour, [Delete("a"), Put("a", {"whose": "theirs"}, if_absent=True)])
        assert (await store.write(neighbour, [Append("e", {})])).offsets == {"e": 1}
        assert await store.get(P, "a") == Document("a", {"whose": "mine"}, mine)
        assert len(await store.read_stream(P, 0)) == 1

    async def test_a_continuation_stays_within_the_partition_it_is_used_on(self, store: DocumentStore) -> None:
        await store.write("acme", [Put(id, {"of": "acme"}) for id in "abc"])
        await store.write("other", [Put(id, {"of": "other"}) for id in "abc"])
        _, more = await store.query("acme", limit=1)
        documents, _ = await store.query("other", continuation=more)
        assert all(document.body == {"of": "other"} for document in documents)


class Dropping:
    async def test_the_partition_is_as_new(self, store: DocumentStore, other: DocumentStore) -> None:
        old = (await store.write(P, [Put("a", {"n": 1}), Append("e", {}), Append("f", {})])).etags["a"]
        await store.drop(P)
        assert await other.get_many(P, ["a", "e", "f"]) == {}
        assert await other.query(P) == ([], None)
        assert await other.read_stream(P, 0) == []
        with pytest.raises(Conflict):
            await store.write(P, [Put("a", {}, if_match=old)])
        assert (await other.write(P, [Append("f", {"new": True}), Put("e", {})])).offsets == {"f": 1}

    async def test_however_much_it_holds(self, store: DocumentStore) -> None:
        for start in range(0, 1_000, 50):
            numbers = range(start, start + 50)
            await store.write(P, [Append(f"e{number}", {}) for number in numbers])
            await store.write(P, [Put(f"d{number}", {}) for number in numbers])
        await store.drop(P)
        assert await store.read_stream(P, 0) == []
        assert await store.query(P) == ([], None)

    async def test_again_and_of_what_is_not_there(self, store: DocumentStore, other: DocumentStore) -> None:
        await store.drop(P)
        await store.write(P, [Put("a", {}), Append("e", {})])
        await asyncio.gather(store.drop(P), other.drop(P), store.drop(P))
        await store.drop(P)
        assert await store.query(P) == ([], None)

    @pytest.mark.parametrize("neighbour", NEIGHBOURS)
    async def test_nothing_of_another_partition(self, store: DocumentStore, neighbour: str) -> None:
        written = await store.write(neighbour, [Put("a", {}), Append("e", {})])
        await store.write(P, [Put("a", {}), Append("e", {})])
        await store.drop(P)
        assert await store.get(neighbour, "a") == Document("a", {}, written.etags["a"])
        assert await store.read_stream(neighbour, 0) == [(1, "e", {})]

    async def test_who_writes_meanwhile_is_never_left_half_done(
        self, store: DocumentStore, other: DocumentStore
    ) -> None:
        for start in range(0, 1_000, 50):
            await store.write(P, [Append(f"e{number}", {}) for number in range(start, start + 50)])
        writes = [other.write(P, [Append(f"late{number}", {}), Put(f"d{number}", {})]) for number in range(20)]
        await asyncio.gather(store.drop(P), *writes)
        await store.drop(P)
        assert (await store.read_stream(P, 0), await store.query(P)) == ([], ([], None))


class DocumentStoreConformance(Documents, Conditions, Paging, Stream, Walls, Dropping):
    """All of it."""
