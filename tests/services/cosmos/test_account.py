"""Who connects, as whom, to what: over the wire to the server of tests.cosmos."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from domain.errors import Code
from services.cosmos.account import Container, CosmosAccount
from services.cosmos.failures import ROLE, CosmosFailure
from tests.cosmos.running import Cosmos, fresh, start

THINGS = Container(
    "things", ("/tenant", "/partition"), {"indexingMode": "consistent", "includedPaths": [{"path": "/*"}]}
)


class Credential:
    """In place of the one that asks the platform for the identity of the process."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.scopes: list[str] = []
        self.closed = False

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        if self._error is not None:
            raise self._error
        expires = int(time.time()) + 3_600
        parts = ({"alg": "none"}, {"oid": "of-the-app", "exp": expires})
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return AccessToken(f"{token}.signature", expires)

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Cosmos]:
    """Over TLS: no token is sent without."""
    with start(tls=True) as running:
        yield running


@pytest.fixture
async def account(server: Cosmos) -> AsyncIterator[CosmosAccount]:
    account = CosmosAccount(server.url, key=server.key)
    yield account
    await account.close()


async def failure_of(account: CosmosAccount, database: str) -> CosmosFailure:
    with pytest.raises(CosmosFailure) as caught:
        await account.container(database, THINGS)
    assert caught.value.problem.code is Code.PLATFORM_FAILED
    await account.close()
    return caught.value


async def test_with_a_key_what_is_not_there_is_made(account: CosmosAccount) -> None:
    container = await account.container(fresh(), THINGS)
    properties = await container.read()
    assert properties["partitionKey"]["paths"] == ["/tenant", "/partition"]
    assert properties["partitionKey"]["kind"] == "MultiHash"
    assert properties["defaultTtl"] == -1


async def test_with_an_identity_what_is_there_is_used(server: Cosmos, account: CosmosAccount) -> None:
    database = fresh()
    await account.container(database, THINGS)
    credential = Credential()
    by_identity = CosmosAccount(server.url, credential=credential)
    container = await by_identity.container(database, THINGS)
    await container.create_item({"id": "a", "tenant": "t", "partition": "t/p"})
    assert await by_identity.container(database, THINGS) is container
    assert set(credential.scopes) == {f"{server.url.rpartition(':')[0]}/.default"}
    await by_identity.close()
    assert credential.closed


async def test_with_an_identity_what_is_not_there_is_said(server: Cosmos) -> None:
    failure = await failure_of(CosmosAccount(server.url, credential=Credential()), "nowhere")
    assert "'things' in a database 'nowhere'" in failure.problem.message
    assert "infra/bicep" in failure.problem.action
    assert (failure.passing, failure.problem.retryable) == (False, True)


async def test_an_identity_without_its_role_is_told_which(server: Cosmos) -> None:
    server.fail("status", operation="ReadContainer", status=403, sub_status=5300)
    failure = await failure_of(CosmosAccount(server.url, credential=Credential()), "db")
    assert ROLE in failure.problem.action


async def test_no_token(server: Cosmos) -> None:
    credential = Credential(ClientAuthenticationError("No identity here.\nAttempted credentials: ..."))
    failure = await failure_of(CosmosAccount(server.url, credential=credential), "db")
    assert "No identity here." in failure.problem.message
    assert "AZURE_CLIENT_ID" in failure.problem.action


async def test_a_wrong_key(server: Cosmos) -> None:
    failure = await failure_of(CosmosAccount(server.url, key="AAAA" + server.key[4:]), "db")
    assert "COSMOS_KEY" in failure.problem.action
    assert server.key[4:] not in failure.problem.message


@pytest.mark.parametrize(("level", "enough"), [("Session", False), ("BoundedStaleness", True)])
async def test_reads_have_to_see_what_others_wrote(level: str, enough: bool) -> None:
    with start(tls=True, consistency=level) as server:
        by_key = CosmosAccount(server.url, key=server.key)
        await by_key.container("db", THINGS)  # an emulator has one replica, whatever it says
        await by_key.close()
        account = CosmosAccount(server.url, credential=Credential())
        if enough:
            await account.container("db", THINGS)
            await account.close()
        else:
            failure = await failure_of(account, "db")
            assert "Session consistency" in failure.problem.message
            assert "Strong" in failure.problem.action


@pytest.mark.parametrize(("level", "read_in"), [("BoundedStaleness", "active"), ("Strong", "first")])
async def test_where_other_regions_may_be_behind_only_the_active_one_is_read(level: str, read_in: str) -> None:
    with start(tls=True, consistency=level) as active, start(tls=True, consistency=level) as first:
        for server in (active, first):
            by_key = CosmosAccount(server.url, key=server.key)
            container = await by_key.container("db", THINGS)
            name = "active" if server is active else "first"
            await container.create_item({"id": "a", "tenant": "t", "partition": "p", "read_in": name})
            await by_key.close()
        active.say_regions({"First": first.url, "Active": active.url}, {"Active": active.url})
        account = CosmosAccount(active.url.replace("127.0.0.1", "localhost"), credential=Credential())
        container = await account.container("db", THINGS)
        assert (await container.read_item("a", ["t", "p"]))["read_in"] == read_in
        found = container.query_items("SELECT c.read_in FROM c", partition_key=["t", "p"])
        assert [item["read_in"] async for item in found] == [read_in]
        await account.close()


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "https://no-such-name.invalid"])
async def test_nobody_there(endpoint: str) -> None:
    failure = await failure_of(CosmosAccount(endpoint, key="a2V5"), "db")
    assert "could not be reached" in failure.problem.message
    assert failure.problem.retryable


async def test_it_connects_once_it_can(server: Cosmos) -> None:
    account = CosmosAccount(server.url, key=server.key)
    server.fail("status", operation="CreateDatabase", status=500)
    database = fresh()
    with pytest.raises(CosmosFailure):
        await account.container(database, THINGS)
    assert await account.container(database, THINGS)
    await account.close()


async def test_charges_are_told_of_with_the_operation(server: Cosmos) -> None:
    charges: list[tuple[str, float]] = []
    account = CosmosAccount(server.url, key=server.key, on_charge=lambda *charge: charges.append(charge))
    container = await account.container(fresh(), THINGS)
    assert {name for name, _ in charges} == {"connect"}
    charges.clear()
    with account.calling("making"):
        await container.create_item({"id": "a", "tenant": "t", "partition": "t/p"})
    [(name, units)] = charges
    assert name == "making"
    assert units > 0
    await account.close()


async def test_who_closes_waits_for_what_is_connecting_and_nothing_connects_after_that(server: Cosmos) -> None:
    account = CosmosAccount(server.url, key=server.key)
    connecting = asyncio.create_task(account.container(fresh(), THINGS))
    await asyncio.sleep(0)  # it has begun
    await account.close()
    assert connecting.done()
    with pytest.raises(CosmosFailure, match="is ending"):
        await account.container(fresh(), THINGS)
    gc.collect()  # what was left open would be warned of
