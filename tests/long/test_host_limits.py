"""The local host with payloads as large as a request may be, and with ten thousand instances that wait. Minutes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from devhost.http.limits import DEFAULT_BODY_LIMIT
from tests.devhost.conftest import APPS
from tools.processes import Child

API = "/runtime/webhooks/durabletask"
SECONDS = 300
LARGE = DEFAULT_BODY_LIMIT - 2
"""Characters between the quotes of the largest JSON string that is let in."""
MOST_MEMORY = 16 * LARGE
INSTANCES = 10_000
WAIT = 150
"""Seconds until the first of them is due: time enough to start them all."""


class Host(Child):
    """A devhost of its own, with a client."""

    READY = "devhost ready:"
    name = "the local host"

    def __init__(self, state: Path) -> None:
        super().__init__(start_timeout=SECONDS)
        self._state = state
        self._http = httpx.Client(timeout=SECONDS, trust_env=False, headers={"Content-Type": "application/json"})

    def arguments(self) -> list[str]:
        return ["-m", "devhost", "--app", str(APPS / "large"), "--state", str(self._state), "--port", str(self.port)]

    def request(self, method: str, path: str, content: str | None = None) -> httpx.Response:
        return self._http.request(method, self.address + API + path, content=content)

    def close(self) -> None:
        self._http.close()

    def output_of(self, instance_id: str) -> Any:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            status = self.request("GET", f"/instances/{instance_id}?showInput=false").json()
            if status["runtimeStatus"] not in ("Pending", "Running"):
                return status["output"]
            time.sleep(0.1)
        raise AssertionError(f"{instance_id} has not ended")

    def most_memory(self) -> int:
        """The most bytes it ever had in memory."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path / "state.db") as host:
        yield host
        host.close()


@pytest.mark.parametrize("way", ["takes", "makes", "hears"])
def test_a_payload_of_the_greatest_size_works_within_bounded_memory(host: Host, way: str) -> None:
    large = json.dumps("x" * LARGE)
    host.request("POST", f"/orchestrators/{way}/{way}", {"takes": large, "makes": str(LARGE)}.get(way))
    if way == "hears":
        assert host.request("POST", "/instances/hears/raiseEvent/go", large).status_code == 202
    assert host.output_of(way) == LARGE
    print(f"{way}: {host.most_memory() / LARGE:.1f} times the payload in memory at most")
    assert host.most_memory() < MOST_MEMORY


def test_one_byte_more_is_refused(host: Host) -> None:
    refused = host.request("POST", "/orchestrators/takes", json.dumps("x" * (LARGE + 1)))
    assert refused.status_code == 413
    assert str(DEFAULT_BODY_LIMIT) in refused.text


def test_ten_thousand_waiting_instances(host: Host) -> None:
    begin = time.monotonic()
    due = datetime.now(UTC) + timedelta(seconds=WAIT)

    def start(number: int) -> None:
        when = json.dumps((due + timedelta(milliseconds=number)).isoformat())
        assert host.request("POST", f"/orchestrators/wakes/{number}", when).status_code == 202

    with ThreadPoolExecutor(4) as senders:
        list(senders.map(start, range(INSTANCES)))
    print(f"{INSTANCES} started in {time.monotonic() - begin:.0f} s")
    host.kill()
    begin = time.monotonic()
    host.start()
    print(f"ready again {time.monotonic() - begin:.1f} s after a kill, with {host.cpu_seconds():.1f} s of CPU")
    assert host.cpu_seconds() < 10

    before = host.cpu_seconds()
    time.sleep(5)
    idle = (host.cpu_seconds() - before) / 5
    print(f"{100 * idle:.1f} % of a core while they wait")
    assert datetime.now(UTC) < due, "too slow a machine for this"
    assert idle < 0.05

    time.sleep(max((due - datetime.now(UTC)).total_seconds(), 0))
    for number in (0, INSTANCES // 2, INSTANCES - 1):
        assert host.output_of(str(number)) == "awake"
    print(f"all awake {(datetime.now(UTC) - due).total_seconds():.1f} s after the first was due, 10 s after at best")
    waiting = host.request("GET", "/instances?runtimeStatus=Running,Pending&top=10").json()
    assert waiting == []
