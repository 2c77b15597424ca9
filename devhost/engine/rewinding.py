"""Rewind: undo the turns in which an instance failed, and try again what had failed in them.

The history is cut before the turn that made the orchestrator raise. Of what was asked for before the cut, later
successes go back to the inbox, and what had failed or was under way is asked for again under the same ids.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

from devhost.engine.actions import ActionKind
from devhost.engine.history import EventType
from devhost.engine.kernel import Kernel
from devhost.engine.records import Instance, MessageKind, Retry, Task, TaskKey, TaskKind
from devhost.engine.scheduling import HTTP_ACTIVITY, default_child_id
from devhost.ports import BadRequest, InstanceEnded, InstanceNotFound

_SCHEDULING = (
    EventType.TASK_SCHEDULED,
    EventType.SUB_ORCHESTRATION_CREATED,
    EventType.TIMER_CREATED,
    EventType.EVENT_SENT,
)
_FAILED = (EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED)
_ANSWERS: dict[int, MessageKind] = {
    EventType.TASK_COMPLETED: "task_completed",
    EventType.SUB_ORCHESTRATION_COMPLETED: "sub_completed",
    EventType.TIMER_FIRED: "timer_fired",
}


def rewind(kernel: Kernel, instance_id: str, reason: str) -> None:
    """Set a failed instance running again from before its failure; its failed sub-orchestrations likewise.

    Raises `InstanceNotFound`, `InstanceEnded` when it ended without failing, `BadRequest` when it has not ended.
    """
    instance = kernel.store.instance(instance_id)
    if instance is None:
        raise InstanceNotFound(f"no orchestration instance has the id '{instance_id}'")
    if instance.status != "Failed":
        if instance.ended:
            raise InstanceEnded(f"the orchestration instance '{instance_id}' is {instance.status}, not failed")
        raise BadRequest(f"the orchestration instance '{instance_id}' has not failed: it is {instance.status}")
    _Rewind(kernel, instance).run()


class _Rewind:
    def __init__(self, kernel: Kernel, instance: Instance) -> None:
        self._kernel = kernel
        self._instance = instance
        self._events: list[dict[str, Any]] = [json.loads(text) for _, text in kernel.store.history(instance.id)]
        self._cut = self._find_cut()
        self._scheduled = {
            event["EventId"]: event for event in self._events[: self._cut] if event["EventType"] in _SCHEDULING
        }
        self._requests: dict[str, int] = {
            json.loads(event["Input"])["id"]: event["EventId"]
            for event in self._events
            if event["EventType"] == EventType.EVENT_SENT
        }

    def run(self) -> None:
        store, instance = self._kernel.store, self._instance
        undone = self._events[self._cut :]
        store.cut_generation(instance.id, self._cut)
        self._restore_waits()
        instance.events, instance.ended_turn = self._cut, None
        instance.next_id = 1 + max(self._scheduled, default=-1)
        instance.status = "Running" if self._cut else "Pending"
        instance.output, instance.updated = None, max(self._kernel.now(), instance.last_turn)
        store.save_instance(instance)
        self._kernel.memory.forget(instance.id)
        answers = {task_id: event for event in undone if (task_id := self._answered_id(event)) is not None}
        for task_id in self._open_ids():
            self._reopen(task_id, answers.get(task_id))
        for event in undone:
            if event["EventType"] == EventType.EVENT_RAISED and self._request_task(event) is None:
                self._post("event", None, event["Name"], event["Input"])
        self._kernel.ready.add(instance.id)

    def _find_cut(self) -> int:
        """Start of the turn that failed; when retries ran out in it, of the turn that saw the last attempt fail."""
        cut = self._instance.ended_turn or 0
        retry_of = {e["EventId"]: e["RetryOf"] for e in self._events if "RetryOf" in e}
        last_attempts = {e["EventId"] for e in self._events if "Retry" in e and Retry(*e["Retry"]).is_last}
        exhausted = {
            retry_of.get(e["TimerId"]) for e in self._events[cut:] if e["EventType"] == EventType.TIMER_FIRED
        } & last_attempts
        turn = 0
        for n, event in enumerate(self._events[:cut]):
            if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
                turn = n
            if event["EventType"] in _FAILED and event["TaskScheduledId"] in exhausted:
                return turn
        return cut

    def _restore_waits(self) -> None:
        waits: Counter[str] = Counter(
            action.name
            for action in self._kernel.store.actions(self._instance.id)
            if action.kind == ActionKind.WAIT_FOR_EXTERNAL_EVENT
        )
        for event in self._events[: self._cut]:
            if event["EventType"] == EventType.EVENT_RAISED and self._request_task(event) is None:
                waits[event["Name"]] -= 1
        for name, count in waits.items():
            self._kernel.store.add_waits(self._instance.id, name, count)

    def _open_ids(self) -> list[int]:
        """What was asked for before the cut and not answered before it."""
        answered = {self._answered_id(event) for event in self._events[: self._cut]}
        return [
            task_id for task_id, event in self._scheduled.items() if task_id not in answered and not _is_signal(event)
        ]

    def _answered_id(self, event: dict[str, Any]) -> int | None:
        kind = event["EventType"]
        if kind == EventType.TIMER_FIRED:
            return int(event["TimerId"])
        if kind == EventType.EVENT_RAISED:
            return self._request_task(event)
        return int(event["TaskScheduledId"]) if kind in _FAILED or kind in _ANSWERS else None

    def _request_task(self, raised: dict[str, Any]) -> int | None:
        """The entity call that an EventRaised answers; None for an external event."""
        return self._requests.get(raised["Name"])

    def _reopen(self, task_id: int, answer: dict[str, Any] | None) -> None:
        task = self._task(self._scheduled[task_id])
        if answer is None or answer["EventType"] in _FAILED:
            self._kernel.open_task(task)
            if task.kind == "sub":
                self._retry_child(task, self._scheduled[task_id]["InstanceId"])
            return
        self._kernel.store.open_task(task)
        self._kernel.store.answer_task(task.key)
        if task.kind == "entity":
            self._post("entity_replied", task_id, None, answer["Input"])
        else:
            self._post(_ANSWERS[answer["EventType"]], task_id, None, answer.get("Result"))

    def _retry_child(self, task: Task, child_id: str) -> None:
        child = self._kernel.store.instance(child_id)
        if child is None or child.parent != task.key or child.status in ("Terminated", "Canceled"):
            self._kernel.create_instance(task.name, child_id, task.input, task.version, parent=task.key)
        elif child.status == "Failed":
            _Rewind(self._kernel, child).run()
        elif child.status == "Completed":
            self._kernel.answer(task.key, "sub_completed", child.output)

    def _task(self, event: dict[str, Any]) -> Task:
        key = TaskKey(self._instance.id, self._instance.execution_id, event["EventId"])
        kind = event["EventType"]
        if kind == EventType.EVENT_SENT:
            request_id = json.loads(event["Input"])["id"]
            return Task(key=key, kind="entity", name=event["InstanceId"], request_id=request_id)
        if kind != EventType.TIMER_CREATED:
            return _call(key, event)
        if "RetryOf" not in event:
            return Task(key=key, kind="timer", fire_at=event["FireAt"])
        call = self._task(self._scheduled[event["RetryOf"]])
        return replace(call, key=key, kind="retry", target=call.kind, fire_at=event["FireAt"])

    def _post(self, kind: MessageKind, task_id: int | None, name: str | None, payload: str | None) -> None:
        self._kernel.store.post(self._instance.id, kind, task_id=task_id, name=name, payload=payload)


def _call(key: TaskKey, event: dict[str, Any]) -> Task:
    """The call that a TaskScheduled or SubOrchestrationInstanceCreated recorded."""
    kind: TaskKind = "sub"
    child_id = None
    if event["EventType"] == EventType.TASK_SCHEDULED:
        kind = "http" if event["Name"] == HTTP_ACTIVITY else "activity"
    elif event["InstanceId"] != default_child_id(key):
        child_id = event["InstanceId"]
    return Task(
        key=key,
        kind=kind,
        name=event["Name"],
        input=event["Input"],
        version=event["Version"],
        child_id=child_id,
        retry=Retry(*event["Retry"]) if "Retry" in event else None,
    )


def _is_signal(event: dict[str, Any]) -> bool:
    return event["EventType"] == EventType.EVENT_SENT and "signal" in json.loads(event["Input"])
