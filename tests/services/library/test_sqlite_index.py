from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import Code, ProblemError
from services.library.index import PassageIndex, fused
from services.library.sqlite_index import SqliteIndex
from tests.services.library.conformance import SPACE, UP, IndexConformance, passages, sought, source, texts


class TestSqlite(IndexConformance):
    @pytest.fixture
    async def index(self, tmp_path: Path) -> AsyncIterator[PassageIndex]:
        made = SqliteIndex(tmp_path / "deep" / "library.db")
        yield made
        await made.close()

    async def test_it_is_there_for_the_next_process(self, tmp_path: Path) -> None:
        await SqliteIndex(tmp_path / "library.db").publish(source(), SPACE, passages(("kept", UP)))
        assert texts(await SqliteIndex(tmp_path / "library.db").search(sought("kept"))) == ["kept"]

    async def test_a_broken_file_is_a_problem_of_the_platform(self, tmp_path: Path) -> None:
        (tmp_path / "library.db").write_bytes(b"no database" * 1000)
        with pytest.raises(ProblemError) as caught:
            await SqliteIndex(tmp_path / "library.db").search(sought("kept"))
        assert caught.value.problem.code is Code.PLATFORM_FAILED


def test_ranks_are_fused() -> None:
    assert [id for id, _ in fused([[1, 2, 3], [3, 2, 4]], 3)] == [3, 2, 1]
    assert fused([[], []], 5) == []
