"""The reference of the workflow language: current, complete, and true as far as a test can tell."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter

from domain.base import Name, Reference
from domain.durations import Duration
from domain.errors import Code
from domain.expressions import NAMES, check_template
from domain.policies import Retry
from domain.steps import KINDS, Step
from tools.reference import page
from tools.reference.page import PAGE, PageError, links_in, slug, written
from tools.reference.shapes import SHAPES, fields
from tools.reference.words import Link, words

TEXT = PAGE.read_text("utf-8")
LINKS = {"Retry": Link("retry policy", "#retry")}


def test_the_page_is_current() -> None:
    assert written() == TEXT, "run `python -m tools.reference`"


def test_every_link_within_it_leads_to_a_heading() -> None:
    headings = {slug(heading) for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_every_error_it_links_to_is_explained() -> None:
    errors = (PAGE.parent / "errors.md").read_text("utf-8")
    for code in re.findall(r"errors\.md#(\w+)", TEXT):
        assert f"\n## {code}\n" in errors


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_chapter_with_an_example(kind: str) -> None:
    [chapter] = re.findall(rf"^### `{kind}`\n(.*?)^##", TEXT, re.MULTILINE | re.DOTALL)
    assert "```yaml\n# " in chapter
    assert "output" in chapter


def test_every_name_that_expressions_see_is_told_with_its_place() -> None:
    told = re.findall(r"^\| (`[^|]+) \| [^|]+ \| [^|]+ \|$", TEXT.partition("What an expression sees")[2], re.MULTILINE)
    assert {re.split(r"\W", name)[0] for cell in told for name in re.findall(r"`([^`]+)`", cell)} == set(NAMES)


def test_the_expressions_shown_are_expressions() -> None:
    table = TEXT.partition("| write | to get |")[2].partition("What an expression sees")[0]
    shown = re.findall(r"^\| `(.*)` \|", table, re.MULTILINE)
    assert len(shown) > 5
    for template in shown:
        check_template(template)


def test_a_shape_without_a_table_is_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    prose = tmp_path / "prose.md"
    prose.write_text(page.PROSE.read_text("utf-8").replace("{{fields Retry as retry policy}}", ""), "utf-8")
    monkeypatch.setattr(page, "PROSE", prose)
    with pytest.raises(PageError, match=r"for Retry$"):
        written()


def test_shapes_are_found_below_their_headings() -> None:
    prose = "# One\n```\n# no heading\n{{fields No}}\n```\n## `two` of it\n{{fields A B as thing}}\n{{fields C}}\n"
    assert links_in(prose) == {name: Link("thing", "#two-of-it") for name in "AB"} | {"C": Link("c", "#two-of-it")}


def test_a_table_tells_what_a_model_says() -> None:
    table = fields(["Retry"], {}).splitlines()
    assert table[:2] == ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
    assert "| `attempts` | whole number from 1 to 20 | `4` | Tries in all, the first included. |" in table


def test_what_a_shape_is_made_from_is_not_told_again() -> None:
    assert [line.split("`")[1] for line in fields(["Limits"], {}).splitlines()[2:]] == ["duration"]
    assert "`id`" not in fields(["AgentStep"], LINKS)


def test_every_shape_of_the_language_is_known() -> None:
    assert {"Agent", "Tool", "Workflow", "LoopStep", "Retry", "View"} <= SHAPES.keys()


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        (str, "text"),
        (int | None, "whole number"),
        (bool, "`true` or `false`"),
        (Any, "any JSON"),
        (Name, "name"),
        (tuple[Reference, ...], "list of names"),
        (dict[str, tuple[Name, ...]], "object of lists of names"),
        (Duration, "[duration](#durations)"),
        (Literal["a", "b", "c"], "`a`, `b` or `c`"),
        (Literal["a", "b"] | Retry, "`a`, `b` or [retry policy](#retry)"),
        (tuple[Retry, ...], "list of [retry policies](#retry)"),
        (tuple[Code, ...], "list of [error codes](errors.md)"),
        (tuple[Step, ...], "list of [steps](#steps)"),
        (Annotated[Retry | None, "x"], "[retry policy](#retry)"),
    ],
)
def test_types_are_told_in_plain_words(annotation: Any, told: str) -> None:
    assert words(TypeAdapter(annotation).json_schema(), LINKS) == told
