"""Orchestrators, activities and the entity through the worker library, with what the durable extension sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from devhost.signalr.messages import Message, parse_output
from tests.azure.conftest import AzureApp
from tests.azure.history import History, entity_batch
from tests.azure.worker import Invocation

CALL_ACTIVITY, SIGNAL_ENTITY, WHEN_ANY = 0, 9, 11


def actions_of(reply: Any) -> list[Any]:
    """All actions since the start, as the extension reads them."""
    assert reply["schemaVersion"] == 2
    [actions] = reply["actions"]
    return list(actions)


def pushed(invocation: Invocation, execution: str) -> list[dict[str, Any]]:
    """The events that the SignalR extension reads from the output binding, all for the execution's group."""
    assert list(invocation.outputs) == ["live"]
    events: list[dict[str, Any]] = []
    for item in parse_output(invocation.outputs["live"]["string"]):
        assert isinstance(item, Message)
        assert (item.target, item.group_name) == ("events", f"local.{execution}")
        [some] = item.arguments
        events += TypeAdapter(list[dict[str, Any]]).validate_python(some)
    return events


def test_an_execution_from_its_request_to_its_end(azure: AzureApp) -> None:
    """Every function in its turn, each given what the one before gave to the platform."""
    started = azure.begin("About ${input.idea}.", {"idea": "a lamp"})
    id = started.instance
    assert azure.watch(id).status == 200
    history = History(started.name, id, started.input)
    [call] = actions_of(azure.durable_function("workflow", history.context()))
    assert (call["actionType"], call["functionName"]) == (CALL_ACTIVITY, "call_model")

    outcome, invocation = azure.activity("call_model", call["input"])
    events = pushed(invocation, id)
    assert [event["type"] for event in events] == ["call.completed"]
    assert outcome["value"]["v"] == events[0]["value"]

    history.completed(0, "call_model", call["input"], outcome)
    [_, finish] = actions_of(azure.durable_function("workflow", history.context()))
    assert finish["functionName"] == "finish"
    status, invocation = azure.activity("finish", finish["input"])
    assert status == "completed"
    assert pushed(invocation, id)[-1]["type"] == "execution.completed"

    history.completed(1, "finish", finish["input"], status)
    last = azure.durable_function("workflow", history.context())
    assert last["isDone"]
    record = azure.http("executions", "GET", f"/api/executions/{id}").json()
    assert (record["status"], record["output"]) == ("completed", outcome["value"]["v"])


def test_an_activity_that_is_given_its_payload_again_pays_once(azure: AzureApp) -> None:
    payload = model_call(azure, "Say it once.")
    asked = len(azure.model.log("start"))
    first, _ = azure.activity("call_model", payload)
    again, _ = azure.activity("call_model", payload)
    # Of the log it is told only what is new there, which is nothing any more.
    assert again == {key: value for key, value in first.items() if key not in ("head", "quiet")}
    assert len(azure.model.log("start")) == asked + 1


def test_a_model_that_is_down_is_an_outcome_and_not_an_error(azure: AzureApp) -> None:
    payload = model_call(azure, "[[stub:down]]")
    assert azure.watch(json.loads(payload)["execution"]).status == 200
    outcome, invocation = azure.activity("call_model", payload)
    assert outcome["error"]["code"] == "model_unreachable"
    assert [event["type"] for event in pushed(invocation, json.loads(payload)["execution"])] == ["call.failed"]


def test_evaluate_gives_a_value(azure: AzureApp) -> None:
    evaluation = {
        "tenant": "local",
        "execution": "f" * 32,
        "id": "each:step.evaluated:0",
        "step": "each",
        "source": "size(input) * 2",
        "template": False,
        "scope": {"input": {"v": [1, 2, 3]}},
        "time": "2026-01-01T00:00:00Z",
    }
    answer, invocation = azure.activity("evaluate", json.dumps(evaluation))
    assert answer == {"value": {"v": 6}}
    assert invocation.outputs == {}  # nobody watches, so nothing is pushed


@pytest.mark.parametrize("activity", ["call_model", "evaluate", "finish", "deliver"])
def test_a_payload_that_is_none_of_ours_fails_the_activity(azure: AzureApp, activity: str) -> None:
    invocation = azure.process.invoke(activity, payload={"json": '{"tenant": "local"}'})
    assert invocation.error is not None
    assert "ValidationError" in invocation.error


def test_the_first_turn_of_a_chat_asks_its_chair(azure: AzureApp) -> None:
    chat = {
        "id": "panel",
        "group_chat": {
            "participants": ["ann", "ben"],
            "task": "Agree on ${input}.",
            "speaker": {"agent": "chair"},
            "until": {"any": [{"turns": 4}]},
        },
    }
    scope = {"input": {"v": "a name"}, "steps": {"o": {}}}
    payload = {**child_of("a" * 32), "step": chat, "path": "panel", "scope": scope, "state": {}}
    history = History("group_chat", "a.panel", json.dumps(json.dumps(payload)), parent="a" * 32)
    [call] = actions_of(azure.durable_function("group_chat", history.context()))
    assert (call["actionType"], call["functionName"]) == (CALL_ACTIVITY, "call_model")
    asked = json.loads(call["input"])
    assert (asked["key"], asked["agent"], asked["prompt"]["kind"]) == ("panel/turn[1]/chair#0", "chair", "chair")

    choice = {"value": {"v": {"next": "ben", "reason": "he knows"}}}
    history.completed(0, "call_model", call["input"], choice)
    [_, speak] = actions_of(azure.durable_function("group_chat", history.context()))
    assert json.loads(speak["input"])["agent"] == "ben"

    history.completed(1, "call_model", speak["input"], {"value": {"v": "Lamp."}, "preview": "Lamp."})
    [_, _, signal, _] = actions_of(azure.durable_function("group_chat", history.context()))
    assert (signal["actionType"], signal["operation"]) == (SIGNAL_ENTITY, "append")
    assert signal["instanceId"] == f"@chat@{'a' * 32}:panel"


def test_the_first_turn_of_a_map_slice_calls_for_each_of_its_items(azure: AzureApp) -> None:
    step = {"id": "each", "map": {"over": "input", "step": {"id": "one", "agent": "reader", "input": "${item}"}}}
    payload = {
        **child_of("b" * 32),
        "step": step,
        "path": "each",
        "scope": {"steps": {"o": {}}},
        "first": 50,
        "items": [{"v": "fifty"}, {"v": "fifty-one"}],
    }
    history = History("map_slice", "b.each[50]", json.dumps(json.dumps(payload)), parent="b" * 32)
    [any_of] = actions_of(azure.durable_function("map_slice", history.context()))
    assert any_of["actionType"] == WHEN_ANY
    keys = [json.loads(call["input"])["key"] for call in any_of["compoundActions"]]
    assert keys == ["each[50]#0", "each[51]#0"]


def test_one_batch_of_the_chat_entity(azure: AzureApp) -> None:
    turns = [{"turn": number, "speaker": "ann", "text": f"words {number}", "event": f"e{number}"} for number in (1, 2)]
    batch = entity_batch("chat", "e:panel", None, *(("append", turn) for turn in (*turns, turns[0])))
    answer = azure.durable_function("chat", batch)
    assert [result["isError"] for result in answer["results"]] == [False, False, False]
    state = json.loads(answer["entityState"])
    assert (state["turns"], state["window"]) == (2, turns)


def child_of(execution: str) -> dict[str, Any]:
    """What every sub-orchestration is told by its parent."""
    return {"tenant": "local", "execution": execution, "plan": "0" * 64, "events": []}


def model_call(azure: AzureApp, prompt: str) -> str:
    """What the workflow of a new execution asks of `call_model`."""
    started = azure.begin(prompt)
    history = History(started.name, started.instance, started.input)
    [call] = actions_of(azure.durable_function("workflow", history.context()))
    return str(call["input"])
