"""The app as the engine runs it: its durable functions over given services, without a host around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from activities.calling import perform_call
from activities.canceling import perform_cancel
from activities.delivering import perform_delivery
from activities.evaluating import perform_evaluation
from activities.finishing import perform_ending
from activities.tooling import perform_tool
from activities.turns import perform_next_turns
from activities.waiting import perform_ask, perform_park
from devhost.engine.engine import SqliteEngine
from devhost.engine.sdk_app import SdkApp
from domain.calls import Ask, CancelSteps, Ending, Evaluation, ModelCall, NextTurns, Park, ToolCall
from domain.library import IndexWork
from domain.values import Json
from domain.webhooks import Delivery
from entities.chat import chat
from entities.semaphore import semaphore
from orchestrators.calling import agent_turn
from orchestrators.group_chat import group_chat
from orchestrators.indexing import index_document
from orchestrators.interpreter import run_step
from orchestrators.looping import loop_rounds
from orchestrators.mapping import map_slice
from orchestrators.workflow import workflow
from orchestrators.workflow_step import sub_workflow
from services.waits import Waker
from services.wiring import Services


def app_over(services: Services, client: Callable[[], Waker]) -> SdkApp:
    """The app's durable functions, their activities working over the given services, waking through the client."""

    app = SdkApp()
    app.orchestrator(group_chat)
    app.orchestrator(agent_turn)
    app.orchestrator(index_document)
    for orchestrator in (workflow, map_slice, loop_rounds, sub_workflow):
        app.replace(orchestrator.__name__, lambda context, run=orchestrator: run(context, run_step))
    app.entity(chat)
    app.entity(semaphore)

    @app.activity
    async def call_model(payload: Json) -> Json:
        outcome, _ = await perform_call(ModelCall.model_validate(payload), services)
        return outcome.model_dump(mode="json", exclude_defaults=True)

    @app.activity
    async def call_tool(payload: Json) -> Json:
        return dumped((await perform_tool(ToolCall.model_validate(payload), services))[0])

    @app.activity
    async def ask_human(payload: Json) -> Json:
        return dumped((await perform_ask(Ask.model_validate(payload), services))[0])

    @app.activity
    async def park(payload: Json) -> Json:
        return dumped((await perform_park(Park.model_validate(payload), services))[0])

    @app.activity
    async def evaluate(payload: Json) -> Json:
        return (await perform_evaluation(Evaluation.model_validate(payload), services))[0]

    @app.activity
    async def finish(payload: Json) -> Json:
        return (await perform_ending(Ending.model_validate(payload), services))[0]

    @app.activity
    async def deliver(payload: Json) -> Json:
        return {"wait": await perform_delivery(Delivery.model_validate(payload), services)}

    _add_waking(app, services, client)
    _add_library(app, services)
    return app


def _add_library(app: SdkApp, services: Services) -> None:
    @app.activity
    async def index_part(payload: Json) -> Json:
        return dumped(await services.library.part(IndexWork.model_validate(payload)))


def _add_waking(app: SdkApp, services: Services, client: Callable[[], Waker]) -> None:
    """Activities that wake what waits."""

    @app.activity
    async def cancel_steps(payload: Json) -> Json:
        await perform_cancel(CancelSteps.model_validate(payload), services, client())
        return True

    @app.activity
    async def next_turns(payload: Json) -> Json:
        return dumped((await perform_next_turns(NextTurns.model_validate(payload), services, client()))[0])


def dumped(shape: BaseModel) -> Json:
    return shape.model_dump(mode="json", exclude_defaults=True)


class EngineClient:
    """The durable client, as far as activities and controls use it, over the engine itself."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def start_new(self, name: str, instance_id: str | None = None, client_input: Any = None) -> str:
        return await self._engine.start_instance(name, instance_id, json.dumps(json.dumps(client_input)))

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        await self._engine.raise_event(instance_id, event_name, json.dumps(event_data))

    async def get_status(self, instance_id: str) -> Any:
        return await self._engine.get_status(instance_id)
