"""Each function of the app, called once through the worker library with what the platform gives to its kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.azure.conftest import AzureApp
from tests.azure.history import History, entity_batch
from tests.azure.test_durable import actions_of, child_of, model_call

TIME = "2026-01-01T00:00:00Z"
AGENT = {"id": "one", "agent": "writer", "input": "x"}


def of_kind(azure: AzureApp, trigger: str) -> set[str]:
    return {name for name, function in azure.functions.items() if trigger in {b["type"] for b in function.bindings}}


ROUTES: dict[str, tuple[str, str, Any, int]] = {
    "agents": ("GET", "/api/agents", None, 200),
    "datasets": ("GET", "/api/datasets", None, 200),
    "evaluations": ("GET", "/api/evaluations/missing", None, 404),
    "prompts": ("POST", "/api/prompts", {"name": "greet", "template": "Say hello."}, 201),
    "tools": ("GET", "/api/tools/functions", None, 200),
    "mcp": ("GET", "/api/mcp", None, 200),
    "workflows": ("POST", "/api/workflows/validate", {"name": "w", "steps": [AGENT]}, 200),
    "models": ("GET", "/api/models", None, 200),
    "validate": ("POST", "/api/validate", {"definitions": []}, 200),
    "executions": ("GET", "/api/executions?limit=1", None, 200),
    "approvals": ("GET", "/api/approvals", None, 200),
    "library": ("GET", "/api/library", None, 200),
    "retention": ("GET", "/api/retention", None, 200),
    "budgets": ("GET", "/api/budgets", None, 200),
    "usage": ("GET", "/api/usage", None, 200),
    "schedules": ("GET", "/api/schedules", None, 200),
    "me": ("GET", "/api/me", None, 200),
    "health": ("GET", "/api/health?deep=true", None, 200),
    "openapi": ("GET", "/api/openapi.json", None, 200),
    "schemas": ("GET", "/api/schemas/workflow", None, 200),
    "web_page": ("GET", "/api/nothing-of-ours", None, 404),
}


@pytest.mark.parametrize("function", ROUTES)
def test_a_route_is_served(azure: AzureApp, function: str) -> None:
    method, path, body, status = ROUTES[function]
    answer = azure.http(function, method, path, json=body)
    assert answer.status == status, answer.body


def test_every_route_is_tried(azure: AzureApp) -> None:
    assert of_kind(azure, "httpTrigger") == {*ROUTES, "negotiate"}  # which test_http.py has


def upload(azure: AzureApp) -> str:
    """A document that is sent to the library; what its orchestration is started with."""
    answer = azure.http("library", "PUT", "/api/library/guides/documents/a.md", content=b"# Lamps\n\nThey shine.\n")
    assert answer.status in {200, 202}, answer.body
    return [one.input for one in azure.durable.started if one.name == "index_document"][-1]


def child(azure: AzureApp, **payload: Any) -> str:
    """What a parent hands to an orchestration within its execution."""
    return json.dumps(json.dumps({**child_of("c" * 32), "scope": {"steps": {"o": {}}}, "path": "p", **payload}))


LOOP = {"id": "p", "loop": {"steps": [AGENT], "until": "round.index == 1", "most": 2}}
MAP = {"id": "p", "map": {"over": "input", "step": AGENT}}
CHAT = {
    "id": "p",
    "group_chat": {
        "participants": ["writer", "ann"],
        "task": "x",
        "speaker": "round_robin",
        "until": {"any": [{"turns": 2}]},
    },
}
INNER = {"name": "inner", "steps": [AGENT]}
FIRST_TURNS: dict[str, tuple[Callable[[AzureApp], str], list[str]]] = {
    "workflow": (lambda azure: azure.begin("x").input, ["call_model"]),
    "group_chat": (lambda azure: child(azure, step=CHAT, state={}), ["call_model"]),
    "map_slice": (lambda azure: child(azure, step=MAP, first=0, items=[{"v": 1}, {"v": 2}]), ["call_model"] * 2),
    "loop_rounds": (lambda azure: child(azure, step=LOOP), ["call_model"]),
    "sub_workflow": (lambda azure: child(azure, workflow=INNER, input={"v": {}}, rules={}), ["call_model"]),
    "agent_turn": (
        lambda azure: child(azure, call=json.loads(model_call(azure, "Say it.")), attempts=1),
        ["call_model"],
    ),
    "index_document": (upload, ["index_part"]),
}


@pytest.mark.parametrize("orchestrator", FIRST_TURNS)
def test_the_first_turn_of_an_orchestrator(azure: AzureApp, orchestrator: str) -> None:
    start, expected = FIRST_TURNS[orchestrator]
    history = History(orchestrator, "c" * 32, start(azure))
    actions = actions_of(azure.durable_function(orchestrator, history.context()))
    called = [part for action in actions for part in action.get("compoundActions", [action])]
    assert [action["functionName"] for action in called] == expected


def test_every_orchestrator_is_tried(azure: AzureApp) -> None:
    assert of_kind(azure, "orchestrationTrigger") == set(FIRST_TURNS)


def asked_by(azure: AzureApp, activity: str, **step: Any) -> str:
    """What the orchestrator of a new execution with this step asks of the activity first."""
    started = azure.begin_steps(step)
    history = History(started.name, started.instance, started.input)
    calls = actions_of(azure.durable_function("workflow", history.context()))
    parts = [part for call in calls for part in call.get("compoundActions", [call])]
    return str(next(part["input"] for part in parts if part.get("functionName") == activity))


def of_execution(azure: AzureApp, **fields: Any) -> str:
    """What the orchestrator of a new execution says of whose it is, and this."""
    return json.dumps({"tenant": "local", "execution": azure.begin("x").instance, **fields})


def action(azure: AzureApp, **fields: Any) -> str:
    """The same for a step of it."""
    return of_execution(azure, key="write#0", step="write", **fields)


def tool_call(azure: AzureApp) -> str:
    tool = {"input": {"type": "object", "properties": {"number": {"type": "string"}}}, "function": "find-order"}
    assert azure.http("tools", "PUT", "/api/tools/find-order", json={"description": "Finds.", **tool}).status < 300
    return asked_by(azure, "call_tool", id="look", tool="find-order", arguments={"number": "A-1001"})


def evaluation(azure: AzureApp) -> str:
    one = {"tenant": "local", "execution": "f" * 32, "id": "x:step.evaluated:0", "step": "x", "source": "1 + 1"}
    return json.dumps({**one, "template": False, "scope": {}, "time": TIME})


APPROVAL = {"ask": "Go on?", "roles": ["operator"], "deadline": "P2D", "otherwise": "reject"}
ACTIVITIES: dict[str, tuple[Callable[[AzureApp], str], Callable[[Any], bool]]] = {
    "call_model": (lambda azure: model_call(azure, "Once."), lambda outcome: "v" in outcome["value"]),
    "call_tool": (tool_call, lambda outcome: outcome["value"]["v"]["state"] == "shipped"),
    "ask_human": (
        lambda azure: asked_by(azure, "ask_human", id="sign", approval=APPROVAL),
        lambda arrival: "value" not in arrival,
    ),
    "park": (
        lambda azure: asked_by(azure, "park", id="reply", wait={"event": "replied", "within": "P1D"}),
        lambda arrival: "value" not in arrival,
    ),
    "cancel_steps": (lambda azure: action(azure, paths=["write"], reason="Not needed.", time=TIME), bool),
    "evaluate": (evaluation, lambda answer: answer == {"value": {"v": 2}}),
    "finish": (
        lambda azure: of_execution(azure, value={"v": "done"}, stop_reason="finished"),
        lambda status: status == "completed",
    ),
    "deliver": (lambda azure: of_execution(azure, number=1), lambda answer: answer == {"wait": None}),
    "next_turns": (
        lambda azure: action(azure, wakes=[{"instance": "i" * 32, "event": "go!1"}], waits=True),
        lambda arrival: arrival == {},
    ),
    "index_part": (
        lambda azure: json.dumps(json.loads(json.loads(upload(azure)))),
        lambda step: "failures" not in step,
    ),
}


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_an_activity(azure: AzureApp, activity: str) -> None:
    payload, is_right = ACTIVITIES[activity]
    answer, _ = azure.activity(activity, payload(azure))
    assert is_right(answer), answer


def test_every_activity_is_tried(azure: AzureApp) -> None:
    assert of_kind(azure, "activityTrigger") == set(ACTIVITIES)


def test_an_activity_raises_events_through_its_durable_client(azure: AzureApp) -> None:
    before = len(azure.durable.raised)
    azure.activity("next_turns", action(azure, wakes=[{"instance": "j" * 32, "event": "go!2"}]))
    assert azure.durable.raised[before:] == [("j" * 32, "go!2")]


def test_every_operation_of_the_chat(azure: AzureApp) -> None:
    entry = {"turn": 1, "speaker": "ann", "text": "words", "event": "e1"}
    batch = entity_batch("chat", "e:panel", None, ("append", entry), ("view", {"last": 5}), ("delete", None))
    answer = azure.durable_function("chat", batch)
    assert [result["isError"] for result in answer["results"]] == [False] * 3
    assert json.loads(answer["results"][1]["result"]) == [entry]
    assert not answer["entityExists"]


def test_every_operation_of_the_semaphore(azure: AzureApp) -> None:
    ask = {"limit": 1, "now": TIME, "waiter": {"tenant": "local", "instance": "i", "event": "go"}}
    operations = [("ask", {"id": "a", **ask}), ("ask", {"id": "b", **ask}), ("release", {"id": "a", "now": TIME})]
    answer = azure.durable_function("semaphore", entity_batch("semaphore", "model:default", None, *operations))
    first, second, released = (json.loads(result["result"]) for result in answer["results"])
    assert (first["position"], second["position"]) == (0, 1)
    assert released["wakes"] == [{"instance": "i", "event": "go"}]
    assert list(json.loads(answer["entityState"])["holders"]) == ["b"]


def test_every_entity_is_tried(azure: AzureApp) -> None:
    assert of_kind(azure, "entityTrigger") == {"chat", "semaphore"}


@pytest.mark.parametrize("timer", ["sweep", "purge"])
def test_a_timer(azure: AzureApp, timer: str) -> None:
    past = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": True}
    client = {"string": azure.durable.client}
    assert azure.process.invoke(timer, timer={"json": json.dumps(past)}, client=client).error is None


def test_every_other_trigger_is_tried(azure_with_queues: AzureApp) -> None:
    assert of_kind(azure_with_queues, "timerTrigger") == {"sweep", "purge"}
    queues = of_kind(azure_with_queues, "queueTrigger") | of_kind(azure_with_queues, "serviceBusTrigger")
    assert queues == {"start_from_queue", "start_from_service_bus"}  # which test_starts.py has
