"""Calls of servers' tools, and what servers offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.errors import Fault, ProblemError
from domain.tools import McpCall
from domain.values import Json
from services.mcp.discovery import Discovered, discovered, fingerprint
from services.mcp.results import value_of
from services.mcp.servers import McpServer, McpServers, ServersError
from services.mcp.sessions import NoSession, Session, Sessions
from services.reaching import Resolve, line
from services.secrets import Secrets
from services.telemetry.here import outgoing
from services.tools.attempts import Attempt
from services.tools.problems import tool_failed, tool_refused

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult
    from mcp.types import Tool as Offered

DISCOVER_SECONDS = 60.0
"""For a server to start, and to say all that it offers."""
MOST_PAGES = 20
"""Of a server's list of tools."""
KEY = "Idempotency-Key"
"""In the request's `_meta`."""


class _Listed(NamedTuple):
    """A session in use, and what its server offers."""

    session: Session
    client: Client
    offers: list[Offered]


class McpTools:
    """Raises `ProblemError`: tool_refused, tool_failed, tool_uncertain, secret_unavailable."""

    def __init__(self, servers: McpServers, secrets: Secrets, resolve: Resolve | None) -> None:
        self._servers = servers
        self._secrets = secrets
        self._sessions = Sessions(secrets, resolve)

    def servers(self, tenant: str) -> dict[str, McpServer]:
        """Those the tenant may use, by name."""
        try:
            return self._servers.of(tenant)
        except ServersError as error:
            raise tool_refused(
                str(error), "Correct the file; the app reads it when it starts.", Fault.PLATFORM
            ) from error

    async def discover(self, tenant: str, name: str) -> list[Discovered]:
        """What the server offers. It must be one that the tenant may use."""
        try:
            async with asyncio.timeout(DISCOVER_SECONDS):
                async with self._listed(tenant, name, self.servers(tenant)[name], "") as found:
                    return [discovered(name, offered) for offered in found.offers]
        except TimeoutError as error:
            said = f"MCP server `{name}` did not say within {DISCOVER_SECONDS:g} seconds what it offers."
            raise tool_failed(said) from error

    async def call(self, attempt: Attempt, call: McpCall) -> Json:
        server = self.servers(attempt.tenant).get(call.server)
        if server is None:
            action = "Have it declared in MCP_SERVERS_FILE, or correct the tool's `server`."
            raise tool_refused(
                f"There is no MCP server `{call.server}` for you in this deployment.", action, Fault.PLATFORM
            )
        # What the server offers is asked for each time: it says whether the session still lives, before anything is
        # begun that nobody could tell the end of; and whether the tool is still the one that was read.
        async with self._listed(attempt.tenant, call.server, server, call.tool) as found:
            _check(call, next((offered for offered in found.offers if offered.name == call.tool), None))
            result = await self._called(attempt, call, found)
        try:
            return value_of(attempt, result, self._secrets)
        except (ValueError, TypeError, RecursionError) as error:
            raise tool_failed(f"Tool `{attempt.tool.name}` answered with what is no JSON: {line(error)}.") from error

    async def close(self) -> None:
        await self._sessions.close()

    async def _called(self, attempt: Attempt, call: McpCall, found: _Listed) -> CallToolResult:
        meta: Any = {KEY: attempt.key, **outgoing()}
        attempt.begin()
        try:
            return await found.client.call_tool(call.tool, attempt.arguments, meta=meta)
        except ProblemError:
            raise
        except Exception as error:  # the package raises anything
            said = self._secrets.scrubbed(line(error))
            if _is_answer(error):
                message = f"MCP server `{call.server}` refused the call: {said}."
                raise tool_refused(message, "Correct the tool.") from error
            if _is_told(error):
                raise attempt.cut_off(f"the server could not finish it ({said}).") from error
            self._sessions.drop(attempt.tenant, call.server, found.session)
            raise attempt.cut_off(f"the session was lost ({said}).") from error

    @asynccontextmanager
    async def _listed(self, tenant: str, name: str, server: McpServer, tool: str) -> AsyncIterator[_Listed]:
        """A session that lives, and its offers as far as `tool`. One that broke is made again: nothing was called."""
        async with AsyncExitStack() as held:
            again = False
            while True:
                session = await held.enter_async_context(self._sessions.using(tenant, name, server))
                try:
                    client = await session.client()
                    found = _Listed(session, client, [offered async for offered in _offers(client, tool)])
                    break
                except ProblemError:
                    raise
                except Exception as error:  # the package raises anything
                    self._sessions.drop(tenant, name, session)
                    if isinstance(error, NoSession) or again:
                        said = self._secrets.scrubbed(line(error))
                        raise tool_failed(f"MCP server `{name}` cannot be reached: {said}.") from error
                    again = True
            yield found


async def _offers(client: Client, tool: str) -> AsyncIterator[Offered]:
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for offered in page.tools:
            yield offered
        cursor = page.next_cursor
        if cursor is None or any(offered.name == tool for offered in page.tools):
            return


def _check(call: McpCall, offered: Offered | None) -> None:
    if offered is None:
        action = "Correct the tool's `tool`; `meta-agents tool discover` lists what there is."
        raise tool_refused(f"MCP server `{call.server}` offers no tool `{call.tool}`.", action)
    if call.fingerprint is not None and call.fingerprint != fingerprint(offered):
        said = "describes it, or what it takes, in another way than when it was imported"
        action = "Read what it says now (`meta-agents tool discover`), and import it again if that is right."
        raise tool_refused(f"MCP server `{call.server}` has changed tool `{call.tool}`: it {said}.", action)


def _is_answer(error: Exception) -> bool:
    """Whether the server itself said no, and so did nothing."""
    from mcp.types import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND  # noqa: PLC0415 - slow to import

    return _code(error) in (INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND)


def _is_told(error: Exception) -> bool:
    """Whether the server said that it failed: the session goes on."""
    from mcp.types import CONNECTION_CLOSED  # noqa: PLC0415 - slow to import

    return _code(error) not in (None, CONNECTION_CLOSED)


def _code(error: Exception) -> int | None:
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415 - slow to import

    return error.code if isinstance(error, MCPError) else None
