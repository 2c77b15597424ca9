"""Runs workflows for real (engine, interpreter, activities, stores) with a scripted model; shows what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import kit.bench
from devhost.engine.clock import Clock, utc_now
from domain import values
from domain.agents import Agent
from domain.base import split_reference
from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.plans import Plan
from domain.tools import Tool
from domain.values import Json
from domain.webhooks import Webhook
from domain.workflows import Workflow, agents_used
from kit.app import EngineClient, dumped
from kit.bench import PATIENCE, TENANT
from services.eventlog import partition_of
from services.executions import new_execution_id
from services.models.client import ModelClient
from services.tools.client import ToolClient
from services.turns import turns_of
from tests.support.scripted_model import ScriptedModel

__all__ = ["TENANT", "Bench", "EngineClient", "asked_of"]

TIMER_CREATED = 10
"""The type of the event in a durable history."""


class Bench(kit.bench.Bench):
    """One state directory with its engine and its scripted model."""

    def __init__(
        self,
        state_dir: Path,
        model: ScriptedModel,
        clock: Clock = utc_now,
        environment: Mapping[str, str] | None = None,
        tools: ToolClient | None = None,
    ) -> None:
        super().__init__(state_dir, cast(ModelClient, model), clock, environment, tools)
        self.model = model

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
        named += [tool.agent for tool in (tools or {}).values() if tool.agent is not None]
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
        if turns := turns_of(self.settings, TENANT, plan):
            payload["turns"] = turns
        if webhook is not None:
            payload["webhook"] = webhook.model_dump(mode="json")
        return await self.engine.start_instance("workflow", execution.id, json.dumps(json.dumps(payload)))

    async def timers(self, id: str, number: int, within: float = PATIENCE) -> list[str]:
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

    async def until(self, holds: Callable[[], Awaitable[bool]], within: float = PATIENCE) -> None:
        """Until it holds, looked at again and again."""
        async with asyncio.timeout(within):
            while not await holds():  # noqa: ASYNC110 - what is looked at is in a store
                await asyncio.sleep(0.005)

    async def waits(self, id: str) -> bool:
        """Whether anything of the execution has left a note that it waits."""
        found, _ = await self.services.documents.query(partition_of(TENANT, id), where={"kind": "waiting"})
        return bool(found)

    async def run_with(
        self, definition: dict[str, Any], workflows: Mapping[str, Workflow], input: Json = None
    ) -> Execution:
        """As `run`, of a workflow that names these others."""
        return await self.ended(await self.begin(definition, input, workflows=workflows))

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
