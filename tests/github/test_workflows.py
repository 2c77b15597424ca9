"""GitHub's workflows: valid, pinned, with no right that they do not need, and true of what they call."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent
each_workflow = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)

# Beside `contents: read`, and the reason stands beside each in the file.
RIGHTS = {
    ("deploy-to.yml", "deploy"): {"id-token"},
    ("deploy.yml", "dev"): {"id-token"},
    ("deploy.yml", "prod"): {"id-token"},
    ("security.yml", "code"): {"security-events"},
    ("what-if.yml", "what-if"): {"id-token"},
    ("what-if.yml", "comment"): {"pull-requests"},
}


def workflow(path: Path) -> dict[str, Any]:
    found: dict[str | bool, Any] = yaml.safe_load(path.read_text("utf-8"))
    # YAML 1.1 reads the key `on` as true.
    return {("on" if key is True else str(key)): value for key, value in found.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = workflow(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path).values():
        yield from job.get("steps", [])


def scripts() -> Iterator[Any]:
    for path in PATHS:
        for number, step in enumerate(step for step in steps(path) if "run" in step):
            yield pytest.param(step["run"], id=f"{path.stem}-{step.get('name', number)}")


def check(*command: str | Path, text: str | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_are_what_githubs_schema_allows() -> None:
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *PATHS)


def test_dependabots_file_is_what_its_schema_allows() -> None:
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.dependabot", ROOT / ".github" / "dependabot.yml")


def test_an_auditor_of_workflows_finds_nothing() -> None:
    check(BIN / "zizmor", "--offline", "--no-progress", "--min-severity", "medium", ROOT / ".github")


@pytest.mark.parametrize("script", [*scripts()])
def test_each_script_is_sound(script: str) -> None:
    # What GitHub puts into the text of a script could be anybody's: it comes by environment instead.
    assert "${{" not in script
    check(BIN / "shellcheck", "--shell", "bash", "--severity", "style", "-", text=script)


@each_workflow
def test_actions_are_pinned_by_commit_and_say_their_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))
    assert used
    for action, comment in used:
        if action.startswith("./"):
            assert (ROOT / action).is_file()
        else:
            assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_an_action_is_the_same_everywhere() -> None:
    text = "".join(path.read_text("utf-8") for path in PATHS)
    pins: dict[str, set[str]] = {}
    for action, pin in re.findall(r"uses: ([\w.-]+/[\w.-]+)[\w./-]*@(\S+ # \S+)", text):
        pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) != 1} == {}


@each_workflow
def test_no_job_has_a_right_that_it_does_not_need(path: Path) -> None:
    assert workflow(path)["permissions"] in ({}, {"contents": "read"})
    for name, job in jobs(path).items():
        rights = job.get("permissions", {})
        assert {right for right, level in rights.items() if level == "write"} == RIGHTS.get((path.name, name), set())
        assert {level for right, level in rights.items() if right not in RIGHTS.get((path.name, name), ())} <= {"read"}


@each_workflow
def test_there_are_no_secrets_and_no_checkout_leaves_its_token(path: Path) -> None:
    assert "secrets." not in path.read_text("utf-8")
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@each_workflow
def test_each_job_ends_some_time(path: Path) -> None:
    assert [name for name, job in jobs(path).items() if "timeout-minutes" not in job and "uses" not in job] == []


@pytest.mark.parametrize("path", [path for path in PATHS if "pull_request" in workflow(path)["on"]])
def test_a_pull_request_from_a_fork_never_reaches_azure(path: Path) -> None:
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    reaching = {name: job for name, job in jobs(path).items() if "id-token" in job.get("permissions", {})}
    assert [name for name, job in reaching.items() if job["if"] != own] == []
    assert "pull_request_target" not in path.read_text("utf-8")


@each_workflow
def test_what_an_expression_names_is_there(path: Path) -> None:
    for name, job in jobs(path).items():
        ids = {step["id"] for step in job.get("steps", []) if "id" in step}
        assert {*re.findall(r"\bsteps\.([\w-]+)\.", str(job))} <= ids, name
        needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        assert {*needed, *re.findall(r"\bneeds\.([\w-]+)\.", str(job))} <= jobs(path).keys(), name


def test_what_the_scripts_call_is_there() -> None:
    text = "\n".join(step["run"] for path in PATHS for step in steps(path) if "run" in step)
    words = {word for line in re.findall(r"^\s*make (.*)$", text, re.MULTILINE) for word in line.split()}
    targets = {word for word in words if "=" not in word}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert targets <= known
    modules = set(re.findall(r"python -m (tools[\w.]+)", text))
    assert {name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").is_file()} == set()
    text = text.replace("$ENVIRONMENT", "prod")
    files = set(re.findall(r"(?<![\w/.-])((?:\.ci|infra|tests|web)/[\w./-]+)", text))
    assert files
    assert {name for name in files if not (ROOT / name).exists()} == set()
    assert {
        name for name in re.findall(r"npm --prefix (\S+)", text) if not (ROOT / name / "package.json").is_file()
    } == set()


def test_packages_of_the_project_are_installed_as_pinned_here() -> None:
    text = "\n".join(path.read_text("utf-8") for path in PATHS)
    pinned = dict(re.findall(r"^([a-z-]+)==(\S+)$", (ROOT / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE))
    installed = dict(re.findall(r"pip install --quiet ([a-z-]+)==(\S+)", text))
    assert {name: version for name, version in installed.items() if pinned.get(name, version) != version} == {}


def test_what_is_deployed_was_built_once() -> None:
    built = [job for job in jobs(FOLDER / "deploy.yml").values() if "tools.delivery.package" in str(job)]
    assert len(built) == 1
    assert "tools.delivery.package" not in (FOLDER / "deploy-to.yml").read_text("utf-8")
    assert [job["needs"] for name, job in jobs(FOLDER / "deploy.yml").items() if name == "prod"] == ["dev"]


def test_the_outputs_that_a_deployment_reads_are_those_of_the_template() -> None:
    text = (FOLDER / "deploy-to.yml").read_text("utf-8")
    read = set(re.findall(r"\$(AZURE_[A-Z_]+)", text))
    given = set(re.findall(r"^output (\w+)", (ROOT / "infra/bicep/main.bicep").read_text("utf-8"), re.MULTILINE))
    assert read
    assert read <= given
