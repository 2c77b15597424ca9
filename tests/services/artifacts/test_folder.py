from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Code, ProblemError
from services.artifacts.base import ArtifactStore, ref_of
from services.artifacts.folder import FolderArtifacts
from tests.services.artifacts.conformance import ArtifactStoreConformance, P


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return FolderArtifacts(tmp_path / "artifacts")


@pytest.fixture
def other(tmp_path: Path) -> ArtifactStore:
    return FolderArtifacts(tmp_path / "artifacts")


class TestConformance(ArtifactStoreConformance):
    pass


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_everything_stays_inside_the_folder(tmp_path: Path, store: ArtifactStore) -> None:
    for partition in ("..", "../..", "/", "a/../../b", "~", "\\..\\"):
        await store.put(partition, partition.encode(), "text/plain")
    assert {path.relative_to(tmp_path).parts[0] for path in files_under(tmp_path)} == {"artifacts"}
    assert len(files_under(tmp_path / "artifacts")) == 6


async def test_a_damaged_artifact_is_not_handed_out(tmp_path: Path, store: ArtifactStore) -> None:
    ref = await store.put(P, b"whole", "text/plain")
    [path] = files_under(tmp_path)
    path.write_bytes(b"who")
    with pytest.raises(ProblemError, match="damaged") as caught:
        await store.get(P, ref)
    assert caught.value.problem.code is Code.PLATFORM_FAILED


async def test_what_a_crash_left_unfinished_is_neither_found_nor_in_the_way(
    tmp_path: Path, store: ArtifactStore
) -> None:
    ref = await store.put(P, b"first", "text/plain")
    [path] = files_under(tmp_path)
    path.rename(path.with_name("unfinished-0123"))
    with pytest.raises(ProblemError, match="There is no artifact"):
        await store.get(P, ref)
    assert await store.put(P, b"first", "text/plain") == ref
    assert await store.get(P, ref) == b"first"


async def test_storage_that_fails_is_a_problem(tmp_path: Path, store: ArtifactStore) -> None:
    (tmp_path / "artifacts").write_text("a file where the folder should be")
    with pytest.raises(ProblemError) as putting:
        await store.put(P, b"", "text/plain")
    with pytest.raises(ProblemError) as getting:
        await store.get(P, ref_of(b""))
    with pytest.raises(ProblemError) as dropping:
        await store.drop(P)
    codes = {caught.value.problem.code for caught in (putting, getting, dropping)}
    assert codes == {Code.PLATFORM_FAILED}


async def test_dropping_leaves_no_file_not_even_an_unfinished_one(tmp_path: Path, store: ArtifactStore) -> None:
    await store.put(P, b"first", "text/plain")
    [path] = files_under(tmp_path)
    path.with_name("unfinished-0123").write_bytes(b"fir")
    await store.drop(P)
    assert not path.parent.exists()
    assert files_under(tmp_path) == []
