"""Keeping data as in Azure on a laptop, as docs/develop.md says, but for the ports, the folder and the model."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx

from tests.cosmos import KEY
from tests.docs.test_commands import ROOT
from tests.support.azurite import connection_string

PORTS = ("APP", "COSMOS", "BLOB", "QUEUE", "TABLE")


def free() -> dict[str, int]:
    probes = {name: socket.create_server(("127.0.0.1", 0)) for name in PORTS}
    ports = {name: int(probe.getsockname()[1]) for name, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    return ports


def commands(folder: Path, ports: dict[str, int]) -> str:
    chapter = (ROOT / "docs" / "develop.md").read_text().partition("## With data kept as in Azure\n")[2]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", chapter.partition("\n## ")[0], re.DOTALL | re.MULTILINE)
    others = {
        "make setup-tests": "true",
        "--silent": f"--silent --blobPort {ports['BLOB']} --queuePort {ports['QUEUE']} --tablePort {ports['TABLE']}",
        "8081": str(ports["COSMOS"]),
        "UseDevelopmentStorage=true": f"'{connection_string(ports['BLOB'], ports['QUEUE'])}'",
        ".local": str(folder),
        "make start": ".venv/bin/python -m tools.start",
    }
    for written, here in others.items():
        assert written in block
        block = block.replace(written, here)
    return str(block)


def test_it_runs_as_written(tmp_path: Path) -> None:
    ports = free()
    model = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "none", "MODEL_NAME": "none"}
    shell = subprocess.Popen(
        ["bash", "-ec", commands(tmp_path, ports)],
        cwd=ROOT,
        env={**os.environ, **model, "PORT": str(ports["APP"])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert shell.stdout is not None
        said = []
        for line in shell.stdout:
            said.append(line)
            if line.startswith("Ctrl-C stops"):
                break
        assert said[-1].startswith("Ctrl-C stops"), "".join(said)
        token = (tmp_path / "as-in-azure" / "token").read_text()
        url = f"http://127.0.0.1:{ports['APP']}/api/health?deep=true"
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30) as client:
            looked = client.get(url)
        asked = httpx.get(f"http://127.0.0.1:{ports['COSMOS']}/_control/requests", trust_env=False).json()
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.communicate()
    assert looked.json().get("checks", {}).keys() == {"documents", "artifacts"}, looked.text
    assert {"Batch", "ReadItem"} & {one["operation"] for one in asked}
    assert not (tmp_path / "as-in-azure" / "documents.db").exists()
    assert KEY not in "".join(said)
