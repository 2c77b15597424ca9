"""The endpoint of one alias: its limits kept, its wish to be left alone respected, its client shared with others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from domain.models import ModelAlias
from services.entra import GetToken
from services.models.base import ModelAnswer, ModelRequest, OnText
from services.models.limits import LONGEST_WAIT, Circuits, Limits
from services.models.prices import PriceList
from services.models.problems import Unserved, over_limits, resting
from services.settings import Settings

if TYPE_CHECKING:
    from services.models.calls import Calls
    from services.models.connection import Connection

_CHARACTERS_PER_TOKEN = 4
"""Of a request whose limit of tokens a minute is kept: a guess that its answer corrects."""
Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]


class Endpoints:
    """Those of a process. They share the places of MODEL_CONCURRENCY."""

    def __init__(
        self, settings: Settings, azure_token: GetToken, prices: PriceList, clock: Clock, sleep: Sleep
    ) -> None:
        self.settings = settings
        self.prices = prices
        self.places = asyncio.Semaphore(settings.model_concurrency)
        self.circuits = Circuits()
        self.clock = clock
        self.sleep = sleep
        self._azure_token = azure_token
        self._loading = asyncio.Lock()
        self._calls: dict[Connection, Calls] = {}
        self._endpoints: dict[str, Endpoint] = {}

    def of(self, alias: str, entry: ModelAlias) -> Endpoint:
        """The one there is, unless the entry has changed since."""
        known = self._endpoints.get(alias)
        if known is None or known.entry != entry:
            known = self._endpoints[alias] = Endpoint(self, alias, entry)
        return known

    async def calls(self, entry: ModelAlias) -> Calls:
        async with self._loading:
            return await asyncio.to_thread(self._load, entry)

    async def close(self) -> None:
        for calls in self._calls.values():
            await calls.close()

    def _load(self, entry: ModelAlias) -> Calls:
        # Importing the client and reading certificates take a second: not at start-up, and not on the event loop.
        from services.models.calls import Calls  # noqa: PLC0415
        from services.models.connection import Connection  # noqa: PLC0415

        key = self.settings.model_keys.get(entry.key_setting or "")
        secret = key.get_secret_value() if key else ""
        connection = Connection(entry.provider or "compatible", entry.base_url, entry.api_version, secret)
        if connection not in self._calls:
            self._calls[connection] = Calls(connection, self._azure_token, self.prices.cost)
        self.prices.of(entry)  # for the same reason
        return self._calls[connection]


class Endpoint:
    def __init__(self, endpoints: Endpoints, alias: str, entry: ModelAlias) -> None:
        self.alias = alias
        self.entry = entry
        self._all = endpoints
        self._places = asyncio.Semaphore(entry.max_concurrency) if entry.max_concurrency else None
        self._limits = Limits(entry.requests_per_minute, entry.tokens_per_minute, endpoints.clock())
        self._circuit = (entry.provider, entry.base_url, entry.model)
        self._calls: Calls | None = None

    async def ask(self, request: ModelRequest, on_text: OnText | None) -> ModelAnswer:
        """Raises `Unserved` when the request was not taken, or not even sent; other `ProblemError`s when it was."""
        self._check_circuit()
        estimate = await self._turn(request)
        async with AsyncExitStack() as held:
            if self._places is not None:
                await held.enter_async_context(self._places)
            await held.enter_async_context(self._all.places)
            self._check_circuit()  # while it waited, another may have been sent away
            return await self._asked(request, on_text, estimate)

    async def _asked(self, request: ModelRequest, on_text: OnText | None, estimate: int) -> ModelAnswer:
        if self._calls is None:
            self._calls = await self._all.calls(self.entry)
        own = self.entry.timeout.total_seconds() if self.entry.timeout else self._all.settings.model_timeout
        try:
            answer = await self._calls.make(request, self.entry, request.timeout or own, on_text)
        except Unserved as error:
            self._limits.used(estimate, 0, self._all.clock())
            if error.problem.retry_after:
                self._all.circuits.rest(self._circuit, error.problem.retry_after, self._all.clock())
            raise
        if answer.tokens_in or answer.tokens_out:
            self._limits.used(estimate, answer.tokens_in + answer.tokens_out, self._all.clock())
        return answer.model_copy(update={"alias": self.alias})

    def _check_circuit(self) -> None:
        if seconds := self._all.circuits.closed_for(self._circuit, self._all.clock()):
            raise resting(round(seconds, 3))

    async def _turn(self, request: ModelRequest) -> int:
        """Wait for it; the tokens that were taken for the request."""
        characters = sum(len(str(message.get("content") or "")) for message in request.messages)
        estimate = characters // _CHARACTERS_PER_TOKEN + request.max_output_tokens
        wait = self._limits.turn(estimate, self._all.clock())
        if wait > LONGEST_WAIT:
            raise over_limits(self.alias, round(wait, 3))
        if wait > 0:
            await self._all.sleep(wait)
        return estimate
