"""Artifacts in a container of Azure Blob storage, or of Azurite. Slow to import.

What is put costs one write and no read, unless it is large; the ref is the content's hash, so what is there already is
not written again, and a write whose answer was lost is found done by the next attempt.
"""

from __future__ import annotations

import asyncio
import io
from typing import Any, Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob import ContentSettings, StorageErrorCode
from azure.storage.blob.aio import BlobClient, ContainerClient

from domain.errors import ProblemError, not_found, platform_failed
from services.artifacts.base import is_ref, ref_of
from services.artifacts.blob_problems import typed
from services.artifacts.names import folder_of, name_of
from services.entra import credential_of_process

WITHIN = 120
"""Seconds until a put or a get is given up, attempts of the SDK included."""
LARGE = 1 << 20
"""Bytes of a content that is sent only after asking whether it is there."""
PAGE = 1000
"""Names of one listing."""
AT_ONCE = 16
"""Deletions at the same time."""

OPTIONS: dict[str, Any] = {
    # Two more attempts within three seconds: what lasts longer is for the durable retries of whoever asked.
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
    # Azure's limit. In one request it is there whole or not at all, and blocks without a blob never have to be removed.
    "max_single_put_size": 5000 * (1 << 20),
}
_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 30}
_OF_ANY_AZURITE = "2021-12-02"


class _Transport(AioHttpTransport):  # type: ignore[misc]  # the SDK loads it lazily, so its type is not seen
    """The SDK's own, except that a large body is written a piece at a time: others have the event loop in between."""

    async def send(self, request: Any, **config: Any) -> Any:
        whole = request.data
        if not isinstance(whole, bytes) or len(whole) < LARGE:
            return await super().send(request, **config)
        request.data = io.BytesIO(whole)
        try:
            return await super().send(request, **config)
        finally:
            request.data = whole  # for the next attempt


class BlobArtifacts:
    """An `ArtifactStore` that any number of processes may share; each uses it from one event loop, and closes it."""

    def __init__(
        self, container: ContainerClient, credential: AsyncTokenCredential | None = None, *, creates: bool = False
    ) -> None:
        """`creates`: the container, when it turns out to be missing."""
        self._container = container
        self._credential = credential
        self._creates = creates

    @classmethod
    def by_identity(
        cls, endpoint: str, container: str, credential: AsyncTokenCredential | None = None, **options: Any
    ) -> Self:
        """As the identity of this process, in a container that is there. `options` are the transport's."""
        credential = credential or credential_of_process()
        transport = _Transport(**_TIMEOUTS, **options)
        client = ContainerClient(endpoint, container, credential=credential, transport=transport, **OPTIONS)
        return cls(client, credential)

    @classmethod
    def by_connection_string(cls, connection: str, container: str) -> Self:
        """Raises `ValueError` for one that the SDK cannot read."""
        options = {**OPTIONS, "api_version": _OF_ANY_AZURITE, "transport": _Transport(**_TIMEOUTS)}
        return cls(ContainerClient.from_connection_string(connection, container, **options), creates=True)

    async def put(self, partition: str, content: bytes, media_type: str) -> str:
        ref = await asyncio.to_thread(ref_of, content)
        blob = self._blob(partition, ref)
        settings = ContentSettings(content_type=media_type)
        async with typed("written"), asyncio.timeout(WITHIN):
            if len(content) >= LARGE and await blob.exists():
                return ref
            try:
                await _upload(blob, content, settings)
            except ResourceNotFoundError as error:
                if not self._is_to_be_created(error):
                    raise
                await self._create()
                await _upload(blob, content, settings)
        return ref

    async def get(self, partition: str, ref: str) -> bytes:
        if not is_ref(ref):
            raise ProblemError(not_found("artifact", ref))
        async with typed("read"), asyncio.timeout(WITHIN):
            try:
                content: bytes = await (await self._blob(partition, ref).download_blob()).readall()
            except ResourceNotFoundError as error:
                if _says(error, StorageErrorCode.CONTAINER_NOT_FOUND) and not self._creates:
                    raise
                raise ProblemError(not_found("artifact", ref)) from error
        if await asyncio.to_thread(ref_of, content) != ref:
            raise ProblemError(platform_failed(f"The artifact {ref} is damaged: its content does not match its name."))
        return content

    async def drop(self, partition: str) -> None:
        free = asyncio.Semaphore(AT_ONCE)

        async def delete(name: str) -> None:
            async with free:
                await self._delete(name)

        names = self._container.list_blob_names(name_starts_with=folder_of(partition), results_per_page=PAGE)
        async with typed("removed"):
            try:
                async for page in names.by_page():
                    done = [delete(name) async for name in page]
                    failed = [error for error in await asyncio.gather(*done, return_exceptions=True) if error]
                    if failed:
                        raise failed[0]
            except ResourceNotFoundError as error:
                if not self._is_to_be_created(error):
                    raise

    async def close(self) -> None:
        await self._container.close()
        if self._credential is not None:
            await self._credential.close()

    def _blob(self, partition: str, ref: str) -> BlobClient:
        return self._container.get_blob_client(name_of(partition, ref))

    async def _delete(self, name: str) -> None:
        try:
            await self._container.delete_blob(name, delete_snapshots="include")
        except ResourceNotFoundError as error:
            if not _says(error, StorageErrorCode.BLOB_NOT_FOUND):
                raise

    def _is_to_be_created(self, error: ResourceNotFoundError) -> bool:
        return self._creates and _says(error, StorageErrorCode.CONTAINER_NOT_FOUND)

    async def _create(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return  # somebody was faster


async def _upload(blob: BlobClient, content: bytes, settings: ContentSettings) -> None:
    """Only where nothing is; what is there has the same hash."""
    try:
        await blob.upload_blob(content, overwrite=False, content_settings=settings)
    except ResourceExistsError as error:
        if not _says(error, StorageErrorCode.BLOB_ALREADY_EXISTS):
            raise


def _says(error: HttpResponseError, code: StorageErrorCode) -> bool:
    return getattr(error, "error_code", None) == code
