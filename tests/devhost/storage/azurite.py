"""A real Azurite as a child process, and the accounts on it as tests look at them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from devhost.storage.sdk import CLIENT_OPTIONS

PROGRAM = Path(__file__).parents[2] / "js" / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"

# Everybody's key: that of the one account every Azurite has.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_LISTENING = re.compile(rb"(Blob|Queue|Table) service is successfully listening at http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Azurite:
    """Where one listens."""

    blob_port: int
    queue_port: int

    @property
    def connection(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{self.blob_port}/devstoreaccount1;"
            f"QueueEndpoint=http://127.0.0.1:{self.queue_port}/devstoreaccount1;"
        )


class Storage:
    """An account as a test looks at it: without the host's code, and without any encoding of messages."""

    def __init__(self, connection: str, prefix: str) -> None:
        self.connection = connection
        self.prefix = prefix
        self._queues = QueueServiceClient.from_connection_string(connection, **CLIENT_OPTIONS)
        self._blobs = BlobServiceClient.from_connection_string(connection, **CLIENT_OPTIONS)

    def queue(self, name: str) -> QueueClient:
        """The queue of this test, which is there."""
        client = self._queues.get_queue_client(f"{self.prefix}-{name}")
        with contextlib.suppress(ResourceExistsError):
            client.create_queue()
        return client

    def put(self, name: str, text: str) -> None:
        self.queue(name).send_message(text)

    def take(self, name: str) -> list[QueueMessage]:
        return list(self.queue(name).receive_messages(max_messages=32))

    def count(self, name: str) -> int:
        """How many messages there are, hidden ones included."""
        return self.queue(name).get_queue_properties().approximate_message_count or 0

    def blob(self, name: str) -> bytes:
        return bytes(self._blobs.get_blob_client(self.prefix, name).download_blob().readall())

    def write(self, name: str, content: bytes) -> None:
        with contextlib.suppress(ResourceExistsError):
            self._blobs.create_container(self.prefix)
        self._blobs.get_blob_client(self.prefix, name).upload_blob(content)

    def close(self) -> None:
        self._queues.close()
        self._blobs.close()


@contextlib.asynccontextmanager
async def running(blob_port: int = 0, queue_port: int = 0) -> AsyncIterator[Azurite]:
    assert PROGRAM.exists(), "run 'make setup-tests' first"
    process = await asyncio.create_subprocess_exec(
        "node", str(PROGRAM), "--blobPort", str(blob_port), "--queuePort", str(queue_port), "--tablePort", "0",
        "--inMemoryPersistence", "--disableTelemetry", "--silent",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield await _ready(process)
    finally:
        process.kill()
        await process.communicate()


async def _ready(process: asyncio.subprocess.Process) -> Azurite:
    assert process.stdout is not None
    ports: dict[bytes, int] = {}
    async with asyncio.timeout(30):
        while len(ports) < 3:
            line = await process.stdout.readline()
            assert line, "Azurite has ended"
            if found := _LISTENING.search(line):
                ports[found[1]] = int(found[2])
    return Azurite(ports[b"Blob"], ports[b"Queue"])
