"""Executions that call MCP servers, real ones: over pipes and HTTP, and with the host killed while a server works."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp.server.mcpserver import Context, MCPServer

from tests.crash.system import System, wait_until
from tests.support.mcp_server import HttpMcp

TIME = {"command": [sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC"]}


class Desk:
    """A server whose tool does something each time it is called; `during` happens before it answers."""

    def __init__(self) -> None:
        self.server = MCPServer("desk")
        self.keys: list[str] = []
        self.during: Callable[[], None] = lambda: None

        @self.server.tool()
        def refund(order: str, context: Context[Any, Any]) -> dict[str, str]:
            """Pays an order back."""
            self.keys.append(str(dict(context.request_context.meta or {})["Idempotency-Key"]))
            self.during()
            return {"refunded": order}


def environment(folder: Path, **servers: Any) -> dict[str, str]:
    (folder / "servers.yaml").write_text(yaml.safe_dump({"servers": servers}))
    return {"MCP_SERVERS_FILE": str(folder / "servers.yaml")}


def test_a_discovered_tool_is_called_by_a_workflow(tmp_path: Path) -> None:
    with System(tmp_path, latency=0, environment=environment(tmp_path, time=TIME)) as system:
        for found in system.client.tools.discover("time"):
            assert found.definition is not None
            system.client.tools.put(found.definition)
        arguments = {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "${input.zone}"}
        convert = {"id": "convert", "tool": "time-convert-time", "arguments": arguments}
        workflow = {"name": "w", "steps": [convert], "output": "${steps.convert.output.time_difference}"}
        record = system.ended(system.client.executions.start(workflow, {"zone": "Asia/Kolkata"}).id)
        assert (record.status, record.output) == ("completed", "-3.5h")


@pytest.mark.parametrize(("delivery", "calls"), [("at_most_once", 1), ("idempotent", 2)])
def test_a_kill_while_the_server_works(tmp_path: Path, delivery: str, calls: int) -> None:
    desk = Desk()
    with (
        HttpMcp(desk.server) as served,
        System(tmp_path, latency=0, environment=environment(tmp_path, desk={"url": served.url})) as system,
    ):
        call = {"server": "desk", "tool": "refund"}
        system.client.tools.put({"name": "refund", "mcp": call, "delivery": delivery})
        workflow = {"name": "w", "steps": [{"id": "pay", "tool": "refund", "arguments": {"order": "A-1"}}]}

        def die() -> None:
            if len(desk.keys) == 1:
                system.host.kill()

        desk.during = die
        id = system.client.executions.start(workflow, {}).id
        wait_until(lambda: bool(desk.keys) and not system.host.running, "the kill")
        system.host.start()
        if delivery == "at_most_once":
            wait_until(lambda: system.client.executions.get(id).status != "running" or bool(asked(system)), "its end")
        else:
            assert system.ended(id).output == {"refunded": "A-1"}
    assert len(desk.keys) == calls
    assert set(desk.keys) == {f"{id}:pay#0"}


def asked(system: System) -> list[Any]:
    """Questions to people: about a call that nobody knows the end of, for one."""
    return list(system.client.approvals.list())
