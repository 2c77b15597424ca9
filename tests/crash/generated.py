"""Generated workflows for a host that is killed: they come to the same end however long anything takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from domain.events import Event, EventType
from meta_agents.results import Execution
from tests.crash.system import System
from tests.language.account import MOMENT
from tests.language.samples import steady_samples
from tests.language.script import number

AGENTS = ("ann", "ben", "cleo")
PATIENT = {"attempts": 4, "first_delay": "PT0.05S"}


@dataclass(frozen=True)
class Generated:
    """One of them, as it is written; `others` are the workflows that it names."""

    workflow: dict[str, Any]
    others: tuple[dict[str, Any], ...]
    input: Any

    @property
    def listens(self) -> bool:
        """Whether it waits for events."""
        return '"event"' in json.dumps([self.workflow, self.others])


def generated(count: int) -> list[Generated]:
    """So many, the same ones each time. The model fails some of their calls at first."""
    made: list[Generated] = []
    for index, (case, _) in enumerate(steady_samples(count)):
        text = json.dumps([case.workflow, case.others]).replace('"other-', f'"case-{index}-other-')
        workflow, others = _shaken(json.loads(text), f"case {index}")
        workflow["name"] = f"case-{index}"
        # Those that others name come last, and have to be there first.
        named = tuple({"name": name, **other} for name, other in reversed(others.items()))
        made.append(Generated(workflow, named, case.input))
    return made


def prepare(system: System, workflows: list[Generated]) -> None:
    """Store what the workflows name."""
    system.agents(*AGENTS)
    for workflow in workflows:
        for other in workflow.others:
            system.client.workflows.put(other)


def outcome(record: Execution, log: list[Event]) -> dict[str, Any]:
    """What came of it, without the moments at which."""
    told = {
        "status": record.status,
        "output": record.output,
        "reason": record.stop_reason,
        "error": record.error.code if record.error else None,
        "answers": {event.data["call"]: event.value for event in log if event.type is EventType.CALL_COMPLETED},
        "steps": sorted({f"{event.step} {event.type}" for event in log if event.type in STEPS}),
    }
    without: dict[str, Any] = json.loads(MOMENT.sub("some time", json.dumps(told, default=str)))
    return without


STEPS = (EventType.STEP_STARTED, EventType.STEP_COMPLETED, EventType.STEP_FAILED, EventType.STEP_SKIPPED)


def _shaken(written: Any, about: str) -> Any:
    """With agents who ask something of their own each, some of whom the model fails at first."""
    if isinstance(written, list):
        return [_shaken(value, about) for value in written]
    if not isinstance(written, dict):
        return written
    step = {key: _shaken(value, about) for key, value in written.items()}
    if "agent" in step and "input" in step:
        fails = f"[[stub:down {1 + number(step['id']) % 2}]] " if number(step["id"]) % 3 == 0 else ""
        step |= {"input": f"{fails}{about}, {step['id']}: {step['input']}", "retry": PATIENT}
    return step
