"""Fills in a parameter file as azd does: `SETTINGS='{"NAME": "value"}' python -m tools.delivery.parameters FILE`.

`${NAME}` and `${NAME=default}` stand for what SETTINGS says, or else the environment. What is printed is for
`az deployment sub … --parameters @FILE`. Needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HOLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:=([^}]*))?\}")


def main() -> int:
    print(json.dumps(filled(Path(sys.argv[1]).read_text("utf-8"), given_values()), indent=2))
    return 0


def given_values() -> dict[str, str]:
    """What SETTINGS says goes before the environment."""
    settings = json.loads(os.environ.get("SETTINGS") or "{}")
    return dict(os.environ) | {name: _text(value) for name, value in settings.items()}


def filled(text: str, values: Mapping[str, str]) -> Any:
    """The parameter file as JSON. What has neither value nor default is empty, as in azd."""

    def value(hole: re.Match[str]) -> str:
        found = values.get(hole[1]) or hole[2] or ""
        # Between quotes it is the content of a JSON string; by itself it is JSON: a number, a list.
        return json.dumps(found)[1:-1] if _is_quoted(text, hole.start()) else found

    return json.loads(_HOLE.sub(value, text))


def _is_quoted(text: str, position: int) -> bool:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return len(re.findall(r'(?<!\\)"', line)) % 2 == 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    raise SystemExit(main())
