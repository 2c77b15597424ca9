"""The points on which hosts of durable apps differ, each met by an app over HTTP as its users would meet it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.devhost.conftest import HostClient, Serve
from tests.devhost.durable.test_client import until

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions Durable JSON codec:DeprecationWarning")
DURABLE = "/runtime/webhooks/durabletask"


@pytest.fixture
async def host(serve: Serve) -> AsyncIterator[HostClient]:
    async with serve("fidelity") as client:
        yield client


async def result(host: HostClient, name: str, value: object = None, **options: str) -> Any:
    response = await host.post(f"/api/start/{name}", params=options, json=value)
    assert response.status_code == 200, response.text
    return response.json()


async def answers(host: HostClient, path: str, status: int) -> None:
    async with asyncio.timeout(10):
        while (await host.get(path)).status_code != status:  # noqa: ASYNC110 - HTTP has no event to wait for
            await asyncio.sleep(0.01)


async def raise_event(host: HostClient, instance: str, name: str, data: object) -> None:
    response = await host.post(f"{DURABLE}/instances/{instance}/raiseEvent/{name}", json=data)
    assert response.status_code == 202, response.text


async def test_an_apps_own_objects_travel_everywhere(host: HostClient) -> None:
    started = await host.get("/api/origin")
    assert (await until(host, started.json()["id"], "Completed"))["output"] == [1, 2]
    state = await host.get(f"{DURABLE}/entities/place/here")
    assert state.json()["__data__"] == {"x": 2, "y": 1}


async def test_a_deleted_entity_is_gone(host: HostClient) -> None:
    where = f"{DURABLE}/entities/place/$"  # the empty key
    assert (await host.post(where, params={"op": "put"}, json={"x": 1})).status_code == 202
    await answers(host, where, 200)
    assert (await host.delete(where)).status_code == 202
    await answers(host, where, 404)


async def test_call_http_polls_what_is_accepted_until_it_is_done(host: HostClient) -> None:
    assert await result(host, "polls", f"{host.base_url}/api/slow") == [200, "late"]


async def test_the_loser_of_a_race_goes_on(host: HostClient) -> None:
    assert await result(host, "races") == [True, 0.05]


async def test_no_tasks_are_all_done_and_a_false_status_is_none(host: HostClient) -> None:
    assert await result(host, "nothing", id="n") == {"all": None}  # as the SDK has it
    assert (await until(host, "n", "Completed"))["customStatus"] is None


async def test_what_the_context_tells_does_not_change(host: HostClient) -> None:
    instance, parent, guid, _, later, zone, same = await result(host, "knows", id="k")
    assert (instance, parent, later, zone, same) == ("k", "None", True, "0:00:00", True)
    assert len(guid) == 36


async def test_a_timer_of_a_month_is_one_timer_and_can_be_canceled(host: HostClient) -> None:
    waiting = await host.post("/api/start/deadline", params={"id": "d", "ms": "30"})
    assert waiting.status_code == 202
    await raise_event(host, "d", "answer", {"yes": True})
    ended = await until(host, "d", "Completed")
    assert ended["output"] == {"yes": True}
    history = (await host.get(f"{DURABLE}/instances/d", params={"showHistory": "true"})).json()["historyEvents"]
    assert [event["EventType"] for event in history].count("TimerCreated") == 1


async def test_events_wait_until_they_are_waited_for(host: HostClient) -> None:
    assert (await host.post("/api/start/listens", params={"id": "l", "ms": "30"})).status_code == 202
    for name, data in [("other", 3), ("word", 1), ("word", 2)]:
        await raise_event(host, "l", name, data)
    assert (await until(host, "l", "Completed"))["output"] == [1, 2, 3]


async def test_waiting_for_the_end_tells_how_it_came(host: HostClient) -> None:
    failed = await host.post("/api/start/breaks")
    assert (failed.status_code, failed.json()["runtimeStatus"]) == (500, "Failed")
    assert failed.json()["output"] == "Orchestrator function 'breaks' failed: as it was told"
    waiting = await host.post("/api/start/listens", params={"id": "t", "ms": "30"})
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "10")
    assert json.loads(waiting.text)["id"] == "t"
    assert (await host.post(waiting.json()["terminatePostUri"].replace("{text}", "enough"))).status_code == 202
    assert (await until(host, "t", "Terminated"))["output"] == "enough"
