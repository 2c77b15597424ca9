"""One attempt at one tool call, whatever the tool is made of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.errors import ProblemError
from domain.values import Json
from services.hosts import AllowedHosts
from services.library.library import Library
from services.mcp.client import McpTools
from services.mcp.servers import McpServers
from services.reaching import Reach, Resolve
from services.secrets import Secrets
from services.settings import Settings
from services.tools.attempts import Attempt
from services.tools.functions import Functions
from services.tools.http import HttpTools
from services.tools.searching import searched

if TYPE_CHECKING:
    import httpx

__all__ = ["Attempt", "ToolClient"]


class ToolClient:
    """Raises `ProblemError`: tool_refused, tool_failed, tool_uncertain, secret_unavailable.

    No result and no error has a secret of the deployment in it. `resolve` and `transport` stand for the network.
    """

    def __init__(
        self,
        settings: Settings,
        resolve: Resolve | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        library: Library | None = None,
    ) -> None:
        self._secrets = Secrets.of(settings)
        self._reach = Reach(settings.tool_hosts or AllowedHosts.for_tools(""), resolve, transport)
        self._http = HttpTools(self._reach, self._secrets)
        self._library = library
        self.functions = Functions(settings.tool_modules)
        self.mcp = McpTools(McpServers(settings.mcp_servers_file), self._secrets, resolve)
        self._turns: dict[tuple[str, str], asyncio.Semaphore] = {}

    async def call(self, attempt: Attempt) -> Json:
        limit = attempt.tool.concurrency
        try:
            if limit is None:
                return self._secrets.scrubbed(await self._in_time(attempt))
            # Waiting for its turn is none of the time that a call may take.
            async with self._turn(attempt, limit):
                return self._secrets.scrubbed(await self._in_time(attempt))
        except ProblemError as error:
            # Not chained: what the other side said is in the cause as well.
            raise ProblemError(self._secrets.scrubbed_problem(error.problem)) from None

    async def close(self) -> None:
        await self.mcp.close()
        await self._reach.close()

    async def _in_time(self, attempt: Attempt) -> Json:
        seconds = attempt.tool.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await self._made(attempt)
        except TimeoutError as error:
            raise attempt.too_late(seconds) from error

    async def _made(self, attempt: Attempt) -> Json:
        if attempt.tool.http is not None:
            return await self._http.call(attempt, attempt.tool.http)
        if attempt.tool.library is not None:
            return await searched(attempt, attempt.tool.library, self._library)
        if attempt.tool.mcp is not None:
            return await self.mcp.call(attempt, attempt.tool.mcp)
        return await self.functions.call(attempt, self._secrets)

    def _turn(self, attempt: Attempt, limit: int) -> asyncio.Semaphore:
        """One queue per tenant, tool and limit: a version with another limit has its own."""
        key = attempt.tenant, f"{attempt.tool.name}:{limit}"
        return self._turns.setdefault(key, asyncio.Semaphore(limit))
