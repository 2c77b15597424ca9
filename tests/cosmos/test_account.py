"""Databases and containers, who may ask, and over which connections."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient, DatabaseProxy, PartitionKey, exceptions
from azure.cosmos.aio import CosmosClient as AsyncClient

from tests.cosmos import KEY
from tests.cosmos.account import STRONG
from tests.cosmos.running import ROOT, Cosmos, fresh, start

# The client checks no certificate of this machine, whatever it is told, and its transport warns of that.
UNVERIFIED = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
OTHER_KEY = base64.b64encode(b"another").decode()


@pytest.fixture(scope="module")
def secure() -> Iterator[Cosmos]:
    with start(tls=True, consistency="Session") as running:
        yield running


class Token:
    """A credential whose tokens end after so many seconds."""

    def __init__(self, seconds: int = 3600) -> None:
        self._seconds = seconds
        self.scopes: tuple[str, ...] = ()

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes = scopes
        claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + self._seconds}).encode()).decode()
        return AccessToken(f"e30.{claims.rstrip('=')}.c2ln", int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def test_names_are_taken_once(database: DatabaseProxy, cosmos: Cosmos) -> None:
    with CosmosClient(cosmos.url, cosmos.key) as client:
        with pytest.raises(exceptions.CosmosResourceExistsError):
            client.create_database(database.id)
        assert client.create_database_if_not_exists(database.id).id == database.id
        assert [one["id"] for one in client.list_databases()] == [database.id]
        database.create_container("one", PartitionKey("/pk"))
        with pytest.raises(exceptions.CosmosResourceExistsError):
            database.create_container("one", PartitionKey("/pk"))
        assert [one["id"] for one in database.list_containers()] == ["one"]
        client.delete_database(database.id)
        with pytest.raises(exceptions.CosmosResourceNotFoundError):
            database.read()


def test_what_lies_in_nothing_is_told_from_what_is_not_there(database: DatabaseProxy) -> None:
    items = database.create_container("one", PartitionKey("/pk"))
    database.delete_container("one")
    with pytest.raises(exceptions.CosmosResourceNotFoundError) as caught:
        items.read_item("a", "1")
    assert caught.value.sub_status == 1003
    with pytest.raises(exceptions.CosmosResourceNotFoundError) as caught:
        items.read()
    assert not caught.value.sub_status


def test_a_container_keeps_its_policies_and_its_key(database: DatabaseProxy) -> None:
    key = PartitionKey(["/tenant", "/partition"], kind="MultiHash")
    policy = {"indexingMode": "consistent", "includedPaths": [{"path": "/a/?"}], "excludedPaths": [{"path": "/*"}]}
    container = database.create_container("one", key, indexing_policy=policy, default_ttl=-1)
    found = container.read()
    assert found["partitionKey"] == {"paths": ["/tenant", "/partition"], "kind": "MultiHash", "version": 2}
    assert found["indexingPolicy"] == policy
    assert database.replace_container("one", key, default_ttl=60).read()["defaultTtl"] == 60
    with pytest.raises(exceptions.CosmosHttpResponseError):
        database.replace_container("one", PartitionKey("/other"))
    with pytest.raises(exceptions.CosmosHttpResponseError):
        database.create_container("bad", PartitionKey("/pk"), default_ttl=0)


async def refusal(url: str, credential: Any) -> AzureError:
    """What a client is told at the first thing it asks."""
    client = AsyncClient(url, credential)  # the other one leaves its connection open when it is refused
    try:
        with pytest.raises(AzureError) as caught:
            await client.__aenter__()
    finally:
        await client.close()
    return caught.value


async def test_another_key_is_not_let_in(cosmos: Cosmos) -> None:
    assert (await refusal(cosmos.url, OTHER_KEY)).status_code == 401  # type: ignore[attr-defined]


@UNVERIFIED
def test_a_client_that_saw_more_than_there_is_is_told(secure: Cosmos) -> None:
    with CosmosClient(secure.url, secure.key) as client:
        items = client.create_database(fresh()).create_container("items", PartitionKey("/pk"))
        with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
            items.read_item("a", "1", session_token="0:-1#999999999")
    assert (caught.value.status_code, caught.value.sub_status) == (404, 1002)


async def test_many_ask_at_the_same_time(cosmos: Cosmos) -> None:
    async with AsyncClient(cosmos.url, cosmos.key) as client:
        database = await client.create_database(fresh())
        items = await database.create_container("items", PartitionKey("/pk"))
        await asyncio.gather(*(items.create_item({"id": str(n), "pk": str(n % 2)}) for n in range(50)))
        counted: Any = items.query_items("SELECT VALUE COUNT(1) FROM c")
        assert [count async for count in counted] == [50]


async def test_an_identity_is_let_in_over_tls(secure: Cosmos) -> None:
    token = Token()
    async with AsyncClient(secure.url, token) as client:
        made = await client.create_database(fresh())
        assert made.id in [one["id"] async for one in client.list_databases()]
        account: Any = await client.client_connection.GetDatabaseAccount()
        assert account.ConsistencyPolicy == {"defaultConsistencyLevel": "Session"}
    assert token.scopes == ("https://127.0.0.1/.default",)


async def test_a_token_that_ended_is_refused(secure: Cosmos) -> None:
    assert (await refusal(secure.url, Token(-10))).status_code == 401  # type: ignore[attr-defined]


def test_it_runs_by_its_command() -> None:
    command = [sys.executable, "-m", "tests.cosmos", "--port", "0", "--consistency", STRONG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said, url = process.stdout.readline().split()
        with CosmosClient(url, KEY) as client:
            assert list(client.list_databases()) == []
        process.kill()
    assert said == "READY"
