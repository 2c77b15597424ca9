"""The commands of the README, of the examples and of control do what is said, on a fresh app, as they are written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.crash.system import TOKEN, System, wait_until

ROOT = Path(__file__).parents[2]


def said(line: str, folder: Path, environment: dict[str, str]) -> str:
    """What a command says on standard output; it has to succeed. `meta-agents` is this one."""
    here = f'meta-agents() {{ "{sys.executable}" -m meta_agents "$@"; }}; {line}'
    whole = {**os.environ, **environment}
    shell = ["bash", "-c", here]
    done = subprocess.run(shell, cwd=folder, env=whole, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def definitions_in(*folders: str) -> int:
    """How many there are in these folders of examples/."""
    files = [path for folder in folders for path in (ROOT / "examples" / folder).glob("*.yaml")]
    return sum(not path.name.endswith(".test.yaml") for path in files)


def commands() -> list[str]:
    """The README's shell commands that talk to a running app, comments and line continuations taken out."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    text = "\n".join(content for language, content in blocks if not language)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [line.partition("  #")[0] for line in lines if line.startswith((".venv/bin/meta-agents", "curl"))]


def test_the_readme_example_runs_as_written(tmp_path: Path) -> None:
    with System(tmp_path, latency=0) as system:
        token = tmp_path / "token"
        token.write_text(TOKEN)
        environment = {"META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN}
        outputs = []
        for command in commands():
            here = command.replace("http://127.0.0.1:7071", system.host.address).replace(".local/token", str(token))
            outputs.append(said(here, ROOT, environment))
        applied, ran, posted = outputs
    assert applied.count("created") == definitions_in("agents", "tools", "workflows")
    assert ran.strip()
    assert json.loads(posted)["status"] == "completed"


def test_the_commands_of_the_examples_run_as_written(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```\n(.*?)^```$", (ROOT / "examples" / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    with System(tmp_path, latency=0) as system:
        environment = {"META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN}
        linted, applied, ran = (said(line, ROOT, environment) for line in block.splitlines())
    assert "0 errors, 0 warnings" in linted
    assert applied.count("created") == definitions_in("agents", "datasets", "prompts", "tools", "workflows", "steps")
    assert ran.strip()


def control() -> tuple[str, list[str]]:
    """The workflow of the command line's chapter on control, and its commands."""
    chapter = (ROOT / "docs" / "cli.md").read_text().partition("### Control\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", chapter, re.DOTALL | re.MULTILINE)
    (definition,) = [content for language, content in blocks if language == "yaml"]
    return definition, "".join(content for language, content in blocks if language == "sh").splitlines()


def test_the_commands_of_control_run_as_written(tmp_path: Path) -> None:
    definition, lines = control()
    (tmp_path / "announce.yaml").write_text(definition)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    variables: dict[str, str] = {}
    told: list[str] = []
    with System(tmp_path, latency=0) as system:
        target = {"META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}

        def is_asked() -> bool:
            return any(system.client.approvals.list(state="pending", execution=variables["id"]))

        for line in lines:
            if "approvals" in line:
                wait_until(is_asked, "a question to people")
            assigned = re.fullmatch(r"([a-z]+)=\$\((.*)\)", line)
            told.append(said(assigned[2] if assigned else line, tmp_path, {**target, **variables}))
            if assigned:
                variables[assigned[1]] = told[-1].strip()
        made = list(system.client.executions.list())
        (decided,) = system.client.approvals.list(execution=variables["id"])
    assert (decided.id, decided.decision, decided.comment) == (variables["question"], "approve", "Go ahead.")
    assert "✓ completed" in told[lines.index('meta-agents watch "$id"')]
    assert [execution.retry_of for execution in made] == [variables["id"], variables["id"], None]
    assert told[-1].strip()
