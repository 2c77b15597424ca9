"""Evaluate an expression or template whose values are too large for an orchestrator to hold."""

from __future__ import annotations

from typing import Any

from activities.loading import Loader, given_to
from domain import values
from domain.calls import Evaluation
from domain.errors import Detail, ProblemError, invalid_input
from domain.events import Draft, Event, EventType
from domain.expressions import evaluate, render_all
from domain.values import Json, Value
from services.documents.base import Put
from services.wiring import Services


async def perform_evaluation(evaluation: Evaluation, services: Services) -> tuple[dict[str, Any], list[Event]]:
    """`{"value": Value}` or `{"error": Problem}`; and the events logged on the way."""
    tenant, execution = evaluation.tenant, evaluation.execution
    try:
        scope = await Loader(services, tenant, execution).plain(evaluation.scope)
        found = render_all(evaluation.source, scope) if evaluation.template else evaluate(evaluation.source, scope)
        _check(evaluation, found)
    except ProblemError as error:
        events = await services.events.append(tenant, execution, evaluation.events)
        return {"error": error.problem.model_dump(mode="json")}, events
    drafts = list(evaluation.events)
    value = recorded = values.recorded(found, evaluation.id)
    if "r" in value:
        drafts.append(_record(evaluation, found))
        value = _by_item(found, evaluation.id)
    kept = [Put(given_to(evaluation.step), {"value": recorded})] if evaluation.input_schema is not None else []
    return {"value": value}, await services.events.append(tenant, execution, drafts, *kept)


def _check(evaluation: Evaluation, found: Json) -> None:
    """Raise `ProblemError` invalid_input for what a sub-workflow does not take."""
    if evaluation.input_schema is None:
        return
    from domain.validation import check_value, pointer  # noqa: PLC0415 - slow to import

    if complaints := check_value(found, evaluation.input_schema):
        details = tuple(Detail(pointer=pointer(parts), message=message) for parts, message in complaints)
        first = f"at `{details[0].pointer or '/'}`: {details[0].message}"
        raise ProblemError(
            invalid_input(f"What `{evaluation.step}` gives the workflow does not fit, {first}.", details)
        )


def _record(evaluation: Evaluation, found: Json) -> Draft:
    return Draft(
        id=evaluation.id,
        type=EventType.STEP_EVALUATED,
        time=evaluation.time,
        step=evaluation.step,
        data={"source": evaluation.source},
        value=found,
    )


def _by_item(found: Json, event_id: str) -> Value:
    """A large list as references to its items, so that a `map` can hand each item on without carrying any."""
    if isinstance(found, list):
        return {"l": [values.reference(event_id, [index]) for index in range(len(found))]}
    return values.reference(event_id)
