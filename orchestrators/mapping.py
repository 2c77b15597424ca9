"""The map pattern: one step for each item of a list, joined when all have ended. Deterministic.

Long lists run in slices, each a sub-orchestration, so that no history grows with the length of the list.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain import values
from domain.errors import Code, Fault, Problem, ProblemError
from domain.steps import MapStep
from domain.values import Json, Value
from domain.workflows import sources_in
from orchestrators.run import Outcome, Run, Scope, dumped
from orchestrators.weave import weave

MOST_ITEMS = 1_000
SLICE = 50
"""Most items in one orchestrator's history."""
SLICE_ORCHESTRATOR = "map_slice"


def run_map(run: Run, step: MapStep, path: str, scope: Scope, run_step: Any) -> Generator[Any, Any, Outcome]:
    over = yield from run.evaluate(step.map.over, scope, path, template=False)
    items = items_of(over, step.map.over)
    if len(items) <= SLICE:
        outcomes = yield from run_items(run, step, path, scope, list(enumerate(items)), run_step)
    else:
        outcomes = yield from _run_slices(run, step, path, scope, items)
    for outcome in outcomes:
        if outcome.error is not None:
            return Outcome.failed(outcome.error)
    return Outcome(value=values.of_list([outcome.value for outcome in outcomes]), preview=f"{len(items)} items")


def run_items(
    run: Run, step: MapStep, path: str, scope: Scope, items: list[tuple[int, Value]], run_step: Any
) -> Generator[Any, Any, list[Outcome]]:
    """Outcomes of the numbered items, in order; one that fails loses no other's work."""
    strands = [
        run_step(run, step.map.step, f"{path}[{index}]", scope.extended(item=item, index=values.inline(index)))
        for index, item in items
    ]
    return (yield from weave(run.context, strands, step.map.concurrency))


def _run_slices(
    run: Run, step: MapStep, path: str, scope: Scope, items: list[Value]
) -> Generator[Any, Any, list[Outcome]]:

    def one(first: int) -> Generator[Any, Any, list[Outcome]]:
        payload = {
            "step": dumped(step),
            "path": path,
            "scope": scope.used_by(*sources_in(step.map.step)),
            "first": first,
            "items": items[first : first + SLICE],
        }
        answer = yield from run.child(SLICE_ORCHESTRATOR, f"{path}[{first}]", payload)
        if isinstance(answer, Problem):
            return [Outcome.failed(answer)]
        return [Outcome.model_validate(outcome) for outcome in answer]

    strands = [one(first) for first in range(0, len(items), SLICE)]
    slices = yield from weave(run.context, strands, max(1, step.map.concurrency // SLICE))
    return [outcome for outcomes in slices for outcome in outcomes]


def map_slice(context: DurableOrchestrationContext, run_step: Any) -> Generator[Any, Any, Json]:
    """The orchestrator of one slice: its items' outcomes, in order."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    step = MapStep.model_validate(payload["step"])
    numbered = list(enumerate(payload["items"], start=payload["first"]))
    scope = Scope.of_child(payload["scope"])
    outcomes = yield from run_items(run, step, payload["path"], scope, numbered, run_step)
    return run.returned([dumped(outcome) for outcome in outcomes])


def items_of(over: Value, source: str) -> list[Value]:
    """The list's items as values of their own; anything but a list is the author's mistake."""
    if "l" in over:
        items: list[Value] = over["l"]
    elif isinstance(over.get("v"), list):
        items = [values.inline(item) for item in over["v"]]
    else:
        raise ProblemError(
            Problem(
                code=Code.EXPRESSION_FAILED,
                message=f"`map.over` must give a list, and `{source}` does not.",
                action="Make the expression give a list, for example `input.items`.",
                fault=Fault.AUTHOR,
            )
        )
    if len(items) > MOST_ITEMS:
        raise ProblemError(
            Problem(
                code=Code.TOO_LARGE,
                message=f"`{source}` gives {len(items)} items; a map takes at most {MOST_ITEMS}.",
                action="Split the list over several executions.",
                fault=Fault.CALLER,
            )
        )
    return items
