"""The SignalR bindings beside the emulated service: settings, keys, and services elsewhere."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from azure.functions.meta import Datum

from devhost.expressions import BindingData
from devhost.functions import Binding
from devhost.signalr.bindings import SignalRBindings
from devhost.signalr.endpoint import SETTING, Endpoint, TokenRefused, emulated_endpoint
from devhost.signalr.service import Service
from tests.devhost.conftest import MakeApp, Serve
from tests.devhost.signalr.conftest import Emulator, frame

HERE = Endpoint("http://127.0.0.1:1", "h" * 40)
OUTPUT = Binding("signal", "signalR", "out", {"hubName": "chat"})


def info_binding(**properties: str) -> Binding:
    return Binding("info", "signalRConnectionInfo", "in", {"hubName": "Chat", **properties})


def bindings(endpoint: Endpoint, setting: str = SETTING) -> SignalRBindings:
    return SignalRBindings(HERE, Service(), {setting: endpoint.connection_string})


def test_the_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first = emulated_endpoint("http://127.0.0.1:1", tmp_path / "new" / "state.db")
    second = emulated_endpoint("http://127.0.0.1:1", tmp_path / "new" / "state.db")
    assert first == second
    (key_file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    token = first.mint("somewhere", {"nameid": "ann"})
    assert second.check(token, "somewhere")["nameid"] == "ann"
    with pytest.raises(TokenRefused):
        second.check(token, "elsewhere")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("Endpoint=https://x.test;AccessKey=abc=;Version=1.0;", "https://x.test"),
        ("endpoint=http://localhost/; accesskey=abc=; port=8080", "http://localhost:8080"),
    ],
)
def test_connection_strings(text: str, url: str) -> None:
    assert Endpoint.parse(text) == Endpoint(url, "abc=")


async def test_connection_info_names_the_user_and_the_service_of_its_setting() -> None:
    elsewhere = Endpoint("https://x.test", "e" * 40)
    data = BindingData(headers={"x-user": "ann"})
    made = await bindings(elsewhere, "Other").connection_info(
        info_binding(userId="{headers.x-user}", connectionStringSetting="Other"), data
    )
    info = json.loads(made)
    assert info["url"] == "https://x.test/client/?hub=chat"
    assert elsewhere.check(info["accessToken"], info["url"])["nameid"] == "ann"
    anonymous = json.loads(await bindings(HERE).connection_info(info_binding(), data))
    assert "nameid" not in HERE.check(anonymous["accessToken"], anonymous["url"])


async def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ValueError, match="the app setting 'Other' of the binding 'info'"):
        await bindings(HERE).connection_info(info_binding(connectionStringSetting="Other"), BindingData())


async def test_another_service_is_reached_over_rest(emulator: Emulator) -> None:
    items = [
        {"action": "add", "groupName": "a/b", "userId": "ann"},
        {"target": "m", "arguments": [1], "groupName": "a/b"},
        {"target": "m", "arguments": [2], "userId": "ann"},
        {"action": "remove", "groupName": "a/b", "userId": "ann"},
        {"target": "m", "arguments": ["unseen"], "groupName": "a/b"},
        {"action": "removeAll", "userId": "ann"},
        {"target": "m", "arguments": [3]},
    ]
    async with emulator.client() as socket:
        (connection,) = emulator.service.connections("chat")
        items.insert(0, {"target": "m", "arguments": [0], "connectionId": connection.id})
        items.insert(0, {"action": "add", "groupName": "c", "connectionId": connection.id})
        await bindings(emulator.endpoint).send(OUTPUT, Datum(json.dumps(items), "json"), BindingData())
        assert connection.groups == set()  # removing the user from all took it out of its own, too
        assert [(await frame(socket))["arguments"] for _ in range(4)] == [[0], [1], [2], [3]]


async def test_the_message_of_a_streaming_function_leaves_before_its_stream_ends(serve: Serve) -> None:
    async with serve("streaming") as http:
        connection = http.host.signalr.connect("chat", "ann", None)
        async with http.stream("GET", "/api/pushed") as response, asyncio.timeout(10):
            assert await anext(response.aiter_raw()) == b"data: open\n\n"
            assert '"target":"opened"' in str(await connection.outgoing.get())
            await http.post("/api/next")


async def test_an_apps_own_setting_is_left_alone(
    serve: Serve, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, HERE.connection_string)
    app = make_app(
        "app = func.FunctionApp()\n"
        "@app.route('negotiate')\n"
        "@app.generic_input_binding(arg_name='info', type='signalRConnectionInfo', hubName='chat')\n"
        "def negotiate(req: func.HttpRequest, info: str): return info\n"
    )
    async with serve(app) as http:
        info = (await http.get("/api/negotiate")).json()
    assert info["url"] == "http://127.0.0.1:1/client/?hub=chat"
