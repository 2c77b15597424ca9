from __future__ import annotations

import subprocess
from pathlib import Path

from tools.processes import ROOT


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_make_alone_lists_every_target() -> None:
    shown = make()
    listed = {line.split()[1] for line in shown.stdout.splitlines()}
    assert shown.returncode == 0
    assert {"help", "setup", "start", "test", "test-long", "check", "clean"} <= listed


def test_an_old_python_is_refused_by_name(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && { echo Python 3.9.2; exit 0; }\nexit 1\n')
    old.chmod(0o755)
    refused = make("python", f"PYTHON={old}")
    assert refused.returncode != 0
    assert f"Python 3.11 or later is needed; '{old}' is Python 3.9.2." in refused.stderr


def test_a_missing_python_is_said() -> None:
    refused = make("python", "PYTHON=python-that-is-nowhere")
    assert refused.returncode != 0
    assert "'python-that-is-nowhere' was not found" in refused.stderr
