"""The agent step: one turn of one agent. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import values
from domain.calls import ModelCall, TemplatePrompt
from domain.policies import Retry
from domain.steps import AgentStep
from orchestrators.calling import call_model
from orchestrators.run import Outcome, Run, Scope


def run_agent(run: Run, step: AgentStep, path: str, scope: Scope, _run_step: Any) -> Generator[Any, Any, Outcome]:
    call = ModelCall(
        tenant=run.tenant,
        execution=run.execution,
        plan=run.plan,
        retry_of=run.retry_of,
        key=f"{path}#0",
        step=path,
        agent=step.agent,
        prompt=TemplatePrompt(kind="template", template=step.input, scope=scope.used_by(step.input)),
        output_schema=step.output_schema,
        retry=step.retry or Retry(),
    )
    outcome = yield from call_model(run, call)
    if outcome.error is not None:
        return Outcome.failed(outcome.error)
    return Outcome(value=outcome.value or values.inline(None), preview=outcome.preview)
