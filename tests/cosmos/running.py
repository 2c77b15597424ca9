"""The server, run for tests in a process of its own."""

from __future__ import annotations

import ssl
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.cosmos import KEY
from tests.cosmos.account import STRONG

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cosmos:
    """A server that runs. `ca_file`: of the authority that a client over TLS is to trust."""

    url: str
    ca_file: Path | None
    _control: httpx.Client
    key: str = KEY

    def fail(self, kind: str, **fault: Any) -> None:
        """Arm a `tests.cosmos.faults.Fault`: `fail("status", operation="ReadItem", status=429, retry_after_ms=1)`."""
        self._ask("POST", "faults", {"kind": kind, **fault})

    def heal(self) -> None:
        """No faults any more; requests that were delayed go on, and are done when this returns."""
        self._ask("DELETE", "faults")

    def faults(self) -> list[dict[str, Any]]:
        """Those that are armed, each with how many requests that fit it were `seen`."""
        found: list[dict[str, Any]] = self._ask("GET", "faults")
        return found

    def requests(self, operation: str | None = None) -> list[dict[str, Any]]:
        """What was asked since the last `forget`: operation, method, path, partition, status, charge, fault."""
        found: list[dict[str, Any]] = self._ask("GET", "requests")
        return [one for one in found if operation in (None, one["operation"])]

    def forget(self) -> None:
        """The requests up to now."""
        self._ask("DELETE", "requests")

    def charge(self) -> float:
        """Request units of all that was asked since the last `forget`."""
        return sum(float(one["charge"]) for one in self.requests())

    def advance(self, seconds: float) -> None:
        """Move the server's clock."""
        self._ask("POST", "clock", {"advance": seconds})

    def say_regions(self, readable: dict[str, str], writable: dict[str, str]) -> None:
        """Names of the account's regions, and the address of each."""
        self._ask("POST", "regions", {"readable": [*readable.items()], "writable": [*writable.items()]})

    def reset(self) -> None:
        """No databases, no faults, no records."""
        self._ask("POST", "reset")

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        answer = self._control.request(method, f"/_control/{what}", json=body)
        answer.raise_for_status()
        return answer.json()


def fresh(kind: str = "db") -> str:
    """A name for a database or a container that nobody else has."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


@contextmanager
def start(*, tls: bool = False, consistency: str = STRONG) -> Iterator[Cosmos]:
    """Run one until the block is left."""
    with TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem" if tls else None
        options = ["--consistency", consistency, *(["--tls", "--ca-file", str(ca_file)] if tls else [])]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cosmos", "--port", "0", *options], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            yield from _ready(process, ca_file)
        finally:
            process.kill()  # it has nothing to save
            process.communicate()


def _ready(process: subprocess.Popen[str], ca_file: Path | None) -> Iterator[Cosmos]:
    assert process.stdout is not None
    said, _, url = process.stdout.readline().strip().partition(" ")
    if said != "READY":
        raise RuntimeError("The server of tests.cosmos did not start: what it says stands above.")
    trusted = ssl.create_default_context(cafile=ca_file)
    with httpx.Client(base_url=url, verify=trusted, trust_env=False) as control:
        yield Cosmos(url, ca_file, control)
