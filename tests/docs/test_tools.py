"""The commands of docs/tools.md do what is said, on a fresh app with a real MCP server, as they are written."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import yaml

from tests.crash.system import TOKEN, System
from tests.docs.test_commands import ROOT, said

GUIDE = (ROOT / "docs" / "tools.md").read_text("utf-8")


def test_its_commands_run_as_written(tmp_path: Path) -> None:
    [declared] = re.findall(r"^```text\n(servers:.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    servers = yaml.safe_load(declared)
    servers["servers"]["time"]["command"][0] = sys.executable
    (tmp_path / "servers.yaml").write_text(yaml.safe_dump(servers))
    shutil.copy(ROOT / "tests" / "domain" / "openapi" / "petstore.yaml", tmp_path / "openapi.yaml")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {"TOOL_MODULES": "examples.tools.orders", "MCP_SERVERS_FILE": str(tmp_path / "servers.yaml")}
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    # Tools are there before they are tried, wherever the page tells of that.
    lines = sorted("".join(blocks).splitlines(), key=lambda line: line.startswith("meta-agents tool c"))
    with System(tmp_path, latency=0, environment=environment) as system:
        here = {"META_AGENTS_URL": system.host.address, "META_AGENTS_TOKEN": TOKEN}
        told = {line: said(line, tmp_path, here) for line in lines}
    assert (
        "X-Pet-Key:\n      secret: PET_KEY" in told["meta-agents tool import openapi.yaml --operation listPets --show"]
    )
    assert (
        "created    tool      list-pets" in told["meta-agents tool import openapi.yaml --all --secret petKey=PETS_KEY"]
    )
    assert "time  stdio" in told["meta-agents tool discover"]
    assert "name: time-convert-time" in told["meta-agents tool discover time"]
    assert "desk lamp" in told['meta-agents tool call find-order --args \'{"number": "A-1002"}\'']
    assert "ok       time-get-current-time" in told["meta-agents tool check"]
    assert "0 with mistakes" in told["meta-agents tool check"]
    assert "ok       find-order  version 1, 1 example" in told["meta-agents tool check find-order --call"]
