"""A fresh stand-in API for each test, and both clients for it behind one face."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest

from meta_agents import AsyncClient, Client
from tests.meta_agents.fake_api import TOKEN, FakeApi, Server


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Nothing of the machine's own settings, and no token file."""
    for name in ("META_AGENTS_URL", "META_AGENTS_TOKEN", "STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def _running_server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def server(_running_server: Server) -> Server:
    """A running server with an API of this test's own; who stops it restarts it."""
    _running_server.api = FakeApi()
    return _running_server


@pytest.fixture
def api(server: Server) -> FakeApi:
    return server.api


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[Client]:
    """Either client, used alike: what a test says of one holds for the other."""
    if request.param == "sync":
        with Client(server.url, TOKEN) as made:
            yield made
        return
    with asyncio.Runner() as runner:
        asynchronous = AsyncClient(server.url, TOKEN)
        yield cast(Client, Blocking(asynchronous, runner))
        runner.run(asynchronous.close())


class Blocking:
    """An asynchronous object whose methods block, and whose asynchronous iterators are plain ones."""

    def __init__(self, target: object, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return self._call(value) if inspect.ismethod(value) else Blocking(value, self._runner)

    def _call(self, method: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            result = method(*arguments, **keywords)
            return self._drain(result) if isinstance(result, AsyncIterator) else self._runner.run(result)

        return call

    def _drain(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        async def advance() -> Any:
            return await anext(items, _END)

        while (item := self._runner.run(advance())) is not _END:
            yield item


_END = object()
