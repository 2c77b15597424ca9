"""Workflows as authors write them, good and bad, and everything that is said about one."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from domain.validation import Findings, Known, check_workflow, details_of
from domain.workflows import Workflow

KNOWN = Known(agents=dict.fromkeys(["writer", "critic", "chair", "critic@2"]))


def found(workflow: Any, known: Known | None = KNOWN) -> Findings:
    try:
        read = Workflow.model_validate(workflow)
    except ValidationError as error:
        return Findings(details_of(error, Workflow, workflow))
    return check_workflow(read, known, workflow)


def told(workflow: Any, known: Known | None = KNOWN) -> dict[str, str]:
    """Every mistake in a workflow as written: pointer to message."""
    details = found(workflow, known).errors
    assert len({detail.pointer for detail in details}) == len(details), details
    return {detail.pointer: detail.message for detail in details}


def warned(workflow: Any, known: Known | None = KNOWN) -> dict[str, str]:
    """Every warning about a workflow that has no mistakes."""
    errors, warnings = found(workflow, known)
    assert errors == ()
    assert len({detail.pointer for detail in warnings}) == len(warnings), warnings
    return {detail.pointer: detail.message for detail in warnings}


def of_steps(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"name": "w", "steps": list(steps), **more}


def agent(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "agent": "writer", **more}


def uses(id: str, *others: str, **more: Any) -> dict[str, Any]:
    """An agent step whose input uses the outputs of others."""
    return agent(id, input=" ".join(f"${{steps.{other}.output}}" for other in others), **more)


def chat(**rules: Any) -> dict[str, Any]:
    usual = {"participants": ["writer", "critic"], "task": "Talk.", "until": {"any": [{"turns": 6}]}}
    return {"id": "talk", "group_chat": {**usual, **rules}}


def both(join: Any = "all", *branches: Any) -> dict[str, Any]:
    inside = list(branches) or [agent("a"), agent("b")]
    return {"id": "both", "concurrent": {"branches": inside, "join": join}}


def loop(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"id": "again", "loop": {"steps": list(steps) or [agent("a")], "most": 3, **more}}


def switch(*cases: tuple[str, Any], otherwise: Any = None) -> dict[str, Any]:
    rest = {"otherwise": otherwise} if otherwise else {}
    return {"id": "choice", "switch": {"cases": [{"when": when, "step": step} for when, step in cases], **rest}}


def handoff(may_pass: dict[str, list[str]], start: str = "writer", **more: Any) -> dict[str, Any]:
    return {"id": "hand", "handoff": {"start": start, "may_pass": may_pass, **more}}
