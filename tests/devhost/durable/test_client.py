"""Every operation of the SDK's own durable client, called inside an app, against the real engine."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.devhost.conftest import MakeApp, Serve


async def start(client: httpx.AsyncClient, name: str, instance_id: str = "", payload: object = None) -> str:
    path = f"/api/start/{name}/{instance_id}".rstrip("/")
    response = await client.post(path, json=payload) if payload is not None else await client.post(path)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def operate(client: httpx.AsyncClient, operation: str, instance_id: str, payload: object = None) -> Any:
    response = await client.post(f"/api/client/{operation}/{instance_id}", json=payload)
    return response.json()


async def until(client: httpx.AsyncClient, instance_id: str, *wanted: str) -> dict[str, Any]:
    """Ask for the status until it is one of those wanted."""
    async with asyncio.timeout(20):
        while True:
            response = await client.get(f"/runtime/webhooks/durabletask/instances/{instance_id}")
            if response.status_code != 404 and response.json()["runtimeStatus"] in wanted:
                return dict(response.json())
            await asyncio.sleep(0.02)


async def test_start_and_wait_gives_the_output(serve: Serve) -> None:
    async with serve("classic") as client:
        response = await client.post("/api/start/chain?wait=1", json=5)
    assert (response.status_code, response.json()) == (200, 8)


async def test_the_check_status_payload_leads_to_the_instance(serve: Serve) -> None:
    async with serve("classic") as client:
        response = await client.post("/api/start/chain/mine")
        assert response.status_code == 202
        assert response.headers["location"] == response.json()["statusQueryGetUri"]
        await until(client, "mine", "Completed")
        status = await client.get(response.json()["statusQueryGetUri"])
    assert (status.status_code, status.json()["output"]) == (200, 3)


async def test_status_with_history(serve: Serve) -> None:
    async with serve("classic") as client:
        instance_id = await start(client, "chain", payload=1)
        await until(client, instance_id, "Completed")
        status = await operate(client, "status", instance_id)
    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == 4
    shown = [(event["EventType"], event.get("FunctionName"), event.get("Result")) for event in status["events"]]
    assert shown == [
        ("ExecutionStarted", "chain", None),
        ("TaskCompleted", "add_one", 2),
        ("TaskCompleted", "add_one", 3),
        ("TaskCompleted", "add_one", 4),
        ("ExecutionCompleted", None, 4),
    ]
    assert all(event["ScheduledTime"] <= event["Timestamp"] for event in status["events"][1:4])


async def test_events_reach_a_waiting_instance(serve: Serve) -> None:
    async with serve("classic") as client:
        instance_id = await start(client, "waiting")
        status = await until(client, instance_id, "Running")
        while status["customStatus"] is None:
            status = await until(client, instance_id, "Running")
        assert status["customStatus"] == "waiting"
        assert await operate(client, "raise", instance_id, {"a": 1}) is None
        ended = await until(client, instance_id, "Completed")
        gone = await operate(client, "raise", instance_id, {})
        unknown = await operate(client, "raise", "unknown", {})
    assert ended["output"] == '{"a": 1}'  # the SDK's client encodes twice; so it is on Azure
    assert "is gone" in gone["error"]
    assert "No instance with ID unknown" in unknown["error"]


async def test_suspend_resume_and_terminate(serve: Serve) -> None:
    async with serve("classic") as client:
        instance_id = await start(client, "waiting")
        assert await operate(client, "suspend", instance_id) is None
        await until(client, instance_id, "Suspended")
        assert await operate(client, "resume", instance_id) is None
        await until(client, instance_id, "Running")
        assert await operate(client, "terminate", instance_id) is None
        ended = await until(client, instance_id, "Terminated")
        assert await operate(client, "terminate", instance_id) is None  # a finished one is no error
        unknown = await operate(client, "terminate", "unknown")
    assert ended["output"] == "enough of it"
    assert "No instance with ID 'unknown'" in unknown["error"]


async def test_failure_rewind_and_restart(serve: Serve) -> None:
    async with serve("classic") as client:
        instance_id = await start(client, "Failing")
        ended = await until(client, instance_id, "Failed")
        assert ended["output"].startswith("Orchestrator function 'Failing' failed: Activity function 'fail' failed:  ")
        assert "RuntimeError: as it was told" in ended["output"]
        assert "/devhost/" not in ended["output"].replace("/tests/devhost/", "")  # the user's frames only
        assert await operate(client, "rewind", instance_id) is None
        await until(client, instance_id, "Failed")
        restarted = await operate(client, "restart", instance_id)
        assert restarted["id"] != instance_id
        await until(client, restarted["id"], "Failed")
        completed = await start(client, "chain")
        await until(client, completed, "Completed")
        refused = await operate(client, "rewind", completed)
    assert "only supported on failed" in refused["error"]


async def test_lists_and_purges(serve: Serve) -> None:
    async with serve("classic") as client:
        for instance_id in ("done-1", "done-2", "open-1"):
            await start(client, "waiting" if instance_id == "open-1" else "chain", instance_id)
        for instance_id in ("done-1", "done-2"):
            await until(client, instance_id, "Completed")
        every = await operate(client, "all", "x")
        completed = await operate(client, "by", "done")
        one = await operate(client, "purge", "done-1")
        absent = await operate(client, "purge", "done-1")
        rest = await operate(client, "purge-all", "x")
        none = await operate(client, "purge-all", "x")
    assert {status["instanceId"] for status in every} == {"done-1", "done-2", "open-1"}
    assert {status["instanceId"] for status in completed} == {"done-1", "done-2"}
    assert [result["instances_deleted"] for result in (one, absent, rest, none)] == [1, 0, 1, 0]


async def test_entities(serve: Serve) -> None:
    async with serve("classic") as client:
        absent = await operate(client, "read", "a")
        assert await operate(client, "signal", "a", 5) is None
        assert await operate(client, "signal", "a", 6) is None
        state = await _entity(client, "a", 11)
        listed = (await client.get("/runtime/webhooks/durabletask/entities/counter?fetchState=true")).json()
        bare = (await client.get("/runtime/webhooks/durabletask/entities")).json()
    assert absent["entity_exists"] is False
    assert state["entity_exists"] is True
    assert [(entity["entityId"], entity["state"]) for entity in listed] == [({"name": "counter", "key": "a"}, 11)]
    assert "state" not in bare[0]


async def _entity(client: httpx.AsyncClient, key: str, wanted: object) -> Any:
    """Read the counter until its state is the wanted one."""
    async with asyncio.timeout(20):
        while True:
            state = await operate(client, "read", key)
            if state["entity_state"] == wanted:
                return state
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "message"),
    [("nonesuch", "The function 'nonesuch' doesn't exist"), ("chain/@taken", "must not start with '@'")],
)
async def test_a_start_that_is_wrong_reaches_the_app_as_an_exception(
    serve: Serve, caplog: pytest.LogCaptureFixture, path: str, message: str
) -> None:
    async with serve("classic") as client:
        response = await client.post(f"/api/start/{path}")
    assert response.status_code == 500
    assert message in caplog.text


async def test_an_id_is_taken_until_its_instance_has_ended(serve: Serve) -> None:
    async with serve("classic") as client:
        await start(client, "waiting", "one")
        taken = await client.post("/runtime/webhooks/durabletask/orchestrators/waiting/one")
        await operate(client, "terminate", "one")
        await until(client, "one", "Terminated")
        again = await client.post("/runtime/webhooks/durabletask/orchestrators/chain/one")
    assert (taken.status_code, again.status_code) == (409, 202)


@pytest.mark.parametrize(("settings", "hub"), [("{}", "DevHub"), ('{"HUB": "Mine"}', "Mine")])
async def test_the_task_hub_may_be_named_by_a_setting(serve: Serve, make_app: MakeApp, settings: str, hub: str) -> None:
    app = (
        "import azure.durable_functions as df\n"
        "app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route('hub')\n@app.durable_client_input(client_name='client')\n"
        "async def hub(req: func.HttpRequest, client):\n"
        "    return client.create_http_management_payload('an-id')['statusQueryGetUri']\n"
    )
    files = {
        "host.json": '{"version": "2.0", "extensions": {"durableTask": {"hubName": "%HUB%"}}}',
        "local.settings.json": f'{{"Values": {settings}}}',
    }
    async with serve(make_app(app, files)) as client:
        assert f"taskHub={hub}&" in (await client.get("/api/hub")).text
