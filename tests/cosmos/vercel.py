"""`@vercel/cosmosdb-server`: another server of the protocol, by other people, to compare ours with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "js" / "node_modules" / "@vercel" / "cosmosdb-server" / "lib" / "cli.js"
READY = "Ready to accept HTTP connections at "


@contextmanager
def start() -> Iterator[str]:
    """Run it until the block is left; its address."""
    assert PROGRAM.exists(), "run 'make setup-tests' first"
    command = ["node", str(PROGRAM), "-p", "0", "--host", "127.0.0.1", "--no-ssl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            assert said.startswith(READY), said
            yield f"http://{said.removeprefix(READY)}"
        finally:
            process.terminate()
