"""Every example of a step does what its tests say: over the real engine, by script, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.forking import ReplayRequest, replay_execution
from domain.executions import Execution
from domain.steps import KINDS, Step
from domain.validation.workflows import check_workflow
from domain.workflows import Workflow, walk
from kit.bench import Bench
from kit.cases import Case
from kit.files import Suite, read
from kit.stage import SOMEONE, play
from tests.examples.library import EXAMPLES, STEPS, library

# The SDK tells app authors that untyped payloads will go; ours are plain JSON on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

SUFFIX = ".test.yaml"
FILES = {path.name.removesuffix(SUFFIX): read(path) for path in sorted(STEPS.glob(f"*{SUFFIX}"))}
CASES = [
    pytest.param(file, case, id=f"{name}-{number}")
    for name, file in FILES.items()
    for number, case in enumerate(file.file.cases, start=1)
]


@pytest.mark.parametrize(("file", "case"), CASES)
async def test_it_does_what_its_author_says(file: Suite, case: Case, tmp_path: Path) -> None:
    played = await play(case, file.file.workflow, library(), tmp_path, file.file.tool_modules, check_replay)
    assert played.differences(case.expect) == [], case.name


async def check_replay(bench: Bench, parent: Execution) -> None:
    """It comes to the same end from its log, at once, without a call: there is nobody left to answer one."""
    made = await replay_execution(bench.services, bench.client, SOMEONE, parent, ReplayRequest(), None)
    replay = await bench.ended(made.id)
    assert (replay.status, replay.output) == (parent.status, parent.output)
    assert (replay.error and replay.error.code) == (parent.error and parent.error.code)
    assert replay.stop_reason == parent.stop_reason
    assert replay.usage.model_calls == 0


def test_every_example_has_its_tests_beside_it() -> None:
    examples = {path.stem: path for path in STEPS.glob("*.yaml") if not path.name.endswith(SUFFIX)}
    assert examples.keys() == FILES.keys()
    for name, path in examples.items():
        assert f"\nname: {FILES[name].file.workflow}\n" in path.read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_step_has_an_example(kind: str) -> None:
    assert kind in {_kind(step) for step in walk(library().workflows[FILES[kind].file.workflow].steps)}


@pytest.mark.parametrize("workflow", library().workflows.values(), ids=library().workflows)
def test_nothing_is_wrong_with_any_workflow(workflow: Workflow) -> None:
    assert check_workflow(workflow, library().known) == ((), ())


def test_every_example_says_first_what_it_shows() -> None:
    for folder in ("datasets", "prompts", "steps", "tools", "workflows"):
        for path in (EXAMPLES / folder).glob("*.yaml"):
            lines = path.read_text("utf-8").splitlines()
            first = next(line for line in lines if "yaml-language-server" not in line)
            assert first.startswith("# ") or path.name.endswith(SUFFIX), path


def _kind(step: Step) -> str:
    [kind] = type(step).model_fields.keys() & set(KINDS)
    return kind
