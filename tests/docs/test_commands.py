"""The commands of the README, and those of control, do what is said, on a fresh app, as they are written there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.crash.system import TOKEN, System, wait_until

ROOT = Path(__file__).parents[2]


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
        environment = {**os.environ, "META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN}
        outputs = []
        for command in commands():
            here = command.replace("http://127.0.0.1:7071", system.host.address).replace(".local/token", str(token))
            shell = ["bash", "-c", here]
            done = subprocess.run(
                shell, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{here}\n{done.stdout}{done.stderr}"
            outputs.append(done.stdout)
        applied, ran, posted = outputs
    definitions = [path for folder in ("agents", "workflows") for path in (ROOT / "examples" / folder).glob("*.yaml")]
    assert applied.count("created") == len(definitions)
    assert ran.strip()
    assert json.loads(posted)["status"] == "completed"


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
    said: list[str] = []
    with System(tmp_path, latency=0) as system:
        target = {"META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}

        def is_asked() -> bool:
            return any(system.client.approvals.list(state="pending", execution=variables["id"]))

        for line in lines:
            if "approvals" in line:
                wait_until(is_asked, "a question to people")
            assigned = re.fullmatch(r"([a-z]+)=\$\((.*)\)", line)
            here = f'meta-agents() {{ "{sys.executable}" -m meta_agents "$@"; }}; {assigned[2] if assigned else line}'
            environment = {**os.environ, **target, **variables}
            shell = ["bash", "-c", here]
            done = subprocess.run(
                shell, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
            if assigned:
                variables[assigned[1]] = done.stdout.strip()
        made = list(system.client.executions.list())
        (decided,) = system.client.approvals.list(execution=variables["id"])
    assert (decided.id, decided.decision, decided.comment) == (variables["question"], "approve", "Go ahead.")
    assert "✓ completed" in said[lines.index('meta-agents watch "$id"')]
    assert [execution.retry_of for execution in made] == [variables["id"], variables["id"], None]
    assert said[-1].strip()
