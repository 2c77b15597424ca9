"""One Azurite for all tests here, and in it queues and blobs for each test alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.devhost.storage.accounts import Storage
from tests.support.azurite import Azurite, running


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running() as azurite:
        yield azurite


@pytest.fixture
def storage(azurite: Azurite, process: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """The storage of the sample app's settings."""
    storage = Storage(azurite.connection, f"t{uuid.uuid4().hex[:12]}")
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection)
    monkeypatch.setenv("PREFIX", storage.prefix)
    yield storage
    storage.close()
