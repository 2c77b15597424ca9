"""What every artifact store must do. A maker's test class inherits this and gives two stores over one storage."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import Code, ProblemError
from services.artifacts.base import ArtifactStore, ref_of

P = "acme/executions/0123"
NEIGHBOURS = ["acme", f"{P}/", f"{P}4", "..", ".", "", "acme/executions/../executions/0123", P.upper()]


class ArtifactStoreConformance:
    @pytest.mark.parametrize("content", [b"", b"{}", bytes(range(256)), "ü🚀".encode(), b"x" * 3_000_000])
    async def test_content_comes_back(self, store: ArtifactStore, other: ArtifactStore, content: bytes) -> None:
        ref = await store.put(P, content, "application/json")
        assert await other.get(P, ref) == content

    async def test_the_ref_is_the_hash_of_the_content(self, store: ArtifactStore, other: ArtifactStore) -> None:
        refs = [await maker.put(P, b"same", "text/plain") for maker in (store, other, store)]
        assert set(refs) == {ref_of(b"same")}
        assert await store.put(P, b"else", "text/plain") != refs[0]

    async def test_many_put_the_same_at_once(self, store: ArtifactStore, other: ArtifactStore) -> None:
        content = b"y" * 200_000
        refs = await asyncio.gather(*((store, other)[n % 2].put(P, content, "text/plain") for n in range(20)))
        assert set(refs) == {ref_of(content)}
        assert await store.get(P, refs[0]) == content

    @pytest.mark.parametrize(
        "ref", ["", "absent", "0" * 64, "../secret", "..", "/etc/passwd", "a/b", "A" * 64, "0" * 63 + "\n"]
    )
    async def test_what_is_not_there_is_not_found(self, store: ArtifactStore, ref: str) -> None:
        await store.put(P, b"there", "text/plain")
        with pytest.raises(ProblemError) as caught:
            await store.get(P, ref)
        assert caught.value.problem.code is Code.NOT_FOUND

    @pytest.mark.parametrize("neighbour", NEIGHBOURS)
    async def test_nothing_reaches_into_another_partition(self, store: ArtifactStore, neighbour: str) -> None:
        ref = await store.put(P, b"mine", "text/plain")
        with pytest.raises(ProblemError) as caught:
            await store.get(neighbour, ref)
        assert caught.value.problem.code is Code.NOT_FOUND
        theirs = await store.put(neighbour, b"theirs", "text/plain")
        assert await store.get(neighbour, theirs) == b"theirs"
        with pytest.raises(ProblemError):
            await store.get(P, theirs)

    async def test_a_dropped_partition_is_as_new(self, store: ArtifactStore, other: ArtifactStore) -> None:
        await store.drop(P)
        refs = [await store.put(P, f"content {number}".encode(), "text/plain") for number in range(50)]
        await asyncio.gather(store.drop(P), other.drop(P))
        await other.drop(P)
        for ref in refs:
            with pytest.raises(ProblemError, match="There is no artifact"):
                await other.get(P, ref)
        assert await other.put(P, b"content 0", "text/plain") == refs[0]
        assert await store.get(P, refs[0]) == b"content 0"

    @pytest.mark.parametrize("neighbour", NEIGHBOURS)
    async def test_nothing_of_another_partition_is_dropped(self, store: ArtifactStore, neighbour: str) -> None:
        ref = await store.put(neighbour, b"theirs", "text/plain")
        await store.put(P, b"theirs", "text/plain")
        await store.drop(P)
        assert await store.get(neighbour, ref) == b"theirs"
