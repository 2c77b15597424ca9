"""The semaphore entity through the SDK's own entity protocol."""

from __future__ import annotations

import json
from typing import Any

import azure.durable_functions as df

from entities.semaphore import semaphore

NOW = "2026-11-27T12:00:00+00:00"


def operate(state: str | None, name: str, value: Any) -> dict[str, Any]:
    batch = [{"name": name, "input": json.dumps(json.dumps(value)), "isSignal": False}]
    body = {"self": {"name": "semaphore", "key": "k"}, "exists": state is not None, "state": state, "batch": batch}
    answer: dict[str, Any] = json.loads(df.Entity.create(semaphore)(json.dumps(body)))
    return answer


def ask(id: str) -> dict[str, Any]:
    waiter = {"tenant": "t", "instance": id, "event": f"wake-{id}"}
    return {"id": id, "limit": 1, "now": NOW, "waiter": waiter}


def test_a_turn_is_taken_waited_for_and_passed_on() -> None:
    first = operate(None, "ask", ask("a"))
    second = operate(first["entityState"], "ask", ask("b"))
    assert [json.loads(one["results"][0]["result"])["position"] for one in (first, second)] == [0, 1]
    passed = operate(second["entityState"], "release", {"id": "a", "now": NOW})
    assert json.loads(passed["results"][0]["result"])["wakes"] == [{"instance": "b", "event": "wake-b"}]


def test_an_unknown_operation_is_an_error_and_changes_nothing() -> None:
    first = operate(None, "ask", ask("a"))
    answer = operate(first["entityState"], "steal", {})
    assert answer["results"][0]["isError"]
    assert json.loads(answer["entityState"])["holders"].keys() == {"a"}
