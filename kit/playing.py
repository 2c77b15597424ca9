"""Plays files of tests, one case after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.cases import Case
from kit.files import Suite
from kit.library import Library
from kit.script import CaseFailed
from kit.stage import play


@dataclass(frozen=True)
class Result:
    """What came of one case: `wrong` says what is not as it should be. `seconds` are real ones."""

    file: Path
    case: str
    place: str
    seconds: float
    wrong: Sequence[str]


def play_all(files: Sequence[Suite], words: str = "") -> Iterator[Result]:
    """Each result as it comes; of cases whose file or name has the words in it. Raises `BadCases`."""
    for file in files:
        cases = [case for case in file.file.cases if words.lower() in f"{file.path} {case.name}".lower()]
        library = file.library() if cases else None
        if library is not None:
            yield from (_result(file, case, library) for case in cases)


def _result(file: Suite, case: Case, library: Library) -> Result:
    began = time.perf_counter()
    with TemporaryDirectory(prefix="meta-agents-test-") as folder:
        wrong = asyncio.run(_wrong(file, case, library, Path(folder)))
    return Result(file.path, case.name, file.place(case), time.perf_counter() - began, wrong)


async def _wrong(file: Suite, case: Case, library: Library, folder: Path) -> list[str]:
    try:
        played = await play(case, file.file.workflow, library, folder, file.file.tool_modules)
    except CaseFailed as failed:
        return str(failed).splitlines()
    return played.differences(case.expect)
