"""Keys: what they open, where they are kept, and how they are changed."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devhost.errors import StartupError
from devhost.keys import KeyRing, keys_file
from tests.devhost.conftest import HostClient, MakeApp, Serve

DURABLE = "/runtime/webhooks/durabletask/instances"
APP = """
import azure.durable_functions as df
app = df.DFApp()  # whose functions ask for a key unless they say otherwise

@app.route("open", auth_level=func.AuthLevel.ANONYMOUS)
def open_to_all(req: func.HttpRequest): return "open"

@app.route("usual")
def usual(req: func.HttpRequest): return f"{req.headers.get('x-functions-key')} {req.params.get('code')}"

@app.route("other")
def other(req: func.HttpRequest): return "other"

@app.route("closed", auth_level=func.AuthLevel.ADMIN)
def closed(req: func.HttpRequest): return "closed"

@app.route("start", auth_level=func.AuthLevel.ANONYMOUS)
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client):
    id = await client.start_new("nothing", "one")
    await client.raise_event(id, "heard by nobody")
    return client.create_check_status_response(req, id)

@app.orchestration_trigger(context_name="context")
def nothing(context): return (yield context.wait_for_external_event("go"))
"""


@pytest.fixture
async def guarded(serve: Serve, make_app: MakeApp) -> AsyncIterator[HostClient]:
    async with serve(make_app(APP), keys=True) as client:
        yield client


@pytest.fixture
def kept(guarded: HostClient, tmp_path: Path) -> dict[str, Any]:
    """The keys as their file has them, by the names that the table below uses; `bad` is none of them."""
    stored = json.loads(keys_file(tmp_path / "state.db").read_text())
    keys = {
        "master": stored["master"],
        "host": stored["host"]["default"],
        "own": stored["functions"]["usual"]["default"],
        "system": stored["system"]["durabletask_extension"],
        "bad": "guess",
        "none": "",
    }
    assert len(set(keys.values())) == len(keys)
    return keys


OPENED_BY = {
    "/api/open": {"master", "host", "own", "system", "bad", "none"},
    "/api/usual": {"master", "host", "own"},
    "/api/other": {"master", "host"},
    "/api/closed": {"master"},
    DURABLE: {"master", "system"},
    "/runtime/webhooks/other": {"master"},
    "/admin/functions": {"master"},
    "/admin/host/keys": {"master"},
    "/admin/host/ping": {"master", "host", "own", "system", "bad", "none"},
    "/devhost": {"master", "host", "own", "system", "bad", "none"},
    "/devhost/static/main.js": {"master", "host", "own", "system", "bad", "none"},
    "/devhost/api/counts": {"master"},
}


async def test_which_key_opens_what(guarded: HostClient, kept: dict[str, str]) -> None:
    opened: dict[str, set[str]] = {path: set() for path in OPENED_BY}
    for path in OPENED_BY:
        for name, key in kept.items():
            by_header = await guarded.get(path, headers={"x-functions-key": key} if key else {})
            by_query = await guarded.get(path, params={"code": key} if key else {})
            assert (by_header.status_code == 401) == (by_query.status_code == 401)
            opened[path] |= {name} if by_header.status_code != 401 else set()
    assert opened == OPENED_BY


async def test_the_header_wins_and_the_function_sees_both(guarded: HostClient, kept: dict[str, str]) -> None:
    good, query = {"x-functions-key": kept["own"]}, {"code": "guess"}
    assert (await guarded.get("/api/usual", params=query, headers=good)).text == f"{kept['own']} guess"
    assert (
        await guarded.get("/api/usual", params={"code": kept["own"]}, headers={"x-functions-key": ""})
    ).status_code == 401
    assert (await guarded.get("/api/unknown")).status_code == 404


async def test_the_urls_an_app_hands_out_carry_their_key_and_the_app_needs_none(
    guarded: HostClient, kept: dict[str, str]
) -> None:
    urls = (await guarded.get("/api/start")).json()
    assert f"code={kept['system']}" in urls["statusQueryGetUri"]
    assert (await guarded.get(urls["statusQueryGetUri"])).json()["name"] == "nothing"
    assert (await guarded.get(f"{DURABLE}/one")).status_code == 401


async def test_keys_are_listed_set_and_removed(guarded: HostClient, kept: dict[str, str]) -> None:
    guarded.headers["x-functions-key"] = kept["master"]
    listed = (await guarded.get("/admin/functions/USUAL/keys")).json()
    made = await guarded.post("/admin/functions/usual/keys/friend")
    given = await guarded.put("/admin/host/keys/friend", json={"value": "given"})
    again = await guarded.put("/admin/host/functionkeys/friend", json={"value": "given again"})
    master = (await guarded.get("/admin/host/systemkeys/_master")).json()
    assert listed == {"keys": [{"name": "default", "value": kept["own"]}]}
    assert (made.status_code, given.status_code, again.status_code) == (201, 201, 200)
    assert (await guarded.get("/admin/host/keys")).json()["keys"][1] == {"name": "friend", "value": "given again"}
    assert master == {"name": "_master", "value": kept["master"]}
    assert [key["name"] for key in (await guarded.get("/admin/host/systemkeys")).json()["keys"]] == [
        "durabletask_extension",
        "signalr_extension",
    ]
    guarded.headers["x-functions-key"] = made.json()["value"]
    assert (await guarded.get("/api/usual")).status_code == 200
    guarded.headers["x-functions-key"] = kept["master"]
    assert (await guarded.delete("/admin/functions/usual/keys/friend")).status_code == 204
    guarded.headers["x-functions-key"] = made.json()["value"]
    assert (await guarded.get("/api/usual")).status_code == 401


async def test_keys_that_cannot_be_had(guarded: HostClient, kept: dict[str, str]) -> None:
    refused = {
        "GET /admin/functions/unknown/keys": 404,
        "GET /admin/host/keys/unknown": 404,
        "POST /admin/functions/unknown/keys/x": 404,
        "DELETE /admin/functions/usual/keys/unknown": 404,
        "DELETE /admin/host/keys/_master": 400,
        "PUT /admin/host/keys/x": 400,
    }
    answers = {
        request: (await guarded.request(*request.split(), headers={"x-functions-key": kept["master"]})).status_code
        for request in refused
    }
    assert answers == refused


def test_keys_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    file = keys_file(tmp_path / "new" / "state.db")
    first = KeyRing(file, ["one"], ["durabletask"])
    second = KeyRing(file, ["one", "Two"], ["durabletask"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.of_function("ONE") == second.of_function("one")
    assert first.of_system() == second.of_system()
    assert second.of_function("two") != first.of_function("one")
    file.write_text("{")
    with pytest.raises(StartupError, match=r"cannot be read; remove the file"):
        KeyRing(file, [], [])


async def test_without_keys_nothing_is_asked_for_or_kept(serve: Serve, make_app: MakeApp, tmp_path: Path) -> None:
    async with serve(make_app(APP)) as client:
        assert (await client.get("/api/closed")).status_code == 200
        assert "code=devhost" in (await client.get("/api/start")).json()["statusQueryGetUri"]
        assert (await client.get("/admin/host/keys")).status_code == 404
    assert not keys_file(tmp_path / "state.db").exists()
