"""A real Azurite as a child process."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "js" / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
ACCOUNT = "devstoreaccount1"

# Everybody's key: that of the one account every Azurite has.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_LISTENING = re.compile(r"(Blob|Queue|Table) service is successfully listening at https?://127\.0\.0\.1:(\d+)")
_SECONDS = 30


@dataclass(frozen=True)
class Azurite:
    """Where one listens."""

    blob_port: int
    queue_port: int

    @property
    def connection(self) -> str:
        return connection_string(self.blob_port, self.queue_port)


def connection_string(blob_port: int, queue_port: int) -> str:
    """That of the account behind these ports, which may be others that lead to Azurite's."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{blob_port}/{ACCOUNT};"
        f"QueueEndpoint=http://127.0.0.1:{queue_port}/{ACCOUNT};"
    )


@contextmanager
def running(blob_port: int = 0, queue_port: int = 0, tls: tuple[Path, Path] | None = None) -> Iterator[Azurite]:
    """One that keeps everything in memory. `tls`, a certificate and its key: over https, and tokens are taken too."""
    assert PROGRAM.exists(), "run 'make setup-tests' first"
    ports = ["--blobPort", str(blob_port), "--queuePort", str(queue_port), "--tablePort", "0"]
    options = ["--inMemoryPersistence", "--disableTelemetry", "--silent", "--skipApiVersionCheck"]
    if tls is not None:
        options += ["--cert", str(tls[0]), "--key", str(tls[1]), "--oauth", "basic"]
    process = subprocess.Popen(
        ["node", str(PROGRAM), *ports, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield _ready(process)
    finally:
        process.kill()
        process.communicate()


def _ready(process: subprocess.Popen[str]) -> Azurite:
    assert process.stdout is not None
    ports: dict[str, int] = {}
    too_late = threading.Timer(_SECONDS, process.kill)
    too_late.start()
    try:
        while len(ports) < 3:
            line = process.stdout.readline()
            assert line, "Azurite has ended"
            if found := _LISTENING.search(line):
                ports[found[1]] = int(found[2])
    finally:
        too_late.cancel()
    return Azurite(ports["Blob"], ports["Queue"])
