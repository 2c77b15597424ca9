"""The page's files and the JSON behind it, from a host that runs the app."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx

from tests.devhost.conftest import Serve

API = "/devhost/api"
DURABLE = "/runtime/webhooks/durabletask"
ODD_ID = "100%25 o'r\"dër <1>&x=1+1"


async def order(client: httpx.AsyncClient, instance_id: str, **more: object) -> None:
    path = f"{DURABLE}/orchestrators/fulfil/{quote(instance_id)}"
    started = await client.post(path, json={"id": "o1", "items": ["lamp", "chair"], **more})
    assert started.json()["id"] == instance_id


async def until(
    client: httpx.AsyncClient, query: str, there: Callable[[dict[str, Any]], bool], **parameters: str | int
) -> dict[str, Any]:
    """What the page gets for its query, once it is as wanted."""
    async with asyncio.timeout(20):
        while True:
            answer = (await client.get(f"{API}/{query}", params=parameters)).json()
            if there(answer):
                return dict(answer)
            await asyncio.sleep(0.02)


def waits(answer: dict[str, Any]) -> bool:
    return bool(answer.get("waits"))


def has_failed(answer: dict[str, Any]) -> bool:
    return bool(answer.get("instance", {}).get("status") == "Failed")


async def test_the_page_and_all_its_parts_come_from_here(serve: Serve) -> None:
    async with serve("watched") as client:
        page = await client.get("/devhost")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in page.text.replace("http-equiv", "")
        for path in re.findall(r'(?:src|href)="(/[^"]*)"', page.text):
            part = await client.get(path)
            assert part.status_code == 200
            assert part.headers["x-content-type-options"] == "nosniff"
            for name in re.findall(r'from "\./([^"]+)"', part.text):
                assert (await client.get(f"/devhost/static/{name}")).status_code == 200


async def test_an_instance_with_an_odd_id(serve: Serve) -> None:
    async with serve("watched") as client:
        await order(client, ODD_ID)
        answer = await until(client, "instance", waits, id=ODD_ID)
        assert answer["instance"]["name"] == "fulfil"
        assert answer["waits"] == [{"name": "approve", "unanswered": 1}]
        assert [task["kind"] for task in answer["open"]] == ["timer"]
        assert len(answer["events"]) == answer["total"]
        [wait] = answer["wait_actions"]
        assert answer["events"][wait["turn"]]["EventType"] == 12
        query = {"id": ODD_ID, "after": answer["total"], "last": answer["events"][-1]["Timestamp"]}
        again = (await client.get(f"{API}/instance", params=query)).json()
        assert (again["first"], again["events"]) == (answer["total"], [])
        await client.post(f"{DURABLE}/instances/{quote(ODD_ID)}/raiseEvent/Approve", json=1)
        assert (await until(client, "instance", waits, id=ODD_ID))["early"] == [{"name": "Approve", "waiting": 1}]
        child = (await client.get(f"{API}/instances", params={"prefix": f"{ODD_ID}:"})).json()["instances"]
        assert [(row["name"], row["parent_id"]) for row in child] == [("ship", ODD_ID)]
        pending = (await client.get(f"{API}/pending")).json()
        assert [row["name"] for row in pending["early"]] == ["Approve"]


async def test_large_payloads_are_cut_until_asked_for(serve: Serve) -> None:
    async with serve("watched") as client:
        await order(client, "large", items=["x" * 60_000])
        answer = await until(client, "instance", waits, id="large")
        scheduled = answer["events"][2]
        assert (len(scheduled["Input"]), scheduled["Cut"]) == (1_000, {"Input": 60_002})
        whole = (await client.get(f"{API}/event", params={"id": "large", "n": 2})).json()
        assert json.loads(whole["Input"]) == "x" * 60_000
        payloads = (await client.get(f"{API}/payloads", params={"id": "large"})).json()
        assert len(payloads["input"]["text"]) == 4_000
        everything = await client.get(f"{API}/payload", params={"id": "large", "name": "input"})
        assert len(everything.text) == payloads["input"]["length"]
        assert everything.headers["content-type"].startswith("text/plain")


async def test_a_rewound_history_starts_over(serve: Serve) -> None:
    async with serve("watched") as client:
        await client.post(f"{DURABLE}/orchestrators/broken/b")
        failed = await until(client, "instance", has_failed, id="b")
        await client.post(f"{DURABLE}/instances/b/rewind")
        last = failed["events"][-1]["Timestamp"]
        answer = await until(client, "instance", has_failed, id="b", after=failed["total"], last=last)
        assert answer["first"] == 0
        listed = (await client.get(f"{API}/instances", params={"status": "Failed"})).json()["instances"]
        assert "no address for nobody" in listed[0]["reason"]


async def test_entities_and_functions(serve: Serve) -> None:
    async with serve("watched") as client:
        await client.post(f"{DURABLE}/entities/stock/a%2Fb%20%25?op=take", content="7")
        listed = await until(client, "entities", lambda answer: bool(answer["entities"]), name="Stock")
        functions = {one["name"]: one for one in (await client.get(f"{API}/functions")).json()["functions"]}
    assert listed["names"] == ["stock"]
    assert [(row["key"], row["state"]) for row in listed["entities"]] == [("a/b %", '{"left": 93, "taken": 7}')]
    assert functions["order"]["url"].endswith("/api/orders/{id?}")
    assert functions["yearly"]["next"].endswith("-01-01T03:00:00.000000Z")
    assert functions["hubbed"]["unserved"]


REFUSED = [
    ("instance?id=nobody", 404, "there is no instance with the id 'nobody'"),
    ("instance", 400, "'id' is missing."),
    ("instance?id=x&after=-1", 400, "'after' must be a whole number."),
    ("instances?before=9999999999999999999", 400, "'before' must be a whole number."),
    ("instances?status=Odd", 400, "There is no status 'Odd'"),
    ("payload?id=x&name=name", 400, "'name' must be one of input, output, custom_status."),
    ("event?id=x&n=1", 404, "there is no such instance or event any more"),
]


async def test_what_cannot_be_answered_is_said_in_words(serve: Serve) -> None:
    async with serve("watched") as client:
        for query, code, words in REFUSED:
            response = await client.get(f"{API}/{query}")
            assert (query, response.status_code) == (query, code)
            assert response.json()["message"].startswith(words)


async def test_a_stopped_engine_is_said_so(serve: Serve) -> None:
    async with serve("watched") as client:
        await client.host.engine.stop()
        response = await client.get(f"{API}/counts")
    assert response.status_code == 503
    assert "engine" in response.json()["message"]
