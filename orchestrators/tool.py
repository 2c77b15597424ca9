"""The tool step: one call of one tool. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import values
from domain.calls import ToolCall
from domain.steps import ToolStep
from domain.workflows import texts_in
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.tool_calling import call_tool


def run_tool(run: Run, step: ToolStep, path: str, scope: Scope, _run_step: Any) -> Generator[Any, Any, Outcome]:
    call = ToolCall(
        **run.about(f"{path}#0", path, scope.rules.trace),
        plan=run.plan,
        tool=step.tool,
        arguments=step.arguments,
        scope=scope.used_by(*texts_in(step.arguments)),
        retry=scope.rules.retry,
    )
    outcome = yield from call_tool(run, call)
    if outcome.error is not None:
        return Outcome.failed(outcome.error)
    return Outcome(value=outcome.value or values.inline(None), preview=outcome.preview)
