"""Words what a deployment would change, for a pull request: `python -m tools.delivery.changes WHAT-IF.json PLACE`.

Reads what `az deployment sub what-if --no-pretty-print` prints. Of properties only the paths are told: values may be
nobody's business. Needs nothing but Python.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ORDER = ("Delete", "Create", "Deploy", "Modify", "Unsupported")
"""What is told, and in this order; of what stays as it is only the number."""
MOST_ROWS, MOST_PATHS = 200, 12


def main() -> int:
    print(worded(json.loads(Path(sys.argv[1]).read_text("utf-8")), sys.argv[2]))
    return 0


def worded(answer: dict[str, Any], place: str) -> str:
    """Markdown; `place` names the environment. An answer with an error says so first."""
    changes = answer.get("changes") or []
    told = sorted((one for one in changes if one["changeType"] in ORDER), key=_rank)
    lines = [f"### What this would change in {place}", ""]
    if answer.get("error"):
        lines += [f"**Azure refuses it:** {_cell(str(answer['error'].get('message')))}", ""]
    if any(one["changeType"] == "Delete" for one in told):
        lines += ["**Something would be deleted.**", ""]
    if told:
        lines += ["| change | resource | properties |", "|---|---|---|", *map(_row, told[:MOST_ROWS])]
    if len(told) > MOST_ROWS:
        lines += ["", f"And {len(told) - MOST_ROWS} more."]
    return "\n".join([*lines, "", f"{len(changes) - len(told)} of {len(changes)} resources stay as they are."])


def _rank(change: dict[str, Any]) -> tuple[int, str]:
    return ORDER.index(change["changeType"]), change["resourceId"]


def _row(change: dict[str, Any]) -> str:
    paths = list(_paths(change.get("delta") or []))
    shown = ", ".join(f"`{_cell(path)}`" for path in paths[:MOST_PATHS])
    more = f" and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else ""
    return f"| {change['changeType']} | `{_cell(_name(change['resourceId']))}` | {shown}{more} |"


def _name(id: str) -> str:
    """Without the subscription, which is nobody's business either."""
    _, _, rest = id.partition("/resourceGroups/")
    return rest or id.rpartition("/providers/")[2]


def _paths(delta: list[dict[str, Any]], before: str = "") -> Iterator[str]:
    for one in delta:
        path = f"{before}{one['path']}"
        children = one.get("children") or []
        if children:
            yield from _paths(children, f"{path}.")
        elif one.get("propertyChangeType") != "NoEffect":
            yield path


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")


if __name__ == "__main__":
    raise SystemExit(main())
