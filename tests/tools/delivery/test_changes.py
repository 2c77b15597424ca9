"""What a deployment would change, in words that show no values."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.delivery.changes import MOST_PATHS, MOST_ROWS, worded

ROOT = Path(__file__).parents[3]
GROUP = "/subscriptions/0000/resourceGroups/rg-dev"


def change(kind: str, name: str, delta: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"changeType": kind, "resourceId": f"{GROUP}/providers/Microsoft.Web/sites/{name}", "delta": delta}


def test_deletions_come_first_and_values_are_not_shown() -> None:
    inner: dict[str, Any] = {"path": "0", "propertyChangeType": "Modify", "before": "old-value", "after": "new-value"}
    noise: dict[str, Any] = {"path": "quiet", "propertyChangeType": "NoEffect"}
    delta = [{"path": "properties.list", "propertyChangeType": "Array", "children": [inner]}, noise]
    told = worded({"changes": [change("Modify", "m", delta), change("NoChange", "n"), change("Delete", "d")]}, "dev")
    rows = [line for line in told.splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| Delete | `rg-dev/providers/Microsoft.Web/sites/d` |  |",
        "| Modify | `rg-dev/providers/Microsoft.Web/sites/m` | `properties.list.0` |",
    ]
    assert "**Something would be deleted.**" in told
    assert told.endswith("1 of 3 resources stay as they are.")
    assert [word for word in ("old-value", "new-value", "0000") if word in told] == []


def test_what_is_too_much_is_counted() -> None:
    many = [{"path": f"p{n}", "propertyChangeType": "Create"} for n in range(MOST_PATHS + 3)]
    told = worded({"changes": [change("Modify", f"m{n:03}", many) for n in range(MOST_ROWS + 2)]}, "dev")
    assert "And 2 more." in told
    assert told.count("and 3 more") == MOST_ROWS


def test_names_cannot_break_the_table_and_a_refusal_is_said() -> None:
    told = worded({"changes": [change("Create", "a|b`c")], "error": {"message": "Not\nallowed."}}, "dev")
    assert "sites/a\\|b'c" in told
    assert "**Azure refuses it:** Not allowed." in told


def test_it_runs_on_a_file(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(json.dumps({"changes": [], "status": "Succeeded"}))
    command = [sys.executable, "-m", "tools.delivery.changes", str(tmp_path / "w.json"), "prod"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("### What this would change in prod\n")
    assert done.stdout.endswith("0 of 0 resources stay as they are.\n")
