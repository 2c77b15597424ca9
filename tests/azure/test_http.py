"""HTTP through the worker library's own server, as Azure's front end reaches the app."""

from __future__ import annotations

import json
import uuid

from tests.azure.conftest import TOKEN, WATCHER, AzureApp


def test_health_needs_no_token(azure: AzureApp) -> None:
    answer = azure.http("health", "GET", "/api/health", token=None)
    assert answer.status == 200
    assert answer.json()["model"] == {"name": "stub-model", "provider": "compatible"}


def test_me_is_whoever_the_token_says(azure: AzureApp) -> None:
    answer = azure.http("me", "GET", "/api/me")
    assert answer.status == 200
    assert answer.json()["tenant"] == "local"


def test_me_without_a_token_is_a_problem(azure: AzureApp) -> None:
    answer = azure.http("me", "GET", "/api/me", token=None)
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


def test_a_body_and_a_path_below_a_resource_arrive(azure: AzureApp) -> None:
    agent = {"name": "polite-writer", "instructions": "Write politely. Ünïcödé."}
    made = azure.http("agents", "POST", "/api/agents", json=agent)
    assert made.status == 201, made.body
    read = azure.http("agents", "GET", "/api/agents/polite-writer?version=1")
    assert read.json()["definition"]["instructions"] == agent["instructions"]
    missing = azure.http("agents", "GET", "/api/agents/nobody")
    assert (missing.status, missing.json()["code"]) == (404, "not_found")


def test_an_invalid_body_is_a_problem_with_a_pointer(azure: AzureApp) -> None:
    answer = azure.http("executions", "POST", "/api/executions", json={"workflow": "w", "inptu": {}})
    assert answer.status in {400, 422}
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/inptu"]


def test_an_execution_is_accepted_and_started_through_the_durable_client(azure: AzureApp) -> None:
    azure.begin("Say something.")  # so that there is a writer
    definition = {"name": "w", "steps": [{"id": "write", "agent": "writer"}]}
    answer = azure.http("executions", "POST", "/api/executions", json={"definition": definition})
    assert (answer.status, answer.json()["status"]) == (202, "running")
    id = answer.json()["id"]
    assert answer.headers["location"] == f"/api/executions/{id}"
    assert [one.name for one in azure.durable.started if one.instance == id] == ["workflow"]


def test_the_log_streams_as_server_sent_events(azure: AzureApp) -> None:
    id = azure.begin("Say something.").instance
    payload = {"tenant": "local", "execution": id, "value": {"v": "said"}, "stop_reason": "finished"}
    assert azure.activity("finish", json.dumps(payload))[0] == "completed"
    path = f"/api/executions/{id}/events"
    answer = azure.http("executions", "GET", path, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = [line.removeprefix("event: ") for line in answer.body.decode().split("\n") if line.startswith("event: ")]
    assert names == ["event", "event", "end"]
    assert len(answer.pieces) > 1


def test_a_stream_arrives_piece_by_piece_while_the_execution_goes_on(azure: AzureApp) -> None:
    id = azure.begin("Say something.").instance
    ending = {"tenant": "local", "execution": id, "value": {"v": "said"}, "stop_reason": "finished"}
    first, answer = azure.process.follow(
        "executions",
        f"/api/executions/{id}/events",
        {"client": {"string": azure.durable.client}},
        ("finish", {"payload": {"json": json.dumps(ending)}}),
        headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"},
    )
    assert b"execution.started" in first
    assert b"execution.completed" not in first
    assert b"execution.completed" in answer.body
    assert answer.pieces[-1].startswith(b"event: end")


def test_a_watcher_gets_a_connection_and_joins_the_group(azure: AzureApp) -> None:
    id = azure.begin("Say something.").instance
    connection = {"url": "https://signalr.example/client/?hub=executions", "accessToken": "made-by-the-extension"}
    answer = azure.watch(id, connection)
    assert (answer.status, answer.json()) == (200, connection)
    joining = json.loads(answer.invocation.outputs["groups"]["string"])
    assert joining == {"action": "add", "groupName": f"local.{id}", "userId": WATCHER}


def test_who_may_not_watch_joins_no_group(azure: AzureApp) -> None:
    answer = azure.process.request(
        "negotiate",
        "POST",
        "/api/negotiate",
        {"connection": {"string": "{}"}},
        headers={"Authorization": f"Bearer {TOKEN}", "x-watcher": f"other.{uuid.uuid4()}"},
        json={"execution": "e" * 32},
    )
    assert answer.status == 400
    assert answer.invocation.outputs == {}
