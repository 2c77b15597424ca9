"""Runs several strands of work at the same time inside one orchestrator, each resumed the moment its own task is done.

No barrier: a strand never waits for another's task. Deterministic: strands advance in the order they were given.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

Strand = Generator[Any, Any, Any]


def weave(
    context: DurableOrchestrationContext, strands: Sequence[Strand], limit: int | None = None
) -> Generator[Any, Any, list[Any]]:
    """Results of all strands in their order, at most `limit` of them running at once. An exception in one ends all."""
    results: list[Any] = [None] * len(strands)
    waiting: dict[int, Any] = {}
    upcoming = iter(range(len(strands)))

    def start_more() -> None:
        while limit is None or len(waiting) < limit:
            index = next(upcoming, None)
            if index is None:
                return
            advance(index, None)

    def advance(index: int, done: Any) -> None:
        """Send the strand its result, and again for as long as what it asks for is already there."""
        try:
            task = next(strands[index]) if done is None else _resume(strands[index], done)
            while task.is_completed:
                task = _resume(strands[index], task)
        except StopIteration as end:
            results[index] = end.value
        else:
            waiting[index] = task

    start_more()
    while waiting:
        yield context.task_any(list(waiting.values()))
        for index in [index for index, task in waiting.items() if task.is_completed]:
            advance(index, waiting.pop(index))
        start_more()
    return results


def _resume(strand: Strand, done: Any) -> Any:
    if isinstance(done.result, Exception):  # how the SDK holds a failure; a JSON result never is one
        return strand.throw(done.result)
    return strand.send(done.result)
