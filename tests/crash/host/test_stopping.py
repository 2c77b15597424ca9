"""The local host told to stop (SIGTERM) while it is still taking up what an earlier process left."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.crash.host.mortal import Fused
from tests.crash.host.ordeal import go_through
from tests.crash.host.stub import HttpStub

KILLED_AT = 30
"""In the middle of the work: before and after fifteen commits."""
DELAYS = [number / 50 for number in range(10)]
"""Seconds; a life of such a process is ready after about a tenth."""


class Interrupted(Fused):
    """Dies once; then it is told to stop at several moments of its start, before it may live on."""

    def __init__(self, folder: Path, stub_url: str) -> None:
        super().__init__(folder, stub_url, [KILLED_AT])
        self.exit_codes: list[int] = []

    def begin_life(self) -> str:
        if self.lives == 2:
            for delay in DELAYS:
                self.spawn()
                time.sleep(delay)  # the moment itself
                self.exit_codes.append(self.stop())
        return super().begin_life()


def test_told_to_stop_at_any_moment_of_its_start_it_stops_and_loses_nothing(tmp_path: Path) -> None:
    with HttpStub() as stub:
        host = Interrupted(tmp_path, stub.url)
        go_through(host, stub)
    print(f"exit codes: {host.exit_codes}")
    # Before it listens for the signal, that ends the process as it ends any other.
    assert set(host.exit_codes) <= {0, -signal.SIGTERM}
    assert len(host.exit_codes) == len(DELAYS)
