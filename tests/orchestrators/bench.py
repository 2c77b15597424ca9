"""Runs workflows for real (engine, interpreter, activities, stores) with a scripted model; shows what came of it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from api.controlling import send_event
from api.durable import DurableClient
from devhost.engine.clock import Clock, utc_now
from devhost.engine.engine import SqliteEngine
from devhost.ports import InstanceStatus
from domain import values
from domain.agents import Agent
from domain.base import split_reference
from domain.calls import Ask, CancelSteps, Ending, Evaluation, ModelCall, Park, ToolCall
from domain.events import Draft, Event, EventType
from domain.executions import Execution, Status
from domain.plans import Plan
from domain.tools import Tool
from domain.values import Json
from domain.webhooks import Delivery, Webhook
from domain.workflows import Workflow, agents_used
from entities.chat import chat
from orchestrators.group_chat import group_chat
from orchestrators.interpreter import run_step
from orchestrators.looping import loop_rounds
from orchestrators.mapping import map_slice
from orchestrators.workflow import workflow
from orchestrators.workflow_step import sub_workflow
from services.eventlog import partition_of
from services.executions import new_execution_id
from services.models.client import ModelClient
from services.settings import Settings
from services.tools.client import ToolClient
from services.waits import Waker
from services.wiring import Services, build
from tests.devhost.engine.sdk_app import SdkApp
from tests.support.scripted_model import ScriptedModel

TENANT = "t1"
TIMER_CREATED = 10
"""The type of the event in a durable history."""


def app_over(services: Services, client: Callable[[], Waker]) -> SdkApp:
    """The app's durable functions, their activities working over the given services, waking through the client."""
    from activities.calling import perform_call
    from activities.canceling import perform_cancel
    from activities.delivering import perform_delivery
    from activities.evaluating import perform_evaluation
    from activities.finishing import perform_ending
    from activities.tooling import perform_tool
    from activities.waiting import perform_ask, perform_park

    app = SdkApp()
    app.orchestrator(group_chat)
    for orchestrator in (workflow, map_slice, loop_rounds, sub_workflow):
        app.replace(orchestrator.__name__, lambda context, run=orchestrator: run(context, run_step))
    app.entity(chat)

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
    async def cancel_steps(payload: Json) -> Json:
        await perform_cancel(CancelSteps.model_validate(payload), services, client())
        return True

    @app.activity
    async def evaluate(payload: Json) -> Json:
        return (await perform_evaluation(Evaluation.model_validate(payload), services))[0]

    @app.activity
    async def finish(payload: Json) -> Json:
        return (await perform_ending(Ending.model_validate(payload), services))[0]

    @app.activity
    async def deliver(payload: Json) -> Json:
        return {"wait": await perform_delivery(Delivery.model_validate(payload), services)}

    return app


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


class Bench:
    """One state directory with its engine and its model. Times are the engine's; waits are for events, not for time."""

    def __init__(
        self,
        state_dir: Path,
        model: ScriptedModel,
        clock: Clock = utc_now,
        environment: Mapping[str, str] | None = None,
        tools: ToolClient | None = None,
    ) -> None:
        self.state_dir = state_dir
        self.settings = Settings.from_environment({**(environment or {}), "META_AGENTS_STATE_DIR": str(state_dir)})
        self.model = model
        self.clock = clock
        self.tools = tools

    async def __aenter__(self) -> Bench:
        built = build(self.settings)
        self.services = dataclasses.replace(
            built, models=cast(ModelClient, self.model), tools=self.tools or built.tools
        )
        self.app = app_over(self.services, lambda: EngineClient(self.engine))
        self.engine = SqliteEngine(self.state_dir / "devhost.db", self.app, clock=self.clock)
        await self.engine.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.engine.stop()
        await self.services.close()
        self.app.close()

    async def begin(
        self,
        definition: dict[str, Any],
        input: Json = None,
        retry_of: str | None = None,
        workflows: Mapping[str, Workflow] | None = None,
        tools: Mapping[str, Tool] | None = None,
        webhook: Webhook | None = None,
        outputs: Mapping[str, values.Value] | None = None,
        **agents: Any,
    ) -> str:
        """Start an execution of the workflow; every agent it names exists, with `agents[name]` as its extra fields."""
        made = Workflow.model_validate({"name": "w", **definition})
        others = dict(workflows or {})
        named = [reference for each in (made, *others.values()) for reference in agents_used(each)]
        known = {reference: _agent(reference, agents) for reference in named}
        plan = Plan(
            workflow=made, workflow_version=1, agents=known, agent_versions=dict.fromkeys(known, 1),
            tools=dict(tools or {}), workflows=others,
        )  # fmt: skip
        now = datetime.now(UTC)
        execution = Execution(
            id=new_execution_id(), tenant=TENANT, workflow="w", workflow_version=1,
            plan=await self.services.plans.save(TENANT, plan), status=Status.RUNNING, input=input,
            retry_of=retry_of, webhook=webhook, started_by="test", created=now,
        )  # fmt: skip
        started = Draft(id=EventType.EXECUTION_STARTED, type=EventType.EXECUTION_STARTED, time=now, value=input)
        await self.services.executions.create(execution, started)
        payload = {
            "tenant": TENANT, "execution": execution.id, "plan": execution.plan,
            "workflow": made.model_dump(mode="json", exclude_defaults=True),
            "input": values.recorded(input, EventType.EXECUTION_STARTED), "retry_of": retry_of,
            "workflows": {name: dumped(other) for name, other in others.items()}, "outputs": dict(outputs or {}),
        }  # fmt: skip
        if webhook is not None:
            payload["webhook"] = webhook.model_dump(mode="json")
        return await self.engine.start_instance("workflow", execution.id, json.dumps(json.dumps(payload)))

    async def ended(self, id: str, within: float = 20) -> Execution:
        """The record once the orchestration has completed; a failed orchestration fails the test."""
        status = await self.instance_ended(id, within)
        assert status.runtime_status == "Completed", status.output
        record = await self.services.executions.get(TENANT, id)
        assert record is not None
        return record

    async def instance_ended(self, id: str, within: float = 20) -> InstanceStatus:
        async with asyncio.timeout(within):
            while True:
                status = await self.engine.get_status(id, show_history=True)
                assert status is not None
                if status.runtime_status not in {"Pending", "Running"}:
                    return status
                await asyncio.sleep(0.005)

    async def timers(self, id: str, number: int, within: float = 20) -> list[str]:
        """When the orchestration's timers are due, once it has set so many."""
        async with asyncio.timeout(within):
            while True:
                due = await self._timers(id)
                if len(due) >= number:
                    return due
                await asyncio.sleep(0.005)

    async def _timers(self, id: str) -> list[str]:
        status = await self.engine.get_status(id, show_history=True)
        assert status is not None
        events = [json.loads(event) for event in status.history or ()]
        return [event["FireAt"] for event in events if event["EventType"] == TIMER_CREATED]

    async def run(self, definition: dict[str, Any], input: Json = None, **agents: Any) -> Execution:
        return await self.ended(await self.begin(definition, input, **agents))

    async def until(self, holds: Callable[[], Awaitable[bool]], within: float = 20) -> None:
        """Until it holds, looked at again and again."""
        async with asyncio.timeout(within):
            while not await holds():  # noqa: ASYNC110 - what is looked at is in a store
                await asyncio.sleep(0.005)

    async def waits(self, id: str) -> bool:
        """Whether anything of the execution has left a note that it waits."""
        found, _ = await self.services.documents.query(partition_of(TENANT, id), where={"kind": "waiting"})
        return bool(found)

    async def send(self, id: str, name: str, value: Json = None) -> None:
        """Send an event to the execution."""
        record = await self.services.executions.get(TENANT, id)
        assert record is not None
        client = cast(DurableClient, EngineClient(self.engine))
        await send_event(self.services, client, record, name, value, "test", None)

    async def run_with(
        self, definition: dict[str, Any], workflows: Mapping[str, Workflow], input: Json = None
    ) -> Execution:
        """As `run`, of a workflow that names these others."""
        return await self.ended(await self.begin(definition, input, workflows=workflows))

    async def log(self, id: str) -> list[Event]:
        return await self.services.events.read(TENANT, id, 0, 10_000)

    async def types(self, id: str) -> list[tuple[str, str | None]]:
        return [(event.type.value, event.step) for event in await self.log(id)]


def _agent(reference: str, agents: dict[str, Any]) -> Agent:
    name, _ = split_reference(reference)
    return Agent.model_validate(
        {"name": name, "instructions": f"You are {name}.", **agents.get(name.replace("-", "_"), {})}
    )


def asked_of(model: ScriptedModel) -> list[str]:
    """The user messages, in the order they were asked."""
    return [request.messages[-1]["content"] for request in model.asked]
