"""The side effects: call a model, evaluate recorded values, close an execution, tell of its end. Each records itself.

Belongs here: what touches the world, once per durable action, and can be run twice without doing it twice.
Does not belong here: decisions about what comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import azure.durable_functions as df
import azure.functions as func

from activities.calling import perform_call
from activities.canceling import perform_cancel
from activities.delivering import perform_delivery
from activities.evaluating import perform_evaluation
from activities.finishing import perform_ending
from activities.tooling import perform_tool
from activities.turns import perform_next_turns
from activities.waiting import perform_ask, perform_park
from domain.calls import Action, Ask, CancelSteps, Ending, Evaluation, ModelCall, NextTurns, Park, ToolCall
from domain.events import Event
from domain.library import IndexWork
from domain.webhooks import Delivery
from services.eventlog import Logged
from services.realtime import SIGNALR_OUTPUT, to_signalr
from services.telemetry.here import Here, being
from services.wiring import services

blueprint = df.Blueprint()


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.activity_trigger(input_name="payload")
async def call_model(payload: dict, live: func.Out[str]) -> dict:  # type: ignore[type-arg]  # the worker takes plain types
    call = ModelCall.model_validate(payload)
    with _working(call):
        outcome, events = await perform_call(call, services())
    await _push(call.tenant, call.execution, events, live)
    return outcome.model_dump(mode="json", exclude_defaults=True)


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.activity_trigger(input_name="payload")
async def call_tool(payload: dict, live: func.Out[str]) -> dict:  # type: ignore[type-arg]
    call = ToolCall.model_validate(payload)
    with _working(call):
        outcome, events = await perform_tool(call, services())
    await _push(call.tenant, call.execution, events, live)
    return outcome.model_dump(mode="json", exclude_defaults=True)


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.activity_trigger(input_name="payload")
async def ask_human(payload: dict, live: func.Out[str]) -> dict:  # type: ignore[type-arg]
    ask = Ask.model_validate(payload)
    with _working(ask):
        arrival, events = await perform_ask(ask, services())
    await _push(ask.tenant, ask.execution, events, live)
    return arrival.model_dump(mode="json", exclude_defaults=True)


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.activity_trigger(input_name="payload")
async def park(payload: dict, live: func.Out[str]) -> dict:  # type: ignore[type-arg]
    asked = Park.model_validate(payload)
    with _working(asked):
        arrival, events = await perform_park(asked, services())
    await _push(asked.tenant, asked.execution, events, live)
    return arrival.model_dump(mode="json", exclude_defaults=True)


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.durable_client_input(client_name="client")
@blueprint.activity_trigger(input_name="payload")
async def cancel_steps(payload: dict, client: df.DurableOrchestrationClient, live: func.Out[str]) -> bool:  # type: ignore[type-arg]
    cancel = CancelSteps.model_validate(payload)
    with _working(cancel):
        events = await perform_cancel(cancel, services(), client)
    await _push(cancel.tenant, cancel.execution, events, live)
    return True


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.durable_client_input(client_name="client")
@blueprint.activity_trigger(input_name="payload")
async def next_turns(payload: dict, client: df.DurableOrchestrationClient, live: func.Out[str]) -> dict:  # type: ignore[type-arg]
    turns = NextTurns.model_validate(payload)
    with _working(turns):
        arrival, events = await perform_next_turns(turns, services(), client)
    await _push(turns.tenant, turns.execution, events, live)
    return arrival.model_dump(mode="json", exclude_defaults=True)


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.activity_trigger(input_name="payload")
async def evaluate(payload: dict, live: func.Out[str]) -> dict:  # type: ignore[type-arg]
    evaluation = Evaluation.model_validate(payload)
    with _working(evaluation):
        answer, events = await perform_evaluation(evaluation, services())
    await _push(evaluation.tenant, evaluation.execution, events, live)
    return answer


@blueprint.generic_output_binding(arg_name="live", **SIGNALR_OUTPUT)
@blueprint.activity_trigger(input_name="payload")
async def finish(payload: dict, live: func.Out[str]) -> str:  # type: ignore[type-arg]
    ending = Ending.model_validate(payload)
    with _working(ending):
        status, events = await perform_ending(ending, services())
    await _push(ending.tenant, ending.execution, events, live)
    return status


@blueprint.activity_trigger(input_name="payload")
async def deliver(payload: dict) -> dict:  # type: ignore[type-arg]
    return {"wait": await perform_delivery(Delivery.model_validate(payload), services())}


@blueprint.activity_trigger(input_name="payload")
async def index_part(payload: dict) -> dict:  # type: ignore[type-arg]
    step = await services().library.part(IndexWork.model_validate(payload))
    return step.model_dump(mode="json", exclude_defaults=True)


def _working(on: Action | Evaluation | Ending) -> AbstractContextManager[None]:
    """Whatever is logged or sent meanwhile says what it is for."""
    step = "" if isinstance(on, Ending) else on.step
    return being(Here(on.trace, on.tenant, on.execution, step))


async def _push(tenant: str, execution: str, events: Sequence[Event], live: func.Out[str]) -> None:
    """Hand what was logged to whoever watches; without watchers nothing is sent."""
    watched = events.watched if isinstance(events, Logged) else None
    if await services().events.is_watched(tenant, execution) if watched is None else watched:
        live.set(to_signalr(tenant, execution, events))
