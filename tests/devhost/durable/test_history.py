"""The history of an instance as the status query tells it."""

from __future__ import annotations

import json
from typing import Any

from devhost.durable.history import history_view

EVENTS: list[dict[str, Any]] = [
    {"EventType": 12, "EventId": -1},
    {"EventType": 0, "EventId": -1, "Name": "flow", "Input": '{"a":1}'},
    {"EventType": 4, "EventId": 0, "Name": "work", "Input": '"x"'},
    {"EventType": 7, "EventId": 1, "Name": "child", "InstanceId": "c1", "Input": None},
    {"EventType": 10, "EventId": 2, "FireAt": "soon"},
    {"EventType": 4, "EventId": 3, "Name": "still open", "Input": None},
    {"EventType": 13, "EventId": -1},
    {"EventType": 5, "EventId": -1, "TaskScheduledId": 0, "Result": "1.50"},
    {"EventType": 9, "EventId": -1, "TaskScheduledId": 1, "Reason": "it broke", "Details": "there"},
    {"EventType": 11, "EventId": -1, "TimerId": 2, "FireAt": "soon"},
    {"EventType": 15, "EventId": -1, "Name": "go", "Input": "true"},
    {"EventType": 1, "EventId": -1, "OrchestrationStatus": "Completed", "Result": '"end"'},
]


def view(*, show_payloads: bool) -> list[dict[str, Any]]:
    texts = [json.dumps({"Timestamp": f"t{number}", **event}) for number, event in enumerate(EVENTS)]
    return list(json.loads(history_view(texts, show_payloads=show_payloads)))


def test_what_was_scheduled_and_completed_is_one_event() -> None:
    assert view(show_payloads=False) == [
        {"EventType": "ExecutionStarted", "Timestamp": "t1", "FunctionName": "flow"},
        {"EventType": "TaskScheduled", "Timestamp": "t5", "FunctionName": "still open"},
        {"EventType": "TaskCompleted", "Timestamp": "t7", "ScheduledTime": "t2", "FunctionName": "work"},
        {
            "EventType": "SubOrchestrationInstanceFailed",
            "Timestamp": "t8",
            "ScheduledTime": "t3",
            "FunctionName": "child",
            "Reason": "it broke",
            "Details": "there",
        },
        {"EventType": "TimerFired", "Timestamp": "t9", "FireAt": "soon"},
        {"EventType": "EventRaised", "Timestamp": "t10", "Name": "go"},
        {"EventType": "ExecutionCompleted", "Timestamp": "t11", "OrchestrationStatus": "Completed"},
    ]


def test_payloads_are_shown_when_asked_for() -> None:
    shown = {event["EventType"]: (event.get("Input"), event.get("Result")) for event in view(show_payloads=True)}
    assert shown["ExecutionStarted"] == ({"a": 1}, None)
    assert shown["TaskCompleted"] == (None, 1.5)
    assert shown["EventRaised"] == (True, None)
    assert shown["ExecutionCompleted"] == (None, "end")
