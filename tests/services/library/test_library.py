"""Documents sent, indexed part by part through kills, replaced, taken away and found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Code, Problem, ProblemError
from domain.library import ATTEMPTS, DocumentStatus, IndexStep, IndexWork, LibraryDocument, LibrarySearch
from services.embeddings.base import MOST_TEXTS, Embedded, vector_of
from services.library.library import Library, Sent
from services.library.records import artifacts_of
from services.library.sqlite_index import SqliteIndex
from services.models.problems import rate_limited, refused
from tests.support import stores

TENANT = "t1"
NOW = datetime(2100, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """The process ends here."""


class CountingEmbedder:
    """Texts with letters in common are alike. Keeps what it was asked for, and fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.calls = 0
        self.name = "letters"
        self.fails: Callable[[int], ProblemError | None] = lambda call: None

    async def space(self) -> str:
        return self.name

    async def embed(self, texts: Sequence[str]) -> Embedded:
        assert 1 <= len(texts) <= MOST_TEXTS
        self.calls += 1
        if (problem := self.fails(self.calls)) is not None:
            raise problem
        self.asked += texts
        vectors = [vector_of([1 + text.lower().count(letter) for letter in "aeiourstlm"]) for text in texts]
        return Embedded(vectors, len(texts), Decimal(len(texts)) / 100)

    async def close(self) -> None:
        pass


class Killing:
    """In place of a service: ends the process before or after one of its calls."""

    def __init__(self, inner: Any, kill: Callable[[], None]) -> None:
        self._inner = inner
        self._kill = kill

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def called(*args: Any, **named: Any) -> Any:
            self._kill()
            found = await method(*args, **named)
            self._kill()
            return found

        return called


class World:
    def __init__(self, folder: Path) -> None:
        self.documents = stores.documents_of(folder)
        self.artifacts = stores.artifacts_of(folder)
        self.index = SqliteIndex(folder / "library.db")
        self.embedder = CountingEmbedder()
        self.folder = folder
        self.library = self.anew()

    def anew(self, kill: Callable[[], None] | None = None) -> Library:
        """A process over what is there."""

        def part(inner: Any) -> Any:
            return inner if kill is None else Killing(inner, kill)

        return Library(part(self.documents), part(self.artifacts), part(self.embedder), part(self.index))

    async def send(self, text: str | bytes, name: str = "a.md", collection: str = "docs", **fields: Any) -> IndexWork:
        content = text.encode() if isinstance(text, str) else text
        _, work = await self.library.put(TENANT, Sent(collection, name, content, "", fields.get("title"), "me"))
        assert work is not None
        return work

    async def indexed(self, work: IndexWork) -> list[IndexStep]:
        """As the orchestration does it, without waiting."""
        steps: list[IndexStep] = []
        while not steps or not steps[-1].done:
            steps.append(await self.library.part(work))
            work = work.model_copy(update={"failures": steps[-1].failures})
        return steps

    async def ready(self, text: str | bytes, name: str = "a.md", **fields: Any) -> LibraryDocument:
        await self.indexed(await self.send(text, name, **fields))
        return await self.document(name)

    async def document(self, name: str = "a.md") -> LibraryDocument:
        return (await self.library.get(TENANT, "docs", name)).document

    async def found(self, query: str, **fields: Any) -> list[str]:
        asked = LibrarySearch(query=query, **fields)
        return [hit.passage.text for hit in (await self.library.search(TENANT, "docs", asked)).hits]

    def files(self) -> int:
        return len(stores.artifacts_in(self.folder))

    async def marks(self) -> int:
        return len((await self.library.records.marks())[0])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.documents.close()
    await made.artifacts.close()


def long(name: str, sections: int = 100) -> str:
    return "\n\n".join(
        f"## Section {number} of {name}\n\n" + f"{name} {number} tells. " * 60 for number in range(sections)
    )


async def test_a_document_is_indexed_and_found(world: World) -> None:
    document = await world.ready("# Refunds\n\nWithin 14 days.\n\n# Hours\n\nFrom nine to five.")
    assert (document.status, document.title, document.passages) == (DocumentStatus.READY, "Refunds", 1)
    assert document.media_type == "text/markdown"
    assert (document.tokens, document.cost_usd) == (1, Decimal("0.01"))
    assert await world.found("refund") == ["# Refunds\n\nWithin 14 days.\n\n# Hours\n\nFrom nine to five."]
    assert await world.marks() == 0


async def test_what_is_embedded_has_its_headings_with_it(world: World) -> None:
    await world.ready("# Guide\n\n## Setup\n\nInstall it.", title="The guide")
    assert world.embedder.asked == ["The guide › Guide › Setup\n\n# Guide\n\n## Setup\n\nInstall it."]


async def test_the_same_again_is_no_work(world: World) -> None:
    await world.ready("Hello")
    stored, work = await world.library.put(TENANT, Sent("docs", "a.md", b"Hello", "", None, "me"))
    assert (stored.document.status, work) == (DocumentStatus.READY, None)
    assert world.files() == 2


async def test_a_passage_is_paid_for_once_wherever_it_stands(world: World) -> None:
    text = long("one")
    first = await world.ready(text)
    assert len(world.embedder.asked) == len(set(world.embedder.asked)) == first.passages > MOST_TEXTS
    again = await world.ready(text + "\n\n## New\n\n" + "More of it. " * 150)
    new = len(world.embedder.asked) - first.passages
    assert 1 <= new <= 3
    assert again.tokens == first.tokens + new, "what a document cost is what all its versions cost"
    world.embedder.asked.clear()
    await world.ready(text, "b.md")
    assert world.embedder.asked == []


async def test_what_was_there_is_found_until_the_new_is_ready(world: World) -> None:
    await world.ready("old words")
    work = await world.send("new words")
    await world.library.part(work)
    assert await world.found("words") == ["old words"]
    assert (await world.document()).status is DocumentStatus.INDEXING
    await world.indexed(work)
    assert await world.found("words") == ["new words"]
    assert world.files() == 2, "nothing is left of the old"


async def test_an_upload_that_was_overtaken_leaves_nothing(world: World) -> None:
    late = await world.send("late words")
    await world.library.part(late)
    await world.indexed(await world.send("new words"))
    await world.indexed(late)
    assert await world.found("words") == ["new words"]
    assert world.files() == 2
    assert await world.marks() == 0


async def test_a_document_deleted_while_it_is_indexed_stays_away(world: World) -> None:
    work = await world.send(long("one"))
    for _ in range(2):
        await world.library.part(work)
    await world.library.delete(TENANT, "docs", "a.md")
    await world.indexed(work)
    with pytest.raises(ProblemError, match="no document"):
        await world.document()
    with pytest.raises(ProblemError, match="no collection"):
        await world.found("tells")
    assert (world.files(), await world.marks()) == (0, 0)


async def test_a_document_whose_content_goes_with_it_while_it_is_read_stays_away(world: World) -> None:
    work = await world.send("words")
    get = world.artifacts.get

    async def gone(partition: str, ref: str) -> bytes:
        [stored] = [await world.library.get(TENANT, "docs", "a.md")]
        deleting = stored.document.model_copy(update={"status": DocumentStatus.DELETING})
        await world.library.records.write(TENANT, deleting, stored.etag)
        await world.artifacts.drop(partition)
        return await get(partition, ref)

    world.artifacts.get = gone  # type: ignore[method-assign]
    await world.indexed(work)
    with pytest.raises(ProblemError, match="no document"):
        await world.document()


async def test_a_document_that_is_being_deleted_hides_none_of_the_others(world: World) -> None:
    for name in ("a.md", "b.md"):
        await world.ready(f"words of {name}", name)
    stored = await world.library.get(TENANT, "docs", "a.md")
    deleting = stored.document.model_copy(update={"status": DocumentStatus.DELETING})
    await world.library.records.write(TENANT, deleting, stored.etag)
    assert "words of b.md" in await world.found("words")
    page, more = await world.library.list(TENANT, "docs", 1)
    assert ([document.name for document in page], more) == (["b.md"], None)


async def test_vectors_are_kept_also_of_what_was_deleted_while_they_were_made(world: World) -> None:
    text, work = long("one", 20), await world.send(long("one", 20))
    await world.library.part(work)
    embed = world.embedder.embed

    async def meanwhile(texts: Sequence[str]) -> Embedded:
        found = await embed(texts)
        await world.library.delete(TENANT, "docs", "a.md")
        return found

    world.embedder.embed = meanwhile  # type: ignore[method-assign]
    await world.indexed(work)
    world.embedder.embed = embed  # type: ignore[method-assign]
    asked = len(world.embedder.asked)
    await world.ready(text)
    assert len(world.embedder.asked) == asked > 0


async def test_a_collection_goes_with_all_it_had_and_vectors_if_asked(world: World) -> None:
    for name in ("a.md", "b.md"):
        await world.ready(f"words of {name}", name)
    assert await world.library.delete_collection(TENANT, "docs") == 2
    assert world.files() == 0
    with pytest.raises(ProblemError, match="no collection"):
        await world.library.delete_collection(TENANT, "docs")
    assert await world.library.forget_vectors(TENANT) == 2
    assert await world.library.forget_vectors(TENANT) == 0
    await world.ready("words of a.md")
    assert len(world.embedder.asked) == 3


async def test_a_collection_goes_also_when_somebody_else_takes_some_of_it(world: World) -> None:
    for name in ("a.md", "b.md"):
        await world.ready(f"words of {name}", name)
    delete = world.library.delete

    async def later(*which: str) -> None:
        await delete(*which)
        await delete(*which)

    world.library.delete = later  # type: ignore[method-assign, assignment]
    assert await world.library.delete_collection(TENANT, "docs") == 2
    assert world.files() == 0


async def test_vectors_forgotten_while_it_is_indexed_are_made_again(world: World) -> None:
    work = await world.send("words")
    await world.library.part(work)
    await world.library.part(work)
    assert (await world.document()).status is DocumentStatus.READY
    work = await world.send("words and more")
    await world.library.part(work)
    forget = world.library.records.write

    async def forgetful(*args: Any, **named: Any) -> Any:
        written = await forget(*args, **named)
        if len(world.embedder.asked) == 2:
            await world.library.forget_vectors(TENANT)
        return written

    world.library._indexing._records.write = forgetful  # type: ignore[method-assign]
    await world.indexed(work)
    assert await world.found("more") == ["words and more"]


async def test_another_model_makes_them_anew(world: World) -> None:
    work = await world.send("words")
    await world.library.part(work)
    world.embedder.name = "other"
    await world.indexed(work)
    assert (await world.document()).space == "other"
    world.embedder.name = "third"
    assert await world.found("words", mode="vector") == []
    assert await world.found("words") == ["words"], "by its words it is found in any space"
    await world.indexed(await world.send("words"))
    assert await world.found("words", mode="vector") == ["words"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.7 broken", "The PDF cannot be read"),
        (b"<html><script>x</script></html>", "has no text"),
        (b"   ", "has no text"),
    ],
)
async def test_what_cannot_be_read_failed_and_says_why(world: World, content: bytes, says: str) -> None:
    document = await world.ready(content)
    assert document.status is DocumentStatus.FAILED
    assert document.error is not None
    assert says in document.error.message
    assert await world.marks() == 0
    again = await world.send(content)
    assert again.upload > document.upload, "one that failed is tried again"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"GIF89a\x00\x00", b"text\x00with zeros"])
async def test_what_is_no_text_is_not_taken(world: World, content: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        await world.send(content)
    assert caught.value.problem.code is Code.INVALID_REQUEST


async def test_failures_that_pass_are_waited_for(world: World) -> None:
    world.embedder.fails = lambda call: rate_limited(40.0) if call < 4 else None
    steps = await world.indexed(await world.send("words"))
    assert [step.wait for step in steps if step.wait] == [40.0, 40.0, 80.0]
    assert (await world.document()).status is DocumentStatus.READY


@pytest.mark.parametrize("problem", [rate_limited(None).problem, refused("No.", "Pay.", "platform").problem])  # type: ignore[arg-type]
async def test_failures_that_do_not_are_told(world: World, problem: Problem) -> None:
    world.embedder.fails = lambda call: ProblemError(problem)
    steps = await world.indexed(await world.send("words"))
    assert len(steps) == (1 + ATTEMPTS if problem.retryable else 2)
    document = await world.document()
    assert (document.status, document.error) == (DocumentStatus.FAILED, problem)


async def test_killed_anywhere_it_goes_on_and_pays_for_nothing_twice(world: World) -> None:
    """Every point between two calls of a service, one after the other; but for vectors made and not yet kept."""
    text = long("one", 70)
    lost_batches = 0
    calls = 0
    for point in range(1, 400):
        calls = 0

        def kill(point: int = point) -> None:
            nonlocal calls
            calls += 1
            if calls == point:
                raise Killed

        name = f"d{point}.md"
        world.embedder.asked.clear()
        sent = Sent("docs", name, f"{point}\n\n{text}".encode(), "", f"T{point}", "me")
        process = world.anew(kill)
        try:
            _, work = await process.put(TENANT, sent)
            while work is not None and not (await process.part(work)).done:
                pass
        except Killed:
            pass
        else:
            break
        started: list[IndexWork] = []

        async def start(work: IndexWork, started: list[IndexWork] = started) -> None:
            started.append(work)

        await world.library.recover(start, NOW)
        for work in started:
            await world.indexed(work)
        stored = await world.library.records.get(TENANT, "docs", name)
        if stored is None:  # cut off before it was accepted
            assert world.embedder.asked == []
        else:
            assert stored.document.status is DocumentStatus.READY
            twice = len(world.embedder.asked) - len(set(world.embedder.asked))
            assert twice in (0, stored.document.passages % MOST_TEXTS, MOST_TEXTS)
            lost_batches += twice > 0
            await world.library.delete(TENANT, "docs", name)
        assert (world.files(), await world.marks()) == (0, 0)
    assert calls > 20
    assert lost_batches <= 4, "only between a call's end and its record"


async def test_a_deletion_that_was_cut_off_is_finished(world: World) -> None:
    for point in range(1, 40):
        await world.ready(f"words {point}")
        calls = 0

        def kill(point: int = point) -> None:
            nonlocal calls
            calls += 1
            if calls == point:
                raise Killed

        try:
            await world.anew(kill).delete(TENANT, "docs", "a.md")
        except Killed:
            await world.library.recover(_never, NOW)
        else:
            break
        stored = await world.library.records.get(TENANT, "docs", "a.md")
        assert stored is None or stored.document.status is DocumentStatus.READY, "it is there whole, or not at all"
        assert world.files() == (0 if stored is None else 2)
        assert await world.marks() == 0
    assert point > 5


async def _never(work: IndexWork) -> None:
    raise AssertionError(f"{work} is not to be started")


async def test_what_was_just_marked_is_left_to_who_marked_it(world: World) -> None:
    await world.send("words")
    await world.library.recover(_never, datetime.now(UTC) + timedelta(seconds=50))


async def test_senders_at_the_same_time_leave_the_last(world: World) -> None:
    works = await asyncio.gather(*(world.send(f"version {number}") for number in range(6)))
    for work in works:
        await world.indexed(work)
    document = await world.document()
    assert (document.status, document.superseded) == (DocumentStatus.READY, ())
    assert len(await world.found("version", top=50)) == 1
    assert (world.files(), await world.marks()) == (2, 0)


async def test_preconditions(world: World) -> None:
    document = await world.ready("one")
    with pytest.raises(ProblemError, match="already exists"):
        await world.library.put(TENANT, Sent("docs", "a.md", b"two", "", None, "me"), create_only=True)
    with pytest.raises(ProblemError, match="no longer"):
        await world.library.delete(TENANT, "docs", "a.md", "another")
    await world.library.delete(TENANT, "docs", "a.md", document.upload)


async def test_tenants_are_walled(world: World) -> None:
    await world.ready("mine")
    for work in (
        world.library.get("t2", "docs", "a.md"),
        world.library.delete("t2", "docs", "a.md"),
        world.library.search("t2", "docs", LibrarySearch(query="mine")),
        world.library.delete_collection("t2", "docs"),
    ):
        with pytest.raises(ProblemError) as caught:
            await work
        assert caught.value.problem.code is Code.NOT_FOUND
    assert await world.library.collections("t2") == {}
    await world.library.forget_vectors("t2")
    theirs = IndexWork(tenant="t2", collection="docs", document="a.md", upload=(await world.document()).upload)
    await world.library.part(theirs)
    assert await world.found("mine") == ["mine"]
    assert await world.library.collections(TENANT) == {"docs": {"documents": 1, "ready": 1, "passages": 1, "bytes": 4}}
    assert await world.library.content(TENANT, await world.document()) == b"mine"
    assert world.files() == 2
    assert artifacts_of(theirs).startswith("t2/")
