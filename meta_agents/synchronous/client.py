"""The client: one connection, and a resource for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from types import TracebackType
from typing import Self, TypeVar

import httpx

from meta_agents import operations
from meta_agents.errors import unreachable
from meta_agents.operations import Kind, Operation
from meta_agents.results import Health, Json, Me, UsageReport, Validation
from meta_agents.settings import connection
from meta_agents.synchronous.definitions import Definitions, Prompts, Tools, Workflows
from meta_agents.synchronous.evaluating import Evaluations
from meta_agents.synchronous.executions import Approvals, Executions
from meta_agents.synchronous.keeping import Budgets, Models, Retention
from meta_agents.synchronous.library import Library
from meta_agents.synchronous.schedules import Schedules
from meta_agents.wire import has_certificate, headers, no_proxy_here, request

T = TypeVar("T")


class Client:
    """A connection to the API. Close it, or use it as a context manager.

    `url` and `token` default to META_AGENTS_URL and META_AGENTS_TOKEN, else to what `make start` sets up on this
    machine. Every method raises `ApiError` when the server refuses and `Unreachable` when it does not answer.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        target = connection(url, token)
        self.url = target.url
        self._http = httpx.Client(
            base_url=target.url,
            headers=headers(target),
            transport=transport,
            mounts=no_proxy_here(),
            verify=has_certificate(target),
        )
        self.agents = Definitions("agents", self._call)
        self.datasets = Definitions("datasets", self._call)
        self.prompts = Prompts("prompts", self._call)
        self.tools = Tools("tools", self._call)
        self.workflows = Workflows("workflows", self._call)
        self.executions = Executions(self._http, self._call)
        self.evaluations = Evaluations(self._call)
        self.schedules = Schedules(self._call)
        self.approvals = Approvals(self._call)
        self.retention = Retention(self._call)
        self.budgets = Budgets(self._call)
        self.library = Library(self._call)
        self.models = Models(self._call)

    def validate(self, definitions: Iterable[tuple[Kind, Json]]) -> tuple[Validation, ...]:
        """What is wrong with definitions that know each other, in their order; nothing is kept.

        Each with its kind: `("agents", {…})`.
        """
        return self._call(operations.validate(definitions)).results

    def usage(
        self, *, by: Iterable[str] = ("day",), first: date | None = None, last: date | None = None
    ) -> UsageReport:
        """What the tenant's executions used from the first day to the last (UTC, both included; 30 days unless given).

        `by`: any of `day`, `tenant`, `workflow`, `agent`, `model` and `tool`.
        """
        return self._call(operations.usage(first, last, by))

    def me(self) -> Me:
        return self._call(operations.me())

    def health(self, *, deep: bool = False) -> Health:
        """`deep` also writes to each store and reads it back. Raises `ApiError` when one does not work."""
        return self._call(operations.health(deep))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, operation: Operation[T], /) -> T:
        prepared = request(self._http, operation)
        try:
            response = self._http.send(prepared)
        except httpx.RequestError as error:
            raise unreachable(prepared, error) from error
        return operation.read(response)
