"""The connection to a Cosmos DB account. Slow to import."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient

from services.cosmos.failures import closed, missing, outcome_of, too_weak
from services.entra import credential_of_process

OnCharge = Callable[[str, float], None]
"""(operation, request units): told of every answer, those of failures and of the client's own retries included."""

CONNECT_SECONDS, ANSWER_SECONDS = 5, 15.0
THROTTLED_RETRIES, THROTTLED_SECONDS = 6, 10
"""How often, and for how long in all, the client itself waits as a throttled account asks it to."""

CHARGE = "x-ms-request-charge"
STRONG = "Strong"
STRONG_ENOUGH = {STRONG, "BoundedStaleness"}
"""The second is as strong as the first in the region that is written in, and only there."""
_operation: ContextVar[str] = ContextVar("cosmos_operation", default="connect")


@dataclass(frozen=True)
class Container:
    """A container as it has to be. Of an emulator it is made so; in Azure, infra/bicep makes it, from the same facts.

    `more`: what else `create_container` takes, such as `vector_embedding_policy`.
    """

    name: str
    partition_key: tuple[str, ...]
    indexing_policy: Mapping[str, Any]
    default_ttl: int = -1
    more: Mapping[str, Any] = field(default_factory=dict)


class CosmosAccount:
    """Connects at the first use, and belongs to the loop that runs then.

    With a key (emulators) it makes databases and containers that are not there; with the identity of the process it
    cannot, and insists on an account whose reads see what other instances wrote.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        key: str | None = None,
        credential: AsyncTokenCredential | None = None,
        on_charge: OnCharge | None = None,
        on_throttled: Callable[[], None] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`on_throttled`: told of every 429. `answer_seconds`: how long one answer may take."""
        self._endpoint = endpoint
        self._key = key
        self._credential = credential
        self._on_charge = on_charge
        self._on_throttled = on_throttled
        self._answer_seconds = answer_seconds
        self._client: CosmosClient | None = None
        self._regions: list[str] = []
        self._containers: dict[tuple[str, str], ContainerProxy] = {}
        self._lock = asyncio.Lock()
        self._closed = False

    async def container(self, database: str, wanted: Container) -> ContainerProxy:
        """Ready to be used. Raises `CosmosFailure`."""
        found = self._containers.get((database, wanted.name))
        if found is not None:
            return found
        async with self._lock:
            if self._closed:
                raise closed()
            if (database, wanted.name) not in self._containers:
                with self.calling("connect"):
                    self._containers[database, wanted.name] = await self._open(database, wanted)
            return self._containers[database, wanted.name]

    @contextmanager
    def calling(self, operation: str) -> Iterator[None]:
        """Calls of the client within it are charged to `operation`, and raise `outcome_of` their error."""
        token = _operation.set(operation)
        try:
            yield
        except AzureError as error:
            raise outcome_of(error) from error
        finally:
            _operation.reset(token)

    async def close(self) -> None:
        """For good. What is just connecting is waited for, so that it leaves nothing open."""
        self._closed = True
        async with self._lock:
            self._containers.clear()
            client, self._client = self._client, None
            if client is not None:
                await client.close()
            if self._credential is not None:
                await self._credential.close()

    async def _open(self, database: str, wanted: Container) -> ContainerProxy:
        client = await self._connected()
        if self._key is not None:
            # Another process may make the database, and then the container, just before we do.
            for _ in range(2):
                with suppress(ResourceExistsError):
                    return await _made(client, database, wanted)
            return await _made(client, database, wanted)
        container = client.get_database_client(database).get_container_client(wanted.name)
        try:
            await container.read()
        except ResourceNotFoundError as error:
            raise missing(database, wanted.name) from error
        return container

    async def _connected(self) -> CosmosClient:
        if self._client is None:
            client = self._new_client()
            try:
                await client.__aenter__()
                if self._key is None:
                    self._regions[:] = await _only_here(client)
            except BaseException:
                await client.close()
                raise
            self._client = client
        return self._client

    def _new_client(self) -> CosmosClient:
        if self._key is None and self._credential is None:
            self._credential = credential_of_process()
        who = self._credential or self._key
        assert who is not None  # noqa: S101 - one of both is there by now
        return CosmosClient(
            self._endpoint,
            who,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=self._answer_seconds,
            retry_throttle_total=THROTTLED_RETRIES,
            retry_throttle_backoff_max=THROTTLED_SECONDS,
            # Trying again is for those who know what a write may have done already.
            retry_connect=0,
            retry_read=0,
            # Filled later. Where all are excluded, the one that is written in is read in, whichever it is.
            excluded_locations=self._regions,
            no_response_on_write=True,
            enable_compact_utf8_item_writes=True,
            raw_response_hook=self._charge,
        )

    def _charge(self, response: Any) -> None:
        if self._on_charge is not None:
            self._on_charge(_operation.get(), float(response.http_response.headers.get(CHARGE) or 0))
        if self._on_throttled is not None and response.http_response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self._on_throttled()


async def _made(client: CosmosClient, database: str, wanted: Container) -> ContainerProxy:
    made = await client.create_database_if_not_exists(database)
    paths = list(wanted.partition_key)
    container: ContainerProxy = await made.create_container_if_not_exists(
        wanted.name,
        partition_key=PartitionKey(paths) if len(paths) > 1 else PartitionKey(paths[0]),
        indexing_policy=dict(wanted.indexing_policy),
        default_ttl=wanted.default_ttl,
        **wanted.more,
    )
    return container


async def _only_here(client: CosmosClient) -> list[str]:
    """The regions that may not be read in, but for the one that is written in: all, where others may be behind it.

    Left alone, the client goes on reading where it did when the regions have changed places, and in another one when an
    answer was lost. Raises `CosmosFailure` where even one region is too weak.
    """
    account = await client.client_connection.GetDatabaseAccount()
    level = str((account.ConsistencyPolicy or {}).get("defaultConsistencyLevel"))
    if level not in STRONG_ENOUGH:
        raise too_weak(level)
    names = [region["name"] for region in account.ReadableLocations]
    return names if level != STRONG and len(names) > 1 else []
