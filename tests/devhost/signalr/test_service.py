"""The emulated service on the wire: tokens, negotiation, the hub protocol and the REST API."""

from __future__ import annotations

import asyncio
import time

import jwt
import pytest
import websockets

from devhost.signalr.endpoint import Endpoint
from devhost.signalr.messages import Message
from devhost.signalr.service import BACKLOG
from tests.devhost.signalr.conftest import KEY, Emulator, frame


async def test_negotiation_of_both_versions(emulator: Emulator) -> None:
    first, second = await emulator.negotiate(emulator.token()), await emulator.negotiate(emulator.token(), "hub=chat")
    assert first.json()["negotiateVersion"] == 1
    assert first.json()["connectionToken"] != first.json()["connectionId"]
    assert "connectionToken" not in second.json()
    assert first.json()["availableTransports"] == [{"transport": "WebSockets", "transferFormats": ["Text"]}]


async def test_a_negotiated_connection_keeps_its_id(emulator: Emulator) -> None:
    promised = (await emulator.negotiate(emulator.token())).json()
    async with emulator.client(query=f"hub=chat&id={promised['connectionToken']}"):
        found = emulator.service.find("CHAT", promised["connectionId"])
        assert found is not None
        assert found.user == "ann"
    async with emulator.client("bob", query=f"hub=chat&id={promised['connectionToken']}"):  # used up, and another's
        assert emulator.service.find("chat", promised["connectionId"]) is None


@pytest.mark.parametrize("bad", ["expired", "other hub", "other key", "no token"])
async def test_bad_tokens_are_refused(emulator: Emulator, bad: str) -> None:
    audience = emulator.endpoint.client_url("chat")
    token = {
        "expired": jwt.encode({"aud": audience, "exp": int(time.time()) - 1}, KEY, "HS256"),
        "other hub": emulator.token("other"),
        "other key": Endpoint(emulator.endpoint.url, "x" * 40).mint(audience),
        "no token": "",
    }[bad]
    assert (await emulator.negotiate(token)).status_code == 401
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with emulator.socket(token):
            pass
    assert refused.value.response.status_code == 403


async def test_pages_of_any_origin_may_negotiate(emulator: Emulator) -> None:
    headers = {
        "origin": "http://page.test",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-requested-with,x-signalr-user-agent",
    }
    preflight = await emulator.http.options("/client/negotiate?hub=chat", headers=headers)
    actual = await emulator.http.post("/client/negotiate?hub=chat", headers={"origin": "http://page.test"})
    assert preflight.status_code == 200
    for response in (preflight, actual):
        assert response.headers["access-control-allow-origin"] == "http://page.test"
        assert response.headers["access-control-allow-credentials"] == "true"


async def test_an_unknown_protocol_is_answered_and_closed(emulator: Emulator) -> None:
    async with emulator.socket(emulator.token()) as socket:
        await socket.send('{"protocol":"messagepack","version":1}\x1e')
        assert "only 'json'" in (await frame(socket))["error"]
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


@pytest.mark.parametrize("sent", ["nonsense\x1e", "5\x1e"])
async def test_nonsense_closes_the_connection(emulator: Emulator, sent: str) -> None:
    async with emulator.client() as socket:
        await socket.send(sent)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


async def test_binary_messages_are_read_too(emulator: Emulator) -> None:
    async with emulator.client() as socket:
        await socket.send(b'{"type":1,"target":"m","arguments":[],"invocationId":"7"}\x1e')
        answer = await frame(socket)
    assert (answer["type"], answer["invocationId"]) == (3, "7")


@pytest.mark.parametrize("emulator", [0.05], indirect=True)
async def test_pings_come_while_nothing_else_does(emulator: Emulator) -> None:
    async with emulator.client() as socket:
        assert [await frame(socket), await frame(socket)] == [{"type": 6}, {"type": 6}]


async def test_a_client_that_does_not_read_is_dropped(emulator: Emulator) -> None:
    async with emulator.client() as socket:
        for _ in range(BACKLOG + 1):  # nothing runs in between, so none of them leaves
            emulator.service.send("chat", Message(target="m", arguments=[]))
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        while emulator.service.has_user("chat", "ann"):  # noqa: ASYNC110 - the service tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("base", ["/api/hubs/chat", "/api/v1/hubs/chat"])
async def test_rest_sends_to_every_scope(emulator: Emulator, base: str) -> None:
    send = "" if "v1" in base else "/:send"
    promised = (await emulator.negotiate(emulator.token())).json()
    async with (
        emulator.client("ann", f"hub=chat&id={promised['connectionToken']}") as ann,
        emulator.client("bob") as bob,
    ):
        ann_id = promised["connectionId"]
        assert (await emulator.rest("PUT", f"{base}/groups/g/connections/{ann_id}")).status_code == 200
        sends = [
            (f"{base}{send}", "all"),
            (f"{base}{send}?excluded={ann_id}", "not ann"),
            (f"{base}/users/bob{send}", "bob"),
            (f"{base}/groups/g{send}", "group"),
            (f"{base}/connections/{ann_id}{send}", "connection"),
        ]
        for path, word in sends:
            assert (await emulator.rest("POST", path, {"target": "m", "arguments": [word]})).status_code == 202
        ann_got = [(await frame(ann))["arguments"] for _ in range(3)]
        bob_got = [(await frame(bob))["arguments"] for _ in range(3)]
    assert ann_got == [["all"], ["group"], ["connection"]]
    assert bob_got == [["all"], ["not ann"], ["bob"]]


async def test_rest_changes_groups_and_tells_what_exists(emulator: Emulator) -> None:
    base = "/api/hubs/chat"

    async def status(method: str, path: str) -> int:
        return (await emulator.rest(method, f"{base}{path}")).status_code

    assert await status("PUT", "/users/ann/groups/early") == 202
    async with emulator.client() as socket:
        (connection,) = emulator.service.connections("chat")
        assert await status("HEAD", "/groups/early") == 200  # joined before the user connected
        assert await status("HEAD", "/users/ann") == 200
        assert await status("HEAD", "/users/bob") == 404
        assert await status("HEAD", f"/connections/{connection.id}") == 200
        assert await status("PUT", "/groups/g/connections/none") == 404
        assert await status("PUT", f"/groups/g/connections/{connection.id}") == 200
        assert await status("DELETE", f"/groups/g/connections/{connection.id}") == 200
        assert await status("HEAD", "/groups/g") == 404
        assert await status("DELETE", "/users/ann/groups") == 202
        assert await status("HEAD", "/groups/early") == 404
        assert await status("DELETE", f"/connections/{connection.id}?reason=enough") == 202
        assert await frame(socket) == {"type": 7, "error": "enough", "allowReconnect": False}
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


async def test_rest_refuses_bad_tokens_and_bodies(emulator: Emulator) -> None:
    path = "/api/hubs/chat/:send"
    foreign = await emulator.rest("POST", path, {"target": "m", "arguments": []}, audience=emulator.endpoint.url)
    wrong = await emulator.rest("POST", path, {"arguments": []})
    assert (foreign.status_code, wrong.status_code) == (401, 400)
