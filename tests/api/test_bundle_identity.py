"""Exported, imported and exported again, an execution is what it was: whatever its log and its record hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.agents import Agent
from domain.errors import Code, Fault, Problem
from domain.events import Draft, EventType
from domain.executions import Execution, Fork, Hold, Status, StopReason
from domain.plans import Plan
from domain.usage import Usage
from domain.values import ARTIFACT_BYTES, Json, content_hash
from domain.workflows import Workflow
from services.executions import new_execution_id
from services.wiring import Services
from tests.api.bundles import comparable, exported, ids, imported

ENDS = {
    Status.COMPLETED: EventType.EXECUTION_COMPLETED,
    Status.FAILED: EventType.EXECUTION_FAILED,
    Status.CANCELED: EventType.EXECUTION_CANCELED,
}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LARGE = st.text("aé\n", min_size=1, max_size=9).map(lambda text: text * (ARTIFACT_BYTES // len(text) + 1))
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | LARGE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TIMES = st.datetimes(datetime(2000, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones
COUNTS = st.integers(0, 10**9)
USAGES = st.builds(
    Usage,
    model_calls=COUNTS,
    tokens_in=COUNTS,
    tokens_out=COUNTS,
    cost_usd=st.none() | st.decimals(0, 1_000, places=8),
)
PROBLEMS = st.builds(
    Problem,
    code=st.sampled_from(Code),
    message=TEXTS,
    action=TEXTS,
    fault=st.sampled_from(Fault),
    retryable=st.booleans(),
    retry_after=st.none() | st.floats(0, 100),
)
EXECUTION_IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
STEPS = st.sampled_from(["draft", "each[3]/in", "talk/turn[12]/chair"])


@st.composite
def drafts(draw: st.DrawFn, number: int) -> Draft:
    """An event like those that executions log: of a call, of a step, or of something else."""
    type = draw(st.sampled_from([kind for kind in EventType if kind not in ENDS.values()]))
    if type is EventType.EXECUTION_STARTED:
        type = EventType.STEP_STARTED
    step = draw(STEPS)
    data: dict[str, Any] = draw(st.dictionaries(st.text("xyz", min_size=1, max_size=3), VALUES, max_size=2))
    data = {name: value for name, value in data.items() if len(str(value)) < ARTIFACT_BYTES}
    if type.startswith("call."):
        usage = draw(USAGES).model_dump(mode="json")
        data |= {"call": f"{step}#{number}", "usage": usage, "request": content_hash(number), "attempt": 1}
    if type in (EventType.STEP_FAILED, EventType.CALL_FAILED, EventType.CALL_REJECTED):
        data["error"] = draw(PROBLEMS).model_dump(mode="json", exclude_none=True)
    value = draw(VALUES)
    if type is EventType.CALL_ASKED:
        data["asks"], value = [], {"text": draw(TEXTS), "tool_calls": []}
    return Draft(
        id=f"{step}#{number}:{type}",
        type=type,
        time=draw(TIMES),
        step=step,
        agent=draw(st.sampled_from([None, "writer", "writer@2"])),
        data=data,
        value=value,
    )


@st.composite
def records(draw: st.DrawFn) -> Execution:
    status = draw(st.sampled_from(Status))
    created = draw(TIMES)
    return Execution(
        id=new_execution_id(),
        tenant="one",
        workflow="brief",
        workflow_version=draw(st.none() | st.integers(1, 10**6)),
        plan="",
        status=status,
        input=draw(st.dictionaries(TEXTS, VALUES, max_size=3)),
        output=draw(VALUES) if status is Status.COMPLETED else None,
        error=draw(PROBLEMS) if status is Status.FAILED else None,
        stop_reason=draw(st.sampled_from(StopReason)) if status.is_ended else None,
        usage=draw(USAGES),
        turns=draw(COUNTS),
        retry_of=draw(st.none() | EXECUTION_IDS) if status.is_ended else None,
        fork=draw(st.none() | st.builds(Fork, before=STEPS, edited=st.just(("input",)))),
        imported_from=draw(st.none() | EXECUTION_IDS),
        hold=draw(st.none() | st.builds(Hold, reason=TEXTS, by=TEXTS, since=TIMES)),
        started_by=draw(TEXTS),
        created=created,
        ended=created + timedelta(seconds=draw(st.integers(0, 10**5))) if status.is_ended else None,
    )


async def store(services: Services, record: Execution, events: list[Draft]) -> None:
    """Write it as a running service would have."""
    workflow = Workflow.model_validate({"name": "brief", "steps": [{"id": "draft", "agent": "writer"}]})
    agents = {"writer": Agent(name="writer", instructions="Write.")}
    plan = Plan(
        workflow=workflow, workflow_version=record.workflow_version, agents=agents, agent_versions={"writer": 3}
    )
    record = record.model_copy(update={"plan": await services.plans.save("one", plan)})
    begin = EventType.EXECUTION_STARTED
    log = [Draft(id=begin, type=begin, time=record.created, value=record.input), *events]
    if record.status.is_ended:
        end = ENDS[record.status]
        log.insert(len(log) - len(events) // 3, Draft(id=end, type=end, time=record.ended or record.created))
    await services.events.append("one", record.id, log)
    await services.executions.keep(record)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=records(), data=st.data())
async def test_there_and_back(
    api: httpx.AsyncClient, other: httpx.AsyncClient, services: Services, record: Execution, data: st.DataObject
) -> None:
    events = [data.draw(drafts(number)) for number in range(data.draw(st.integers(0, 6)))]
    await store(services, record, events)
    first = await exported(api, record.id)
    mine = await imported(other, first)
    second = await exported(other, mine["id"])
    again = await exported(other, (await imported(other, second))["id"])

    assert comparable(again) == comparable(second)
    if record.status.is_ended:
        assert comparable(second) == comparable(first)
    else:
        assert second["events"][:-1] == first["events"]
        assert (second["execution"]["status"], second["execution"]["ended"]) == ("canceled", first["exported"])
    assert (second["execution"]["imported_from"], second["execution"]["started_by"]) == (record.id, "bob")
    assert again["execution"]["imported_from"] == mine["id"]
    # What it came from is as it was, and nobody else has any of it.
    assert comparable(await exported(api, record.id)) == comparable(first)
    assert not set(await ids(api)) & set(await ids(other))
