"""The commands of the README do what it says, on a fresh app, as they are written there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from tests.crash.system import TOKEN, System

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
    assert applied.count("created") == 14
    assert ran.strip()
    assert json.loads(posted)["status"] == "completed"
