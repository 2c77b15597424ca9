"""What the documents show is true: every definition in them is valid, every file and target they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.agents import Agent
from domain.schedules import Schedule
from domain.tools import Tool
from domain.validation import Findings, check_agent, check_tool, check_workflow
from domain.workflows import Workflow
from meta_agents.cli.documents import parse

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def snippets(language: str) -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", path.read_text(), re.DOTALL), start=1):
            yield f"{path.name}-{number}", text


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in snippets("yaml")])
def test_every_definition_shown_is_valid(text: str) -> None:
    for document in (found.content for found in parse(text, Path("snippet.yaml"))):
        if "instructions" in document:
            found = check_agent(Agent.model_validate(document))
        elif "cron" in document:
            Schedule.model_validate(document)
            found = Findings()
        elif "steps" in document:
            found = check_workflow(Workflow.model_validate(document))
        else:
            found = check_tool(Tool.model_validate(document))
        assert found == ((), ())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_a_document_links_to_is_there(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_a_document_names_exists(path: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", path.read_text())) <= known
