"""Blobs over the storage SDK."""

from __future__ import annotations

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from devhost.storage.sdk import CLIENT_OPTIONS, translated


class BlobService:
    """The blobs of one storage account. All methods raise `StorageError`."""

    def __init__(self, connection: str) -> None:
        with translated():
            self._client = BlobServiceClient.from_connection_string(connection, **CLIENT_OPTIONS)

    async def read(self, container: str, name: str) -> bytes | None:
        """The content of a blob, or None when there is no such blob."""
        with translated():
            try:
                download = await self._client.get_blob_client(container, name).download_blob()
                return bytes(await download.readall())
            except ResourceNotFoundError:
                return None

    async def write(self, container: str, name: str, content: str | bytes) -> None:
        """Make or replace a blob, and its container when it is missing."""
        with translated():
            blob = self._client.get_blob_client(container, name)
            try:
                await blob.upload_blob(content, overwrite=True)
            except ResourceNotFoundError:
                await self._create(container)
                await blob.upload_blob(content, overwrite=True)

    async def close(self) -> None:
        await self._client.close()

    async def _create(self, container: str) -> None:
        try:
            await self._client.create_container(container)
        except ResourceExistsError:
            return  # somebody was faster
