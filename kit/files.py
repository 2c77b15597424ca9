"""Test files, and the files with the definitions that they use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kit.cases import SUFFIXES, BadCases, Case, CaseFile, parse
from kit.library import Library, library_of
from meta_agents.cli.checking import kind_of
from meta_agents.cli.documents import SUFFIXES as DEFINITIONS
from meta_agents.cli.documents import Document, read_documents, read_text
from meta_agents.cli.documents import parse as parse_documents
from meta_agents.cli.exits import BadInput


@dataclass(frozen=True)
class Suite:
    """A test file that could be read."""

    document: Document
    file: CaseFile

    @property
    def path(self) -> Path:
        return self.document.path

    def place(self, case: Case) -> str:
        """`file:line:column` where the case is written."""
        return self.document.place(f"/cases/{self.file.cases.index(case)}/name")

    def library(self) -> Library:
        """The definitions it may use. Raises `BadCases`."""
        return library_of(self._named() if self.file.definitions else _around(self.path))

    def _named(self) -> list[Document]:
        try:
            return read_documents([self.path.parent / name for name in self.file.definitions])
        except BadInput as error:
            raise BadCases(f"{self.document.place('/definitions')}: {error}") from error


def found(paths: Iterable[Path]) -> list[Path]:
    """The test files among these, in these folders and below, and beside these workflows. Raises `BadCases`."""
    files = [file for path in paths for file in _found(path)]
    return list(dict.fromkeys(files))


def read(path: Path) -> Suite:
    """Raises `BadCases`."""
    try:
        documents = parse_documents(read_text(path), path)
    except BadInput as error:
        raise BadCases(str(error)) from error
    if len(documents) != 1:
        raise BadCases(f"{path}: a file has the tests of one workflow, so it is one document and not {len(documents)}.")
    return Suite(documents[0], parse(documents[0].content, documents[0].place))


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(one for one in path.rglob("*") if one.name.endswith(SUFFIXES) and one.is_file())
        if not inside:
            raise BadCases(f"{path} has no test: their files end in {' or '.join(SUFFIXES)}.")
        return inside
    beside = [path.with_name(path.stem + suffix) for suffix in SUFFIXES]
    candidates = [path] if path.name.endswith(SUFFIXES) else beside
    existing = [one for one in candidates if one.is_file()]
    if not existing:
        raise BadCases(f"There is no {candidates[0]}.")
    return existing


def _around(path: Path) -> list[Document]:
    """Definitions in the file's folder, and in the folders beside that one; whatever else lies there is left alone."""
    folder = path.resolve().parent
    folders = sorted(one for one in folder.parent.iterdir() if one.is_dir() and not one.name.startswith("."))
    files = [
        file
        for folder in folders
        for file in sorted(folder.iterdir())
        if file.suffix in DEFINITIONS and not file.name.endswith(SUFFIXES) and file.is_file()
    ]
    return [document for file in files for document in _definitions(file) if kind_of(document.content)]


def _definitions(file: Path) -> list[Document]:
    try:
        return parse_documents(read_text(file), file)
    except BadInput:
        return []
