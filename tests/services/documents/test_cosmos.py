from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from services.cosmos.account import CosmosAccount
from services.documents.base import DocumentStore
from services.documents.cosmos import CosmosDocuments
from tests.cosmos.running import Cosmos, fresh, start
from tests.services.documents.conformance import DocumentStoreConformance


@pytest.fixture(scope="module")
def server() -> Iterator[Cosmos]:
    with start() as running:
        yield running


@pytest.fixture
def database(server: Cosmos) -> str:
    return fresh()


@pytest.fixture
async def store(server: Cosmos, database: str) -> AsyncIterator[DocumentStore]:
    store = CosmosDocuments(CosmosAccount(server.url, key=server.key), database)
    yield store
    await store.close()


@pytest.fixture
async def other(server: Cosmos, database: str, store: DocumentStore) -> AsyncIterator[DocumentStore]:
    other = CosmosDocuments(CosmosAccount(server.url, key=server.key), database)
    yield other
    await other.close()


class TestConformance(DocumentStoreConformance):
    pass
