"""The workflow step: another workflow, run in an orchestrator of its own within the same execution. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain.errors import Problem, platform_failed
from domain.steps import WorkflowStep
from domain.values import Json
from domain.workflows import Workflow
from orchestrators.body import Body
from orchestrators.run import Run, dumped
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep

WORKFLOW_ORCHESTRATOR = "sub_workflow"


def run_workflow(
    run: Run, step: WorkflowStep, path: str, scope: Scope, _run_step: RunStep
) -> Generator[Any, Any, Outcome]:
    return (yield from run_named(run, step.workflow, step.input, path, scope))


def run_named(run: Run, name: str, source: Json, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    """What the parent does: say what it is given, hand it over, and wait for its outcome.

    Raises `ProblemError` invalid_input for what the workflow does not take.
    """
    definition = run.workflows.get(name)
    if definition is None:
        return Outcome.failed(platform_failed(f"The execution did not pin the workflow `{name}`."))
    schema = Workflow.model_validate(definition).input
    given = yield from run.render(source, scope, path, schema)
    payload = {"workflow": definition, "path": path, "input": given, "rules": dumped(scope.rules)}
    answer = yield from run.child(WORKFLOW_ORCHESTRATOR, path, payload)
    return Outcome.failed(answer) if isinstance(answer, Problem) else Outcome.model_validate(answer)


def sub_workflow(context: DurableOrchestrationContext, run_step: RunStep) -> Generator[Any, Any, Json]:
    """The other workflow's orchestrator; between two steps it may continue as new."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    body = Body(run, payload, run_step)
    outcome: Outcome | None = yield from run.loom.run(body.with_output())
    if outcome is None:
        context.continue_as_new(body.resumed())
        return None
    return run.returned(dumped(outcome))
