"""`signalRTrigger`: what the stock client does arrives at functions, and what they return goes back to it."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
import websockets

from devhost.functions import SIGNALR_TRIGGER, Binding, Function
from devhost.signalr.endpoint import SETTING, Endpoint
from devhost.signalr.trigger import mark_conflicting_events
from tests.devhost.conftest import HostClient, MakeApp, Serve
from tests.devhost.signalr.test_stock_client import connected

APP = """
import asyncio, json
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
heard = asyncio.Queue()

def hub(event, category="messages", **more):
    return app.generic_trigger(
        arg_name="invocation", type="signalRTrigger", hubName="Chat", category=category, event=event, **more
    )

@app.route("negotiate")
@app.generic_input_binding(
    arg_name="info", type="signalRConnectionInfo", hubName="chat", userId="{headers.x-user-id}",
    idToken="{headers.x-token}", claimTypeList=["role", "iat"],
)
def negotiate(req: func.HttpRequest, info: str): return info

@app.route("heard")
async def next_heard(req: func.HttpRequest): return json.dumps(await heard.get())

@hub("connected", "connections")
async def on_connected(invocation): await heard.put(json.loads(invocation))

@hub("disconnected", "Connections")
async def on_disconnected(invocation): await heard.put(json.loads(invocation))

@hub("told", parameterNames=["text", "number"])
async def on_told(invocation: str): await heard.put(json.loads(invocation))

@hub("Add")
def add(invocation): return sum(json.loads(invocation)["Arguments"])

@hub("describe")
async def describe(invocation): return {"text": "as it is", "list": [1.5, None]}

@hub("nothing")
def nothing(invocation): ...

@hub("fail")
def fail(invocation): raise ValueError("it was told to")

@hub("strange")
def strange(invocation): return object()

@hub("announce", parameterNames=["group"])
@app.generic_output_binding(arg_name="$return", type="signalR", hubName="chat")
def announce(invocation):
    sent = json.loads(invocation)
    return json.dumps({"target": "m", "arguments": [sent["UserId"]], "connectionId": sent["ConnectionId"]})
"""


@pytest.fixture
async def host(serve: Serve, make_app: MakeApp) -> AsyncIterator[HostClient]:
    async with serve(make_app(APP)) as client:
        yield client


async def heard(http: HostClient) -> dict[str, Any]:
    async with asyncio.timeout(20):
        return dict((await http.get("/api/heard")).json())


async def test_a_client_comes_says_something_and_goes(host: HostClient) -> None:
    async with connected(host, "ann", "m") as (ann, connection_id):
        came = await heard(host)
        await ann.do("send", method="TOLD", args=["a", {"n": 1.50}])
        said = await heard(host)
        await ann.do("stop")
        await ann.next("closed")
        went = await heard(host)
    headers = {"X-ASRS-Connection-Id": connection_id, "X-ASRS-Hub": "chat", "X-ASRS-User-Id": "ann"}
    for seen, category, event in (
        (came, "connections", "connected"),
        (said, "messages", "TOLD"),
        (went, "connections", "disconnected"),
    ):
        assert list(seen) == [
            *("Arguments", "Error", "Category", "Event", "Hub"),
            *("ConnectionId", "UserId", "Headers", "Query", "Claims"),
        ]
        assert (seen["Hub"], seen["Category"], seen["Event"]) == ("chat", category, event)
        assert (seen["ConnectionId"], seen["UserId"]) == (connection_id, "ann")
        assert seen["Headers"].items() >= {**headers, "X-ASRS-Category": category, "X-ASRS-Event": event}.items()
        assert seen["Query"] == {"hub": "chat"}  # what let it in is kept from the function
        assert seen["Claims"] == {"nameid": "ann"}
    assert [came["Arguments"], said["Arguments"], went["Arguments"]] == [None, ["a", {"n": 1.5}], None]
    assert [came["Error"], said["Error"], went["Error"]] == [None, None, ""]


async def test_what_functions_return_goes_back_to_who_invoked_them(
    host: HostClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(host, "ann", "m") as (ann, _):
        for method, args, result in (
            ("add", [1, 2.5], 3.5),
            ("describe", [], {"text": "as it is", "list": [1.5, None]}),
            ("nothing", [], None),
            ("announce", ["g"], None),  # what it returned is a message
        ):
            await ann.do("invoke", method=method, args=args)
            if method == "announce":
                assert (await ann.next("message"))["args"] == ["ann"]
            assert (await ann.next("returned")).get("result") == result
        for method, args, error in (
            ("fail", [], "ValueError: it was told to"),
            ("strange", [], "TypeError: a signalRTrigger function returns"),
            ("told", ["one"], "ValueError: the function takes 2 arguments, but 1 were sent"),
            ("unknown", [], "no upstream serves it"),
        ):
            await ann.do("invoke", method=method, args=args)
            assert error in (await ann.next("refused"))["error"]
        await ann.do("send", method="unknown", args=[])
        await ann.do("invoke", method="add", args=[1])
        assert (await ann.next("returned"))["result"] == 1
    assert "fail  fail of ann" in caplog.text


async def test_claims_of_the_callers_own_token_reach_the_function(host: HostClient) -> None:
    token = jwt.encode({"role": ["editor", "reader"], "iat": 5, "secret": "kept"}, "k" * 40, "HS256")
    info = (await host.get("/api/negotiate", headers={"x-user-id": "ann", "x-token": token})).json()
    claims = jwt.decode(info["accessToken"], options={"verify_signature": False})
    bad = await host.get("/api/negotiate", headers={"x-token": "nonsense"})
    assert (claims["role"], claims["asrs.u.iat"], "secret" in claims) == (["editor", "reader"], 5, False)
    assert bad.status_code == 500
    url = f"{info['url'].replace('http', 'ws')}&access_token={info['accessToken']}"
    async with websockets.connect(url, proxy=None) as socket:
        await socket.send('{"protocol":"json","version":1}\x1e{"type":1,"target":"told","arguments":["",1]}\x1e')
        assert (await heard(host))["Claims"] == {"role": "editor", "iat": "5", "nameid": "ann"}


async def test_one_fires_by_hand(host: HostClient) -> None:
    response = await host.post("/admin/functions/on_told", json={"input": {"Arguments": ["by hand"]}})
    assert response.status_code == 202
    assert await heard(host) == {"Arguments": ["by hand"]}


async def test_a_service_elsewhere_calls_the_webhook(host: HostClient) -> None:
    key = Endpoint.parse(os.environ[SETTING]).access_key
    headers = {
        "content-type": "application/json",
        "x-asrs-hub": "chat",
        "x-asrs-category": "messages",
        "x-asrs-event": "told",
        "x-asrs-connection-id": "c1",
        "x-asrs-user-id": "ann",
        "x-asrs-user-claims": "role: editor, role: reader",
        "x-asrs-client-query": "?hub=chat&a=1",
        "x-asrs-signature": f"sha256=00,sha256={hmac.new(key.encode(), b'c1', 'sha256').hexdigest().upper()}",
    }

    async def receive(body: str, **others: str) -> httpx.Response:
        sent = {**headers, **{f"x-asrs-{name}": value for name, value in others.items()}}
        return await host.post("/runtime/webhooks/signalr", content=f"{body}\x1e", headers=sent)

    told = await receive('{"type":1,"target":"told","arguments":["a",1]}')
    seen = await heard(host)
    added = await receive('{"type":1,"target":"add","arguments":[1,2],"invocationId":"7"}', event="add")
    failed = await receive('{"type":1,"target":"fail","arguments":[],"invocationId":"8"}', event="fail")
    gone = await receive('{"type":11,"error":"lost"}', category="connections", event="disconnected")
    lost = await heard(host)
    assert (told.status_code, gone.status_code) == (200, 200)
    assert (seen["Arguments"], seen["Claims"], seen["Query"]) == (
        ["a", 1],
        {"role": "editor"},
        {"hub": "chat", "a": "1"},
    )
    assert (seen["ConnectionId"], seen["Headers"]["x-asrs-user-id"]) == ("c1", "ann")
    assert (lost["Event"], lost["Error"]) == ("disconnected", "lost")
    assert added.text == '{"type":3,"invocationId":"7","result":3}\x1e'
    assert "ValueError: it was told to" in failed.text
    refused = [
        await receive('{"type":1,"target":"told","arguments":["a",1]}', signature="sha256=00"),
        await receive('{"type":1,"target":"unknown","arguments":[]}', event="unknown"),
        await receive('{"type":1,"target":"other","arguments":[]}'),
        await receive("nonsense"),
        await host.post("/runtime/webhooks/signalr", content=b"\x93"),
    ]
    assert [response.status_code for response in refused] == [401, 404, 400, 400, 415]


def function(name: str, category: str, event: str, hub: str = "chat") -> Function:
    properties = {"hubName": hub, "category": category, "event": event}
    return Function(name, lambda: None, Binding("invocation", SIGNALR_TRIGGER, "in", dict(properties)))


def test_triggers_that_can_never_fire_are_told() -> None:
    marked = mark_conflicting_events(
        [
            function("a", "messages", "x"),
            function("b", "Messages", "X"),
            function("c", "messages", "x", "other"),
            function("d", "connections", "reconnected"),
            function("e", "mesages", "x"),
        ]
    )
    assert {function.name: function.unserved for function in marked if function.unserved} == {
        "b": "the function 'a' has the same hub, category and event",
        "d": "a hub's connections have no event 'reconnected', only connected and disconnected",
        "e": "the category of its signalRTrigger is 'mesages', not messages or connections",
    }
