"""Results as people and as CI read them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from kit.playing import Result
from meta_agents.live.style import safe


class Progress:
    """Says what came of each case as it comes, below the name of its file."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._file: Path | None = None

    def show(self, result: Result) -> None:
        if result.file != self._file:
            self._file = result.file
            self._say(f"{result.file}")
        self._say(f"  {'✗' if result.wrong else '✓'} {result.case}")
        if result.wrong:
            self._say(f"      {result.place}")
            for line in result.wrong:
                self._say(f"      {line}")

    def sum_up(self, results: Sequence[Result]) -> None:
        failed = sum(bool(result.wrong) for result in results)
        seconds = sum(result.seconds for result in results)
        self._say(f"{len(results) - failed} passed, {failed} failed in {seconds:.1f} s")

    def _say(self, line: str) -> None:
        print(safe(line), file=self._out, flush=True)


def junit(results: Sequence[Result]) -> bytes:
    """The results as JUnit's XML, a suite for each file."""
    suites = ElementTree.Element("testsuites")
    for file, group in groupby(results, key=lambda result: result.file):
        cases = list(group)
        suite = ElementTree.SubElement(
            suites, "testsuite", name=str(file), tests=str(len(cases)), errors="0", skipped="0",
            failures=str(sum(bool(case.wrong) for case in cases)), time=f"{sum(case.seconds for case in cases):.3f}",
        )  # fmt: skip
        for case in cases:
            _add(suite, case)
    written: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written


def _add(suite: ElementTree.Element, result: Result) -> None:
    file, line, _ = result.place.rsplit(":", 2)
    case = ElementTree.SubElement(
        suite, "testcase", classname=str(result.file), name=result.case, file=file, line=line,
        time=f"{result.seconds:.3f}",
    )  # fmt: skip
    if result.wrong:
        text = "\n".join(result.wrong)
        # What models and tools said may hold characters that XML cannot.
        clean = "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
        ElementTree.SubElement(case, "failure", message=clean.splitlines()[0]).text = clean
