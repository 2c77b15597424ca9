"""Only what the app needs is deployed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]
IGNORED = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
NEEDED_FOLDERS = ("domain", "orchestrators", "activities", "entities", "api", "services")
NEEDED_FILES = ("function_app.py", "host.json", "requirements.txt")


def is_needed(path: str) -> bool:
    return path in NEEDED_FILES or path.split("/", maxsplit=1)[0] in NEEDED_FOLDERS or path.startswith("web/dist/")


@pytest.mark.parametrize(
    "path",
    [*NEEDED_FILES, *(f"{folder}/a/b.py" for folder in NEEDED_FOLDERS), "web/dist/index.html", "web/dist/assets/a.js"],
)
def test_what_the_app_needs_is_deployed(path: str) -> None:
    assert not IGNORED.match_file(path)


def test_no_other_file_of_the_repository_is_deployed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    deployed = [path for path in listed.splitlines() if not IGNORED.match_file(path)]
    # `.funcignore` itself is left out by azd and Core Tools.
    surplus = {path.split("/")[0] for path in deployed if not is_needed(path)} - {".funcignore"}
    assert surplus == set(), f"not needed by the app, so name it in .funcignore: {sorted(surplus)}"


@pytest.mark.parametrize(
    "path",
    [
        ".azure/dev/.env",
        ".env",
        ".git/config",
        ".local/devhost.sqlite",
        ".mypy_cache/x.json",
        ".venv/bin/python",
        "domain/__pycache__/x.cpython-311.pyc",
        "local.settings.json",
        "meta-agents_env/bin/python",
        "web/node_modules/react/index.js",
        "web/src/main.tsx",
    ],
)
def test_secrets_state_and_what_tools_leave_behind_stay_here(path: str) -> None:
    assert IGNORED.match_file(path)
