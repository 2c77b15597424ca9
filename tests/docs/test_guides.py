"""The guides to prompts and to evaluations do what is said, on a fresh app, as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.crash.system import TOKEN, System
from tests.docs.test_commands import ROOT, said

SKIPPED = {"prompts.md": {3}, "evaluations.md": {2}}
"""Definitions that show another way of writing one that is there already."""


def files_of(text: str, skipped: set[int]) -> dict[str, str]:
    """The definitions of a guide as the files that its commands name."""
    shown = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    kept = [one for number, one in enumerate(shown) if number not in skipped]
    files = {f"{yaml.safe_load(one)['name']}.yaml": one for one in reversed(kept)}
    for one in re.findall(r"^```csv\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        files["capitals.csv"] = one
    return files


@pytest.mark.parametrize("name", SKIPPED)
def test_the_guide_runs_as_written(name: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / name).read_text()
    lines = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)).splitlines()
    for file, content in files_of(text, SKIPPED[name]).items():
        (tmp_path / file).write_text(content)
    variables: dict[str, str] = {}
    told: dict[str, str] = {}
    with System(tmp_path, latency=0) as system:
        target = {"META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
        for line in lines:
            assigned = re.fullmatch(r"([a-z]+)=\$\((.*)\)", line)
            told[line] = said(assigned[2] if assigned else line, tmp_path, {**target, **variables})
            if assigned:
                variables[assigned[1]] = told[line].strip()
    for line, words in EXPECTED[name].items():
        [output] = [output for said_line, output in told.items() if said_line.startswith(line)]
        assert [word for word in words if word not in output] == [], output


EXPECTED = {
    "prompts.md": {
        "meta-agents prompt labels greet": ["production", "nowhere → 1"],
        "meta-agents prompt diff greet": ["greet has one version only"],
        "meta-agents uses prompt greet": ["host", "greet:production", "hello", "agent/host"],
        "meta-agents prompt try greet --agent host --on": ["host with greet@1", "1 case, 1 answered", "THEN"],
        "meta-agents prompt try greet --agent host --workflow": ["2 cases, 2 answered", "2 of 2"],
    },
    "evaluations.md": {
        "meta-agents dataset import": ["dataset  capitals  version 1  3 cases"],
        "meta-agents eval guide --data capitals --grade has=contains --grade": ["3 answered", "has", "3 of 3"],
        "meta-agents eval compare": ["3 cases in both", "guide@1 with name-capital"],
        "meta-agents eval show": ["name-capital"],
        "meta-agents eval list": ["capitals@1"],
    },
}
