"""The accounts on a real Azurite as tests look at them."""

from __future__ import annotations

import contextlib

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from devhost.storage.sdk import CLIENT_OPTIONS


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
