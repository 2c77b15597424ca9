"""The client: one connection, and a resource for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from types import TracebackType
from typing import Self, TypeVar

import httpx

from meta_agents import operations
from meta_agents.asynchronous.definitions import AsyncDefinitions, AsyncPrompts, AsyncTools, AsyncWorkflows
from meta_agents.asynchronous.evaluating import AsyncEvaluations
from meta_agents.asynchronous.executions import AsyncApprovals, AsyncExecutions
from meta_agents.asynchronous.keeping import AsyncBudgets, AsyncModels, AsyncRetention
from meta_agents.asynchronous.library import AsyncLibrary
from meta_agents.asynchronous.schedules import AsyncSchedules
from meta_agents.errors import unreachable
from meta_agents.operations import Kind, Operation
from meta_agents.results import Health, Json, Me, UsageReport, Validation
from meta_agents.settings import connection
from meta_agents.wire import has_certificate, headers, no_proxy_here, request

T = TypeVar("T")


class AsyncClient:
    """A connection to the API. Close it, or use it as a context manager.

    `url` and `token` default to META_AGENTS_URL and META_AGENTS_TOKEN, else to what `make start` sets up on this
    machine. Every method raises `ApiError` when the server refuses and `Unreachable` when it does not answer.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        target = connection(url, token)
        self.url = target.url
        self._http = httpx.AsyncClient(
            base_url=target.url,
            headers=headers(target),
            transport=transport,
            mounts=no_proxy_here(),
            verify=has_certificate(target),
        )
        self.agents = AsyncDefinitions("agents", self._call)
        self.datasets = AsyncDefinitions("datasets", self._call)
        self.prompts = AsyncPrompts("prompts", self._call)
        self.tools = AsyncTools("tools", self._call)
        self.workflows = AsyncWorkflows("workflows", self._call)
        self.executions = AsyncExecutions(self._http, self._call)
        self.evaluations = AsyncEvaluations(self._call)
        self.schedules = AsyncSchedules(self._call)
        self.approvals = AsyncApprovals(self._call)
        self.retention = AsyncRetention(self._call)
        self.budgets = AsyncBudgets(self._call)
        self.library = AsyncLibrary(self._call)
        self.models = AsyncModels(self._call)

    async def validate(self, definitions: Iterable[tuple[Kind, Json]]) -> tuple[Validation, ...]:
        """What is wrong with definitions that know each other, in their order; nothing is kept.

        Each with its kind: `("agents", {…})`.
        """
        return (await self._call(operations.validate(definitions))).results

    async def usage(
        self, *, by: Iterable[str] = ("day",), first: date | None = None, last: date | None = None
    ) -> UsageReport:
        """What the tenant's executions used from the first day to the last (UTC, both included; 30 days unless given).

        `by`: any of `day`, `tenant`, `workflow`, `agent`, `model` and `tool`.
        """
        return await self._call(operations.usage(first, last, by))

    async def me(self) -> Me:
        return await self._call(operations.me())

    async def health(self, *, deep: bool = False) -> Health:
        """`deep` also writes to each store and reads it back. Raises `ApiError` when one does not work."""
        return await self._call(operations.health(deep))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, operation: Operation[T], /) -> T:
        prepared = request(self._http, operation)
        try:
            response = await self._http.send(prepared)
        except httpx.RequestError as error:
            raise unreachable(prepared, error) from error
        return operation.read(response)
