"""A container, and how often what fails in passing is tried again."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from azure.cosmos.aio import ContainerProxy

from services.cosmos.account import Container, CosmosAccount
from services.cosmos.failures import CosmosFailure

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

TRIES = 5
"""Of one request, before its failure is told."""
FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0
"""Seconds at most before the second try, and before any; each wait is drawn from nothing up to twice the one before."""


class Connection:
    def __init__(self, account: CosmosAccount, database: str, container: Container, sleep: Sleep) -> None:
        self._account = account
        self._database = database
        self._container = container
        self._sleep = sleep

    async def open(self) -> ContainerProxy:
        return await self._account.container(self._database, self._container)

    def calling(self, operation: str) -> AbstractContextManager[None]:
        return self._account.calling(operation)

    async def trying(self, once: Callable[[ContainerProxy], Awaitable[T]]) -> T:
        """The result of `once`, tried again while it fails in passing. Raises `CosmosFailure`, and what `once` does."""
        for number in range(1, TRIES + 1):
            try:
                return await once(await self.open())
            except CosmosFailure as failure:
                # A throttled account has been waited for already.
                if not failure.passing or number == TRIES or failure.problem.retry_after is not None:
                    raise
            await self.wait(number)
        raise AssertionError("the last try returns or raises")

    async def wait(self, number: int) -> None:
        """Before try `number` + 1: the longer the later, and of a length that no two draw alike."""
        await self._sleep(random.uniform(0, min(FIRST_WAIT * 2 ** (number - 1), LONGEST_WAIT)))  # noqa: S311

    async def close(self) -> None:
        await self._account.close()
