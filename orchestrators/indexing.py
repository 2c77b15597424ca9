"""Indexes one upload of a document, part by part. Deterministic.

What is left to do is in the document's record, not here: a part that was cut off is simply done again.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain.errors import Problem
from domain.library import IndexStep, IndexWork, wait_after
from orchestrators.run import attempted, dumped

PARTS_PER_GENERATION = 50
"""Then it continues as new, so that its history stays short however long the document is."""


def index_document(context: DurableOrchestrationContext) -> Generator[Any, Any, None]:
    """Its input is an `IndexWork`."""
    work = IndexWork.model_validate(context.get_input())
    for _ in range(PARTS_PER_GENERATION):
        answer = yield from attempted(context.call_activity("index_part", dumped(work)))
        # One that the platform could not run has recorded nothing: it is tried like any other.
        unknown = IndexStep(wait=wait_after(min(work.failures + 1, 5)), failures=min(work.failures + 1, 5))
        step = unknown if isinstance(answer, Problem) else IndexStep.model_validate(answer)
        if step.done:
            return
        work = work.model_copy(update={"failures": step.failures})
        if step.wait is not None:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=step.wait))
    context.continue_as_new(dumped(work))
