"""What the documents show is true: every definition in them is valid, every file and target they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.agents import Agent
from domain.datasets import Dataset
from domain.models import ModelsFile
from domain.prompt_definitions import PromptDefinition
from domain.schedules import Schedule
from domain.tenant_budgets import TenantBudget
from domain.tools import Tool
from domain.validation import Findings, check_agent, check_dataset, check_prompt, check_tool, check_workflow
from domain.workflows import Workflow
from kit import cases
from meta_agents.cli.documents import parse
from tools.reference.page import slug

ROOT = Path(__file__).parents[2]
NAMED = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")]
DOCUMENTS = [*NAMED, *sorted((ROOT / "docs").rglob("*.md"))]


def snippets(language: str) -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", path.read_text(), re.DOTALL), start=1):
            yield f"{path.name}-{number}", text


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in snippets("yaml")])
def test_every_definition_shown_is_valid(text: str) -> None:
    for document in (found.content for found in parse(text, Path("snippet.yaml"))):
        assert findings(document) == ((), ())


def findings(document: Any) -> Findings:
    """Mistakes and warnings. Raises what the models do, and `BadCases`."""
    if "template" in document:
        return check_prompt(PromptDefinition.model_validate(document))
    if document.keys() & {"instructions", "prompt"}:
        return check_agent(Agent.model_validate(document))
    if "steps" in document:
        return check_workflow(Workflow.model_validate(document))
    if "cron" in document:
        Schedule.model_validate(document)
    elif "at_cap" in document:
        TenantBudget.model_validate(document)
    elif "cases" in document and "input" in document["cases"][0] and "name" in document:
        return check_dataset(Dataset.model_validate(document))
    elif "cases" in document:
        cases.parse(document, str)
    elif "models" in document:
        ModelsFile.model_validate(document)
    else:
        return check_tool(Tool.model_validate(document))
    return Findings()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_a_document_links_to_is_there(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_heading_a_document_links_to_is_there(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*\.md)?#([^)]+)\)", path.read_text())
    assert [
        (file, anchor) for file, anchor in links if anchor not in anchors(path.parent / file if file else path)
    ] == []


def anchors(document: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_a_document_names_exists(path: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", path.read_text())) <= known
