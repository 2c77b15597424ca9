"""An execution whose store is far away, and calls that are begun without being looked up."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any, cast

from activities.calling import perform_call
from activities.canceling import perform_cancel
from domain.agents import Agent
from domain.calls import CallOutcome, CancelSteps, ModelCall
from domain.events import Draft, EventType
from domain.executions import Execution
from domain.plans import Plan
from domain.policies import Retry
from domain.prompt_shapes import TemplatePrompt
from domain.workflows import Workflow
from services.models.client import ModelClient
from services.wiring import Services
from tests.activities.conftest import TENANT
from tests.support.counted import CountedDocuments
from tests.support.scripted_model import ScriptedModel

STARTED = 1
"""Where the log ends when an execution has just been started."""


class Nobody:
    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        raise AssertionError(event_name)


class Far:
    """One execution, its store far away."""

    def __init__(self, services: Services, execution: Execution, plan: str) -> None:
        self.documents = CountedDocuments(services.documents)
        self.model = ScriptedModel(lambda request: f"answer {len(self.model.asked)}")
        models = cast(ModelClient, self.model)
        self.services = dataclasses.replace(services, documents=self.documents, models=models)
        self.services.events._documents = self.documents
        self.services.ledger._documents = self.documents
        self.execution = execution.id
        self._plan = plan

    def call(self, number: int = 0, head: int = STARTED, **fields: Any) -> ModelCall:
        step = f"s{number}"
        about = {"tenant": TENANT, "execution": self.execution, "key": f"{step}#0", "step": step, "agent": "a"}
        prompt = TemplatePrompt(kind="template", template="Go.", scope={})
        given = {"head": head, "quiet": True, **fields}
        return ModelCall(**about, plan=self._plan, prompt=prompt, retry=Retry(), **given)

    async def made(self, call: ModelCall) -> CallOutcome:
        return (await perform_call(call, self.services))[0]

    def reached(self) -> list[str]:
        """What has reached the store since it was last asked for."""
        names = [one.name for one in self.documents.seen]
        self.documents.seen.clear()
        return names


async def far_away(services: Services, execution: Execution) -> Far:
    workflow = Workflow.model_validate({"name": "w", "steps": [{"id": "s0", "agent": "a"}]})
    agent = Agent.model_validate({"name": "a", "instructions": "Go."})
    plan = Plan(workflow=workflow, workflow_version=1, agents={"a": agent}, agent_versions={"a": 1})
    one = Far(services, execution, await services.plans.save(TENANT, plan))
    await services.tenant_budgets.counting(TENANT, "w", "a")  # remembered for some seconds
    await services.model_registry.known()
    return one


async def pause(far: Far, number: int = 0) -> None:
    said = draft(f"p{number}", EventType.EXECUTION_PAUSED)
    await far.services.controls.ask(TENANT, far.execution, "paused", said)


async def cancel(far: Far) -> None:
    await far.services.controls.ask(TENANT, far.execution, "canceling", draft("c", EventType.CANCEL_REQUESTED))


async def cancel_step(far: Far, tries: int = 0, step: str = "s0") -> None:
    about = {"tenant": TENANT, "execution": far.execution, "key": f"{step}:cancel", "step": step, "tries": tries}
    told = CancelSteps(**about, paths=(step,), reason="enough", time=datetime.now(UTC))
    await perform_cancel(told, far.services, Nobody())


def draft(id: str, type: EventType = EventType.CALL_STARTED) -> Draft:
    return Draft(id=id, type=type, time=datetime.now(UTC))
