"""Every `az` command that is shown or run exists, with these options: as far as that can be known without Azure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.az import TABLE, commands_in, name_of, wrong_with
from tools.delivery.preflight import DURABLE_TASK, FLEX

ROOT = Path(__file__).parents[2]
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "az " in path.read_text("utf-8")]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def shown_in(page: Path) -> list[list[str]]:
    """In blocks of code, and in text where a code span begins with it or says `$(az …)`."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]*\baz [^`\n]*)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    return [one for source in [*blocks, *(span.replace("\\|", "|") for span in spans)] for one in commands_in(source)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_known(page: Path) -> None:
    assert [line for command in shown_in(page) for line in wrong_with(command)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_known(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    scripts = "\n".join(step.get("run", "") for job in jobs for step in job.get("steps", []))
    assert [line for command in commands_in(scripts) for line in wrong_with(command)] == []


def test_what_the_preflight_asks_is_known() -> None:
    assert [line for question in (DURABLE_TASK, FLEX) for line in wrong_with([*question, "--output", "json"])] == []


def test_pages_of_operations_are_among_them() -> None:
    shown = [name_of(command) for page in PAGES for command in shown_in(page)]
    assert {"functionapp restart", "keyvault secret set", "cosmosdb restore"} <= set(shown)
    assert len(shown) > 60


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("az group create --name n --location l", []),
        ("X=$(az group create --name n --location l | head -1)", []),
        ("az group crate --name n", ["group crate: look it up (tests/docs/az_table.py)"]),
        ("az group create --name n --location l --colour red", ["group create: --colour"]),
        ("az group create --name n", ["group create: lacks --location"]),
        ('A="$(az group create --name n)" && az group create --location l', ["group create: lacks"]),
    ],
)
def test_mistakes_are_seen(text: str, found: list[str]) -> None:
    lines = [line for command in commands_in(text) for line in wrong_with(command)]
    assert bool(lines) == bool(found)
    assert all(line.startswith(found[0]) for line in lines)


def test_the_table_says_which_version_it_is_of() -> None:
    assert re.search(r'"version": "\d+\.\d+\.\d+"', Path(__file__).with_name("az_commands.json").read_text("utf-8"))
    assert TABLE
