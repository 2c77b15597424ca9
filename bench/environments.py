"""A virtual environment per peer under .local/bench/envs, made once and kept until its requirements change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.process import ROOT, ProcessFailed

FOLDER = ROOT / ".local" / "bench" / "envs"


def python_with(name: str, requirements: tuple[str, ...]) -> Path:
    """The Python of the environment `name` with these installed. Raises `ProcessFailed` with pip's last words."""
    folder = FOLDER / name
    python, mark = folder / "bin" / "python", folder / "requirements.installed"
    wanted = "\n".join(requirements)
    if not mark.exists() or mark.read_text() != wanted:
        _do([sys.executable, "-m", "venv", "--clear", str(folder)])
        _do([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        mark.write_text(wanted)
    return python


def _do(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessFailed(f"{' '.join(command[-4:])} failed\n{done.stderr[-2000:]}")
