from __future__ import annotations

import json
from pathlib import Path

import pytest

from meta_agents.cli import library
from meta_agents.cli.library import document_name
from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi
from tests.meta_agents.fake_library import FAILS


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "LOOK_SECONDS", 0)


class TestAdd:
    def test_files_are_sent_and_waited_for(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        first, second = tmp_path / "a.md", tmp_path / "My notes (new).txt"
        first.write_text("# Hello")
        second.write_text("There")
        result = command("library", "add", "handbook", str(first), str(second))
        assert result.stdout == "a.md  ready  2 passages\nMy-notes-new-.txt  ready  2 passages\n"
        assert result.exit_code == 0
        assert api.library.contents["handbook", "a.md"] == b"# Hello"

    def test_one_that_fails_says_why(self, command: Command, tmp_path: Path) -> None:
        file = tmp_path / "a.md"
        file.write_bytes(FAILS)
        result = command("library", "add", "handbook", str(file), "--name", "x.md", "--title", "X")
        assert (result.stdout, result.exit_code) == ("x.md  failed  It has no text.\n", 1)

    def test_nobody_has_to_wait(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("x")
        result = command("library", "add", "handbook", str(tmp_path / "a.md"), "--no-wait")
        assert (result.stdout, result.exit_code) == ("a.md  indexing\n", 0)

    def test_names_for_several_files_are_refused(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("x")
        file = str(tmp_path / "a.md")
        assert command("library", "add", "handbook", file, file, "--name", "x").exit_code == 2
        assert command("library", "add", "handbook", str(tmp_path / "none.md")).exit_code == 2

    def test_a_file_makes_a_name(self) -> None:
        assert document_name(Path(".hidden.md")) == "hidden.md"
        assert len(document_name(Path("x" * 200))) == 128


class TestList:
    def test_collections_and_documents(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("x")
        command("library", "add", "handbook", str(tmp_path / "a.md"), "--title", "The title")
        assert "handbook" in command("library", "list").stdout
        assert "The title" in command("library", "list", "handbook").stdout
        assert json.loads(command("library", "list", "--json").stdout)[0]["name"] == "handbook"
        assert json.loads(command("library", "list", "handbook", "--json").stdout)[0]["name"] == "a.md"


class TestSearch:
    def test_passages_are_shown_as_they_are_cited(self, command: Command, api: FakeApi) -> None:
        shown = command("library", "search", "handbook", "money back", "--top", "2", "--document", "a.md").stdout
        assert shown == "[a.md#2]  Refunds, page 3\n14 days.\N{REPLACEMENT CHARACTER}[2J\n\n"
        assert api.seen[-1].body["documents"] == ["a.md"]
        assert json.loads(command("library", "search", "handbook", "money", "--json").stdout)["usage"]["tokens"] == 3

    def test_nothing(self, command: Command) -> None:
        result = command("library", "search", "handbook", "nothing")
        assert (result.stdout, result.stderr) == ("", "Nothing was found.\n")


class TestRemove:
    def test_documents_and_collections(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("x")
        command("library", "add", "handbook", str(tmp_path / "a.md"))
        assert command("library", "delete", "handbook", "a.md").stdout == "deleted  document  a.md\n"
        told = command("library", "delete", "handbook", "--all", "--vectors").stdout
        assert told == "deleted  collection  handbook: 0 documents, 7 vectors forgotten\n"

    @pytest.mark.parametrize("options", [[], ["a.md", "--all"], ["a.md", "--vectors"]])
    def test_what_is_unclear_is_refused(self, command: Command, options: list[str]) -> None:
        assert command("library", "delete", "handbook", *options).exit_code == 2
