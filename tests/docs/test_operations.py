"""The runbooks do what they say: each page's commands run in order against a real host, with Azure's CLIs stubbed."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.events import EventType
from tests.crash.system import TOKEN, System, wait_until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "operations"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md"))
PERSON = "Ada Lovelace"
# What asks Azure is only noted. Of Python the smoke test and the gate run; the rest is checked to be understood.
STUBS = f"""
set -euo pipefail
note() {{ local name=$1; shift; printf '%q ' "$name" "$@" >> noted; echo >> noted; }}
az() {{ note az "$@"; case "$*" in *meta-agents-token*--query\\ value*) echo {TOKEN};; *) echo stub;; esac; }}
azd() {{ note azd "$@"; }}
gh() {{ note gh "$@"; }}
pip() {{ note pip "$@"; }}
meta-agents() {{ "{sys.executable}" -m meta_agents "$@"; }}
python() {{
  case "$2" in
    tools.delivery.smoke|tools.delivery.gate) (cd "{ROOT}" && "{sys.executable}" "$@");;
    *) note python "$@";;
  esac
}}
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("operations"), latency=0) as running:
        running.agents("clerk")
        steps = [
            {"id": "note", "agent": "clerk", "input": "A letter of ${input.of}."},
            {"id": "more", "wait": {"event": "go"}},
        ]
        shape = {"type": "object", "properties": {"of": {"type": "string"}}}
        running.client.workflows.put(
            {"name": "letters", "input": shape, "steps": steps, "output": "${steps.note.output}"}
        )
        yield running


def scripts(page: str) -> str:
    return "".join(
        re.findall(r"^```sh\n(.*?)^```$", (FOLDER / f"{page}.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )


def waiting(system: System, of: str = "nobody") -> str:
    """An execution that has paid for an answer and waits for an event."""
    execution = system.client.executions.start("letters", {"of": of}).id
    page = system.client.executions.events
    wait_until(lambda: any(event.type == "step.waiting" for event in page(execution).events), "a step that waits")
    return execution


def clear(system: System) -> None:
    """Take away what another page left: its budgets (the stub's prices are not known), and its executions."""
    for budget in system.client.budgets.list():
        system.client.budgets.delete(str(budget.definition["name"]))
    for execution in list(system.client.executions.list()):
        if not execution.is_ended:
            system.client.executions.cancel(execution.id)
        system.ended(execution.id)
        system.client.executions.delete(execution.id)


def things(system: System) -> dict[str, str]:
    """What the commands of all pages name."""
    clear(system)
    before, now = waiting(system), waiting(system, PERSON)
    system.client.library.put("letters", "ada.md", b"# Of Ada\n\nShe wrote this.\n")
    system.client.schedules.put({"name": "daily", "workflow": "letters", "cron": "0 3 * * *", "input": {"of": PERSON}})
    ours = {"ID": now, "ID_BEFORE": before, "PERSON": PERSON, "WORKFLOW": "letters", "COLLECTION": "letters"}
    theirs = re.findall(r"\$\{?([A-Z][A-Z_]+)", "".join(scripts(page) for page in PAGES))
    return {**dict.fromkeys(theirs, "some-name"), **ours, "DOCUMENT": "ada.md", "SCHEDULE": "daily"}


def run(page: str, system: System, folder: Path) -> str:
    environment = {
        **os.environ,
        **things(system),
        "META_AGENTS_URL": system.host.address,
        "META_AGENTS_TOKEN": TOKEN,
        "PYTHONPATH": str(ROOT),
        "AZURE_FRONT_DOOR_URL": "",
        "AZURE_RESOURCE_GROUPS": '["rg-first", "rg-second"]',
        "AZURE_FUNCTION_APP_NAMES": '["func-first", "func-second"]',
        "AZURE_FUNCTION_APP_URL": system.host.address,
    }
    shell = ["bash", "-c", STUBS + scripts(page)]
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


SAID = {
    "README": ["letters", '"status":"ok"'],
    "cost-surprise": ["brake", "letters"],
    "deploy": ["smoke: well", '"build"'],
    "erase": ["gone"],
    "region-loss": ["gate: well, 2 of 2", "smoke: well"],
    "restore": ["smoke: well", "letters"],
    "rotation": ["refused, as it should be", "it has no webhook"],
    "stuck-execution": ["step.waiting", '"status":"ok"'],
    "throttling": ["letters"],
    "upgrade": ["letters"],
}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs_as_written(page: str, system: System, tmp_path: Path) -> None:
    said = run(page, system, tmp_path)
    assert [word for word in SAID[page] if word not in said.replace('": ', '":')] == [], said
    for line in (tmp_path / "noted").read_text().splitlines() if (tmp_path / "noted").exists() else []:
        name, *arguments = shlex.split(line)
        if name == "python":
            understand(arguments)
    if page == "erase":
        assert "still there" not in said
        listed = [system.client.executions.get(execution.id) for execution in system.client.executions.list()]
        assert [execution.id for execution in listed if PERSON in str(execution.input)] == []
        assert PERSON not in str(list(system.client.schedules.list()))
        assert list(system.client.library.collections()) == []


def understand(arguments: list[str]) -> None:
    """A command of Python's that is not run here: a program of ours takes these, or pytest finds tests there."""
    module, rest = arguments[1], arguments[2:]
    if module.startswith("tools."):
        importlib.import_module(module).command_line().parse_args(rest)
    else:
        assert module == "pytest"
        assert (ROOT / rest[-1]).is_dir()


CHOSEN = {
    "ID",
    "ID_BEFORE",
    "WORKFLOW",
    "COLLECTION",
    "DOCUMENT",
    "SCHEDULE",
    "PERSON",
    "BLOB",
    "BUILD",
    "BUILD_BEFORE",
}
"""What is asked about: whoever reads the page knows it, or the command before has listed it."""
OF_THE_PIPELINE = {"AZURE_ENV_NAME", "AZURE_SUBSCRIPTION_ID"}


@pytest.mark.parametrize("page", PAGES)
def test_every_name_that_a_command_uses_comes_from_somewhere(page: str) -> None:
    text = (FOLDER / f"{page}.md").read_text("utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    told = set(re.findall(r"^output (\w+)", (ROOT / "infra/bicep/main.bicep").read_text("utf-8"), re.MULTILINE))
    made = {"META_AGENTS_URL", "META_AGENTS_TOKEN"} | set(
        re.findall(r"(?:^|for |export )([A-Z_]+)(?:=| in )", scripts(page), re.MULTILINE)
    )
    named = set(re.findall(r"`([A-Z_]+)`", prose))
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", scripts(page)))
    assert used - told - made - named - CHOSEN - OF_THE_PIPELINE == set()


def test_every_page_is_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text("utf-8")
    assert [page for page in PAGES if page != "README" and f"]({page}.md)" not in index] == []


def test_events_that_a_page_names_are_there() -> None:
    text = (FOLDER / "stuck-execution.md").read_text("utf-8")
    named = set(re.findall(r"`((?:approval|step|budget|execution|call)\.[a-z_]+)`", text))
    assert named
    assert named <= set(EventType)


def test_every_alert_has_a_line_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text("utf-8").lower()
    titles = re.findall(
        r"^    title: '(.*)'$", (ROOT / "infra/bicep/modules/alerts.bicep").read_text("utf-8"), re.MULTILINE
    )
    assert titles
    assert [title for title in titles if title.lower() not in index] == []
