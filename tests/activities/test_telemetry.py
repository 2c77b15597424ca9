"""What a call tells telemetry beside its events: that the ledger spared it, and whose trace it works in."""

from __future__ import annotations

import dataclasses

import pytest

from activities.canceling import perform_cancel
from activities.tooling import perform_tool
from domain.calls import CancelSteps, ToolCall
from domain.events import EventType
from domain.executions import Execution
from domain.plans import Plan
from domain.policies import Retry
from domain.tools import Tool
from domain.tracing import Spanned, Trace, derived, root_of
from domain.values import Json
from domain.workflows import Workflow
from services.telemetry.base import Telemetry
from services.telemetry.here import outgoing
from services.tools.functions import tool_function
from services.wiring import Services
from tests.activities.conftest import TENANT
from tests.activities.far import Nobody

TOOL = Tool(name="told", function="told-of-its-trace")


@tool_function("told-of-its-trace")
def told() -> Json:
    return outgoing().get("traceparent")


class Noting(Telemetry):
    is_on = True

    def __init__(self) -> None:
        self.hits: list[str] = []

    def hit(self, kind: str) -> None:
        self.hits.append(kind)


@pytest.fixture
async def call(services: Services, execution: Execution) -> ToolCall:
    workflow = Workflow.model_validate({"name": "w", "steps": [{"id": "s", "tool": "told"}]})
    plan = Plan(
        workflow=workflow, workflow_version=1, agents={}, agent_versions={}, tools={"told": TOOL},
        tool_versions={"told": 1},
    )  # fmt: skip
    hash = await services.plans.save(TENANT, plan)
    return ToolCall(tenant=TENANT, execution=execution.id, key="s#0", step="s", plan=hash, tool="told", retry=Retry())


async def spanned(services: Services, call: ToolCall) -> Spanned:
    found = await services.events.get(TENANT, call.execution, ["s#0:call.completed"])
    return Spanned.model_validate(found["s#0:call.completed"].data["trace"])


async def test_a_call_that_the_ledger_spares_is_counted(services: Services, call: ToolCall) -> None:
    noting = Noting()
    watched = dataclasses.replace(services, telemetry=noting)
    await perform_tool(call, watched)
    assert noting.hits == []
    await perform_tool(call, watched)
    assert noting.hits == ["tool"]


async def test_the_tool_is_called_in_the_span_of_its_attempt(services: Services, call: ToolCall) -> None:
    around = root_of(Trace(parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", workflow="w"), "e")
    outcome, _ = await perform_tool(call.model_copy(update={"trace": around}), services)
    span = await spanned(services, call)
    assert (span.parent, span.kind, span.workflow) == (around.parent, "execute_tool", "w")
    assert outcome.value == {"v": span.inside.parent}


async def test_of_an_execution_that_began_without_a_trace_one_is_made_of_its_id(
    services: Services, call: ToolCall
) -> None:
    await perform_tool(call, dataclasses.replace(services, telemetry=Noting()))
    span = await spanned(services, call)
    assert span.parent == root_of(derived(call.execution), call.execution).parent


async def test_where_nobody_follows_events_say_nothing_of_it(services: Services, call: ToolCall) -> None:
    outcome, _ = await perform_tool(call, services)
    found = await services.events.get(TENANT, call.execution, ["s#0:call.completed"])
    assert "trace" not in found["s#0:call.completed"].data
    assert outcome.value == {"v": None}
    assert found["s#0:call.completed"].type is EventType.CALL_COMPLETED


async def test_a_cancel_that_is_tried_again_tells_the_end_of_a_span_once(
    services: Services, execution: Execution
) -> None:
    root = root_of(derived(execution.id), execution.id)
    span = root.begun(root.child("step", "s"), "agent", execution.created)
    cancel = CancelSteps(
        tenant=TENANT, execution=execution.id, key="s:cancel", step="s", paths=("s",), reason="late",
        time=execution.created, spans={"s": span},
    )  # fmt: skip
    first = await perform_cancel(cancel, services, Nobody())
    again = await perform_cancel(cancel.model_copy(update={"tries": 1}), services, Nobody())
    assert [event.data.get("trace") for event in (*first, *again)] == [span.as_data(), None]
