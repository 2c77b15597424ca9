"""The agent step: one turn of one agent. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import values
from domain.calls import ModelCall
from domain.prompt_shapes import TemplatePrompt
from domain.steps import AgentStep
from orchestrators.calling import call_model
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope


def run_agent(run: Run, step: AgentStep, path: str, scope: Scope, _run_step: Any) -> Generator[Any, Any, Outcome]:
    call = ModelCall(
        **run.about(f"{path}#0", path, scope.rules.trace),
        plan=run.plan,
        agent=step.agent,
        prompt=TemplatePrompt(kind="template", template=step.input, scope=scope.used_by(step.input)),
        output_schema=step.output_schema,
        retry=scope.rules.retry,
        caps=scope.rules.caps,
    )
    outcome = yield from call_model(run, call)
    if outcome.error is not None:
        return Outcome.failed(outcome.error)
    return Outcome(value=outcome.value or values.inline(None), preview=outcome.preview)
