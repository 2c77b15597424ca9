"""The orchestrator of an execution: its steps in order, then `finish`. Deterministic.

After about fifty durable actions it continues as new between two steps, so that its history stays short.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain import values
from domain.calls import Ending
from domain.errors import Code, Problem, platform_failed
from domain.events import Draft
from domain.executions import StopReason
from domain.values import Json
from domain.workflows import Workflow
from orchestrators.interpreter import run_step
from orchestrators.run import Outcome, Run, Scope, attempted, dumped

ACTIONS_PER_GENERATION = 50
FINISH_ATTEMPTS = 20


def workflow(context: DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Input: `{tenant, execution, plan, workflow, input}`, `input` a `Value`; and, between generations, `{resume}`."""
    payload = context.get_input()
    definition = Workflow.model_validate(payload["workflow"])
    resume = payload.get("resume", {"index": 0, "steps": {}, "events": [], "last": {}})
    pending = [Draft.model_validate(event) for event in resume["events"]]
    run = Run(context, payload, pending)
    scope = _scope(payload, definition, resume["steps"])
    outcome = Outcome.model_validate(resume["last"])
    for index in range(resume["index"], len(definition.steps)):
        if run.actions >= ACTIONS_PER_GENERATION:
            context.continue_as_new({**payload, "resume": _resume(run, scope, index, outcome)})
            return None
        step = definition.steps[index]
        try:
            outcome = yield from run_step(run, step, step.id, scope)
        except Exception as error:  # a fault of ours must still end the execution, with what is known of it
            outcome = Outcome.failed(platform_failed(f"Step `{step.id}` broke the interpreter: {error!r}"))
        if outcome.error is not None:
            break
    return (yield from _finish(run, definition, scope, outcome))


def _scope(payload: dict[str, Json], definition: Workflow, steps: dict[str, Json]) -> Scope:
    about = {"id": payload["execution"], "workflow": definition.name}
    return Scope({"input": payload["input"], "execution": values.inline(about)}, dict(steps))


def _resume(run: Run, scope: Scope, index: int, outcome: Outcome) -> dict[str, Json]:
    events = [dumped(event) for event in run.take_events()]
    return {"index": index, "steps": scope.steps, "events": events, "last": dumped(outcome)}


def _finish(run: Run, definition: Workflow, scope: Scope, outcome: Outcome) -> Generator[Any, Any, Json]:
    """Close the execution. The platform may be ailing just then, so this is tried patiently."""
    reason = outcome.stop_reason or (StopReason.FINISHED if outcome.error is None else StopReason.FAILED)
    if outcome.error is not None and outcome.error.code is Code.CANCELED:
        reason = StopReason.CANCELED
    ending = Ending(
        tenant=run.tenant,
        execution=run.execution,
        template=definition.output,
        scope=scope.used_by(definition.output or ""),
        value=outcome.value,
        error=outcome.error,
        stop_reason=reason,
        events=run.take_events(),
    )
    for failures in range(FINISH_ATTEMPTS):
        answer = yield from attempted(run.activity("finish", dumped(ending)))
        if not isinstance(answer, Problem):
            return answer
        delay = timedelta(seconds=min(2**failures, 60))
        yield run.context.create_timer(run.context.current_utc_datetime + delay)
    raise RuntimeError(f"the execution's end could not be recorded: {answer.message}")
