"""The histories that the durable SDK ships in its own tests: our engine writes the same, and is answered the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import azure.durable_functions as df

from tools.processes import ROOT

SDK_TESTS = Path(df.__file__).parents[2] / "tests" / "orchestrator"
OTHERWISE = {
    # The SDK's test gives a failed sub-orchestration a text of its own; Azure and we give the child's failure as it is.
    "test_sub_orchestrator_with_retry.py::test_tokyo_and_seattle_and_london_state_all_failed",
    # It returns what `is_replaying` was: nothing is replayed while an orchestrator is kept alive between its turns.
    "test_sequential_orchestrator.py::test_sequential_is_replaying",
}


def test_our_engine_lives_through_the_sdks_own_histories(tmp_path: Path) -> None:
    path = tmp_path / "path"
    path.mkdir()
    (path / "devhost").symlink_to(ROOT / "devhost")
    (path / "goldens").symlink_to(Path(__file__).with_name("goldens"))
    goldens = tmp_path / "goldens.jsonl"
    options = ["-p", "goldens.plugin", "-p", "no:cacheprovider", "-q", "-c", os.devnull, "--rootdir", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(SDK_TESTS), f"--ignore={SDK_TESTS / 'openai_agents'}"],
        env={**os.environ, "PYTHONPATH": str(path), "GOLDENS": str(goldens)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    verdicts = [json.loads(line) for line in goldens.read_text().splitlines()]
    assert len(verdicts) > 100
    different = {verdict["test"]: verdict["verdict"] for verdict in verdicts if verdict["verdict"] != "same"}
    assert set(different) <= OTHERWISE, different
