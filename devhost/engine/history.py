"""Writers of history events, as the SDK reads them (its models/history). Nothing here decides anything.

An event is written once and never parsed and printed again: `IsPlayed` may stay false for ever, because the SDK takes
everything before the last OrchestratorStarted as played.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum

from devhost.engine.records import Instance, Retry, Task


class EventType(IntEnum):
    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


READ_BY_SDK = frozenset(
    {
        EventType.ORCHESTRATOR_STARTED,
        EventType.EXECUTION_STARTED,
        EventType.TASK_COMPLETED,
        EventType.TASK_FAILED,
        EventType.SUB_ORCHESTRATION_COMPLETED,
        EventType.SUB_ORCHESTRATION_FAILED,
        EventType.TIMER_FIRED,
        EventType.EVENT_SENT,
        EventType.EVENT_RAISED,
    }
)
"""The SDK looks at these alone; handing it no others halves the cost of a replay and changes nothing else."""


@dataclass(frozen=True, slots=True)
class Event:
    type: EventType
    text: str


def _event(kind: EventType, now: str, event_id: int = -1, **fields: object) -> Event:
    head = {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": now}
    return Event(kind, json.dumps(head | fields))


def orchestrator_started(now: str) -> Event:
    return _event(EventType.ORCHESTRATOR_STARTED, now)


def orchestrator_completed(now: str) -> Event:
    return _event(EventType.ORCHESTRATOR_COMPLETED, now)


def execution_started(now: str, instance: Instance) -> Event:
    parent = instance.parent and {
        "OrchestrationInstance": {
            "InstanceId": instance.parent.instance_id,
            "ExecutionId": instance.parent.execution_id,
        },
        "TaskScheduleId": instance.parent.task_id,
    }
    return _event(
        EventType.EXECUTION_STARTED,
        now,
        Name=instance.name,
        Version=instance.version,
        Input=instance.input,
        OrchestrationInstance={"InstanceId": instance.id, "ExecutionId": instance.execution_id},
        ParentInstance=parent,
        Tags=None,
    )


def execution_completed(now: str, instance: Instance) -> Event:
    return _event(EventType.EXECUTION_COMPLETED, now, OrchestrationStatus=instance.status, Result=instance.output)


def execution_terminated(now: str, reason: str) -> Event:
    return _event(EventType.EXECUTION_TERMINATED, now, Input=reason)


def execution_suspended(now: str, reason: str) -> Event:
    return _event(EventType.EXECUTION_SUSPENDED, now, Reason=reason)


def execution_resumed(now: str, reason: str) -> Event:
    return _event(EventType.EXECUTION_RESUMED, now, Reason=reason)


def task_scheduled(now: str, task: Task) -> Event:
    return _event(
        EventType.TASK_SCHEDULED,
        now,
        task.key.task_id,
        Name=task.name,
        Version=task.version,
        Input=task.input,
        **_retry_fields(task.retry),
    )


def sub_orchestration_created(now: str, task: Task) -> Event:
    return _event(
        EventType.SUB_ORCHESTRATION_CREATED,
        now,
        task.key.task_id,
        Name=task.name,
        Version=task.version,
        InstanceId=task.child_id,
        Input=task.input,
        **_retry_fields(task.retry),
    )


def _retry_fields(retry: Retry | None) -> dict[str, object]:
    """Not in Azure's events, which no reader minds: rewinding has no other place to find them."""
    return {} if retry is None else {"Retry": [retry.interval_ms, retry.max_attempts, retry.attempt]}


def timer_created(now: str, task_id: int, fire_at: str, *, retry_of: int | None = None) -> Event:
    """`retry_of` is the failed attempt after which a retry timer waits."""
    fields = {"FireAt": fire_at} if retry_of is None else {"FireAt": fire_at, "RetryOf": retry_of}
    return _event(EventType.TIMER_CREATED, now, task_id, **fields)


def timer_fired(now: str, task: Task) -> Event:
    return _event(EventType.TIMER_FIRED, now, TimerId=task.key.task_id, FireAt=task.fire_at)


def event_sent(now: str, task_id: int, entity: str, request: dict[str, object]) -> Event:
    """`request` is the entity's request message; a call's holds the `id` under which the answer comes back."""
    return _event(EventType.EVENT_SENT, now, task_id, InstanceId=entity, Name="op", Input=json.dumps(request))


def event_raised(now: str, name: str, payload: str | None) -> Event:
    return _event(EventType.EVENT_RAISED, now, Name=name, Input=payload)


def completed(now: str, kind: EventType, task_id: int, result: str | None) -> Event:
    """A TaskCompleted or SubOrchestrationInstanceCompleted."""
    return _event(kind, now, TaskScheduledId=task_id, Result=result)


def failed(now: str, kind: EventType, task_id: int, reason: str, details: str) -> Event:
    """A TaskFailed or SubOrchestrationInstanceFailed."""
    return _event(kind, now, TaskScheduledId=task_id, Reason=reason, Details=details)
