"""The orchestrator of an execution: its steps, then `finish`, then its webhook. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain.calls import HELD, Ending
from domain.errors import Code, Problem
from domain.events import Draft
from domain.executions import StopReason
from domain.values import Json
from orchestrators.body import Body
from orchestrators.delivering import deliver
from orchestrators.run import Run, attempted, dumped
from orchestrators.scope import Outcome
from orchestrators.steps import RunStep

FINISH_ATTEMPTS = 20


def workflow(context: DurableOrchestrationContext, run_step: RunStep) -> Generator[Any, Any, Json]:
    """Input: `{tenant, execution, plan, workflow, input}`, `input` a `Value`; and, between generations, `{resume}`.

    A fork adds `{retry_until, outputs}`; a workflow that names others `{workflows}`, their definitions by reference.
    """
    payload = context.get_input()
    resume = payload.get("resume", {"events": []})
    run = Run(context, payload, [Draft.model_validate(event) for event in resume["events"]])
    body = Body(run, payload, run_step)
    run.workflow_name = body.definition.name
    outcome: Outcome | None = yield from run.loom.run(body.outcome())
    if outcome is None:
        context.continue_as_new(body.resumed())
        return None
    ending = yield from run.loom.run(_finish(run, body, outcome))
    yield from deliver(context, payload, ending)
    return ending


def _finish(run: Run, body: Body, outcome: Outcome) -> Generator[Any, Any, Json]:
    """Close the execution. The platform may be ailing just then, so this is tried patiently."""
    template = body.definition.output
    reason = outcome.stop_reason or (StopReason.FINISHED if outcome.error is None else StopReason.FAILED)
    if outcome.error is not None and outcome.error.code is Code.CANCELED:
        reason = StopReason.CANCELED
    ending = Ending(
        tenant=run.tenant,
        execution=run.execution,
        template=template,
        scope=body.scope.used_by(template or ""),
        value=outcome.value,
        error=outcome.error,
        stop_reason=reason,
        events=run.take_events(),
        trace=run.trace,
    )
    failures = tries = 0
    while True:
        sent = ending.model_copy(update={"tries": tries})
        answer = yield from attempted(run.activity("finish", dumped(sent)))
        tries += 1
        if isinstance(answer, Problem):
            failures += 1
            if failures == FINISH_ATTEMPTS:
                raise RuntimeError(f"the execution's end could not be recorded: {answer.message}")
            yield run.context.create_timer(run.now + timedelta(seconds=min(2 ** (failures - 1), 60)))
        elif answer == HELD:
            yield from run.idle(sent.wake)
        else:
            return answer
