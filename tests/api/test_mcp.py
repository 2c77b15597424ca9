"""The MCP servers of the deployment over HTTP: listed, asked, imported, called; each tenant sees its own."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import yaml
from mcp_server_time.server import create_server

from services.settings import Settings
from services.tools.client import ToolClient
from services.wiring import Services, use
from tests.api.conftest import problem
from tests.support.mcp_server import HttpMcp


@pytest.fixture
async def time_server(services: Services, tmp_path: Path) -> AsyncIterator[None]:
    with HttpMcp(create_server("UTC")) as served:
        servers = {
            "time": {"url": served.url, "tenants": ["one"]},
            "gone": {"url": "http://127.0.0.1:1/mcp"},
        }
        file = tmp_path / "servers.yaml"
        file.write_text(yaml.safe_dump({"servers": servers}))
        tools = ToolClient(Settings.from_environment({"MCP_SERVERS_FILE": str(file)}))
        use(dataclasses.replace(services, tools=tools))
        yield
        await tools.close()


async def test_from_discovery_to_a_call(api: httpx.AsyncClient, time_server: None) -> None:
    listed = (await api.get("/api/mcp")).json()["items"]
    assert listed == [{"name": "gone", "transport": "http"}, {"name": "time", "transport": "http"}]
    items = (await api.get("/api/mcp/time/tools")).json()["items"]
    assert {item["tool"] for item in items} == {"get_current_time", "convert_time"}
    for item in items:
        kept = await api.put(f"/api/tools/{item['definition']['name']}", json=item["definition"])
        assert kept.status_code == 201
        assert kept.json()["definition"] == item["definition"]
    called = await api.post("/api/tools/time-get-current-time/call", json={"arguments": {"timezone": "Asia/Tokyo"}})
    assert called.json()["error"] is None
    assert called.json()["result"]["timezone"] == "Asia/Tokyo"


async def test_who_sees_what(api: httpx.AsyncClient, time_server: None) -> None:
    two = {"Authorization": "Bearer two"}
    assert [item["name"] for item in (await api.get("/api/mcp", headers=two)).json()["items"]] == ["gone"]
    problem(await api.get("/api/mcp/time/tools", headers=two), 404, "not_found")
    problem(await api.get("/api/mcp/nope/tools"), 404, "not_found")
    problem(await api.get("/api/mcp/time/tools", headers={"Authorization": "Bearer reader"}), 403, "forbidden")


async def test_a_server_that_is_away(api: httpx.AsyncClient, time_server: None) -> None:
    problem(await api.get("/api/mcp/gone/tools"), 503, "platform_failed")


async def test_without_servers(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/mcp")).json() == {"items": []}
