"""The map pattern: one step for each item of a list, joined as its author says. Deterministic.

Long lists run in slices, each a sub-orchestration, so that no history grows with the length of the list.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain import values
from domain.errors import Code, Fault, Problem, ProblemError
from domain.policies import join_of
from domain.steps import MapStep
from domain.values import Json, Value
from domain.workflows import sources_in
from orchestrators.joining import Joined, join, judged
from orchestrators.loom import FirstOf, Strand
from orchestrators.run import Run, dumped
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep

MOST_ITEMS = 1_000
SLICE = 50
"""Most items in one orchestrator's history."""
MOST_EARLY_ITEMS = 200
"""Most items of a map that may be joined before all have ended: these are not sliced."""
SLICE_ORCHESTRATOR = "map_slice"
Numbered = Sequence[tuple[int, Value]]


def run_map(run: Run, step: MapStep, path: str, scope: Scope, run_step: RunStep) -> Generator[Any, Any, Outcome]:
    over = yield from run.evaluate(step.map.over, scope, path)
    early = join_of(step.map.join).is_early
    items = items_of(over, step.map.over, MOST_EARLY_ITEMS if early else MOST_ITEMS)
    if len(items) <= SLICE or early:
        works = _works(run, step, path, scope, list(enumerate(items)), run_step)
        joined = yield from join(run, path, step.map.join, works, step.map.concurrency)
    else:
        joined = yield from _run_slices(run, step, path, scope, items)
    outputs = [joined.outcomes.get(f"{path}[{index}]", Outcome()).value for index in range(len(items))]
    return joined.outcome(values.of_list(outputs), f"{len(items)} items")


def _works(
    run: Run, step: MapStep, path: str, scope: Scope, items: Numbered, run_step: RunStep
) -> dict[str, Generator[Any, Any, Outcome]]:
    return {
        f"{path}[{index}]": run_step(
            run, step.map.step, f"{path}[{index}]", scope.extended(item=item, index=values.inline(index))
        )
        for index, item in items
    }


def _run_slices(run: Run, step: MapStep, path: str, scope: Scope, items: list[Value]) -> Generator[Any, Any, Joined]:
    """All slices, so many at once that `concurrency` is kept; when the time is up the rest is canceled."""
    rule = join_of(step.map.join)
    until = run.now + rule.within if rule.within else None
    at_once = max(1, step.map.concurrency // SLICE)
    waiting = list(range(0, len(items), SLICE))
    made: dict[int, Strand] = {}
    in_time = True
    while in_time and (waiting or not _all_ended(made)):
        running = [strand for strand in made.values() if not strand.is_completed]
        while waiting and len(running) < at_once:
            first = waiting.pop(0)
            if len(items) > SLICE:
                run.part()
            made[first] = run.loom.spawn(_slice(run, step, path, scope, items, first))
            running = [strand for strand in made.values() if not strand.is_completed]
        in_time = not running or (yield from run.before(until, *running))
    late = {f"{path}[{index}]": strand for first, strand in made.items() for index in _numbers(first, items)}
    if rule.losers == "leave":
        run.left |= late
    else:
        yield from run.cancel(late, f"`within` ({rule.within}) is over")
        while not _all_ended(made):
            yield FirstOf(*(strand for strand in made.values() if not strand.is_completed))
    outcomes: dict[str, Outcome] = {}
    for strand in made.values():
        outcomes |= strand.result() if strand.is_completed else {}
    if not in_time:  # those that were canceled for that are late, as those that never began
        outcomes = {at: outcome for at, outcome in outcomes.items() if outcome.status != "canceled"}
    return judged(path, rule, len(items), outcomes, in_time)


def _all_ended(made: Mapping[int, Strand]) -> bool:
    return all(strand.is_completed for strand in made.values())


def _numbers(first: int, items: Sequence[Value]) -> range:
    return range(first, min(first + SLICE, len(items)))


def _slice(
    run: Run, step: MapStep, path: str, scope: Scope, items: Sequence[Value], first: int
) -> Generator[Any, Any, dict[str, Outcome]]:
    """The outcomes of one slice's items, by their paths."""
    payload = {
        "step": dumped(step),
        "path": path,
        **scope.for_child(sources_in(step.map.step)),
        "first": first,
        "items": items[first : first + SLICE],
    }
    answer = yield from run.child(SLICE_ORCHESTRATOR, f"{path}[{first}]", payload, around=path)
    numbers = _numbers(first, items)
    if isinstance(answer, Problem):
        return {f"{path}[{index}]": Outcome.failed(answer) for index in numbers}
    return {f"{path}[{index}]": Outcome.model_validate(one) for index, one in zip(numbers, answer, strict=True)}


def map_slice(context: DurableOrchestrationContext, run_step: RunStep) -> Generator[Any, Any, Json]:
    """The orchestrator of one slice: its items' outcomes, in order."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    step = MapStep.model_validate(payload["step"])
    numbered = list(enumerate(payload["items"], start=payload["first"]))
    works = _works(run, step, payload["path"], Scope.of_child(payload), numbered, run_step)
    joined: Joined = yield from run.loom.run(join(run, payload["path"], "all", works, step.map.concurrency))
    return run.returned([dumped(joined.outcomes.get(path, Outcome.canceled())) for path in works])


def items_of(over: Value, source: str, most: int) -> list[Value]:
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
    if len(items) > most:
        raise ProblemError(
            Problem(
                code=Code.TOO_LARGE,
                message=f"`{source}` gives {len(items)} items; this map takes at most {most}.",
                action="Split the list over several executions.",
                fault=Fault.CALLER,
            )
        )
    return items
