from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cosmos.running import Cosmos, fresh, start


@pytest.fixture(scope="session")
def server() -> Iterator[Cosmos]:
    with start() as running:
        yield running


@pytest.fixture
def container() -> str:
    return fresh()
