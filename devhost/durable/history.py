"""The history of an instance as the durable extension's status query tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

# Event types as numbers in the stored history, by the names that the status query uses.
_NAMES = {
    0: "ExecutionStarted",
    1: "ExecutionCompleted",
    3: "ExecutionTerminated",
    4: "TaskScheduled",
    5: "TaskCompleted",
    6: "TaskFailed",
    7: "SubOrchestrationInstanceCreated",
    8: "SubOrchestrationInstanceCompleted",
    9: "SubOrchestrationInstanceFailed",
    10: "TimerCreated",
    11: "TimerFired",
    14: "EventSent",
    15: "EventRaised",
    16: "ContinueAsNew",
    19: "ExecutionSuspended",
    20: "ExecutionResumed",
}
_OPENING = {4, 7, 10}  # folded into the event that completes them
_COMPLETING = {5, 6, 8, 9}
_TIMER_FIRED = 11
_NAMED_THEMSELVES = {14, 15}  # external events carry their own name, everything else a function's
_PAYLOADS = ("Input", "Result")


def history_view(events: Iterable[str], *, show_payloads: bool) -> str:
    """The JSON array of the events worth showing: scheduled and completed are one, turn markers are left out.

    A task that is still open shows as its scheduling event. `events` are raw event JSON in order.
    """
    parsed = [json.loads(event) for event in events]
    opened = {event["EventId"]: event for event in parsed if _opens(event)}
    closed = {_answered(event) for event in parsed}
    shown = [
        _shown(event, opened, show_payloads)
        for event in parsed
        if event["EventType"] in _NAMES and not (_opens(event) and event["EventId"] in closed)
    ]
    return json.dumps(shown)


def _opens(event: dict[str, Any]) -> bool:
    return event["EventType"] in _OPENING


def _answered(event: dict[str, Any]) -> int | None:
    """The id of the scheduling event that this one completes."""
    if event["EventType"] in _COMPLETING:
        return int(event["TaskScheduledId"])
    return int(event["TimerId"]) if event["EventType"] == _TIMER_FIRED else None


def _shown(event: dict[str, Any], opened: dict[int, dict[str, Any]], show_payloads: bool) -> dict[str, Any]:
    view: dict[str, Any] = {"EventType": _NAMES[event["EventType"]], "Timestamp": event["Timestamp"]}
    answered = _answered(event) if event["EventType"] in _COMPLETING else None
    scheduled = None if answered is None else opened.get(answered)
    name = scheduled["Name"] if scheduled is not None else event.get("Name")
    if scheduled is not None:
        view["ScheduledTime"] = scheduled["Timestamp"]
    if name is not None:
        view["Name" if event["EventType"] in _NAMED_THEMSELVES else "FunctionName"] = name
    for key in ("Reason", "Details", "FireAt", "OrchestrationStatus", "InstanceId"):
        if event.get(key) is not None:
            view[key] = event[key]
    if show_payloads:
        view |= {key: json.loads(event[key]) for key in _PAYLOADS if event.get(key) is not None}
    return view
