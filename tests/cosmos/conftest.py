from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey

from tests.cosmos.running import Cosmos, fresh, start


@pytest.fixture(scope="session")
def server() -> Iterator[Cosmos]:
    with start() as running:
        yield running


@pytest.fixture
def cosmos(server: Cosmos) -> Iterator[Cosmos]:
    """The server, with nothing left of other tests."""
    server.reset()
    yield server
    server.reset()


@pytest.fixture
def database(cosmos: Cosmos) -> Iterator[DatabaseProxy]:
    with CosmosClient(cosmos.url, cosmos.key) as client:
        yield client.create_database(fresh())


@pytest.fixture
def items(database: DatabaseProxy) -> ContainerProxy:
    return database.create_container("items", PartitionKey("/pk"))


@pytest.fixture
def tree(database: DatabaseProxy) -> ContainerProxy:
    """With a partition key of two levels."""
    return database.create_container("tree", PartitionKey(["/tenant", "/partition"], kind="MultiHash"))
