"""Queues over the storage SDK."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from devhost.storage.messages import Message
from devhost.storage.sdk import CLIENT_OPTIONS, translated


class QueueService:
    """The queues of one storage account."""

    def __init__(self, connection: str) -> None:
        """Raises `StorageError` for a connection string that the SDK cannot read."""
        with translated():
            self._client = QueueServiceClient.from_connection_string(connection, **CLIENT_OPTIONS)

    def queue(self, name: str) -> Queue:
        return Queue(self._client.get_queue_client(name))

    async def close(self) -> None:
        await self._client.close()


class Queue:
    """One queue, made when it turns out to be missing. All methods raise `StorageError`."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    async def put(self, text: str) -> None:
        with translated():
            try:
                await self._client.send_message(text)
            except ResourceNotFoundError:
                await self._create()
                await self._client.send_message(text)

    async def take(self, count: int, lease: timedelta) -> list[Message]:
        """At most `count` (32) messages, which nobody else sees for the length of `lease`."""
        with translated():
            pages = self._client.receive_messages(
                messages_per_page=count, visibility_timeout=int(lease.total_seconds())
            ).by_page()
            try:
                async for page in pages:  # one page is one request
                    return [_message(item) async for item in page]
            except ResourceNotFoundError:
                await self._create()
            return []

    async def hide(self, message: Message, length: timedelta) -> Message:
        """Keep a taken message from everybody for `length` from now on; the message it is from then on."""
        with translated():
            hidden = await self._client.update_message(
                message.id, message.pop_receipt, visibility_timeout=int(length.total_seconds())
            )
        return replace(message, pop_receipt=str(hidden.pop_receipt))

    async def delete(self, message: Message) -> None:
        """Delete a taken message. One that is gone or was taken by somebody else stays theirs."""
        with translated():
            try:
                await self._client.delete_message(message.id, message.pop_receipt)
            except ResourceNotFoundError:
                return

    async def _create(self) -> None:
        try:
            await self._client.create_queue()
        except ResourceExistsError:
            return  # somebody was faster


def _message(item: QueueMessage) -> Message:
    now = datetime.now(UTC)
    return Message(
        id=item.id,
        text=str(item.content),
        dequeue_count=item.dequeue_count or 1,
        inserted=item.inserted_on or now,
        expires=item.expires_on or now,
        next_visible=item.next_visible_on or now,
        pop_receipt=str(item.pop_receipt),
    )
