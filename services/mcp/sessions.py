"""Sessions with servers: one per server and tenant, opened when first needed, made again when it breaks."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from domain.errors import ProblemError
from domain.secrets import SecretReference
from domain.tools import MOST_BYTES
from services.entra import GetToken, token_provider
from services.mcp.servers import McpServer
from services.reaching import Resolve, line, look_up
from services.secrets import Secrets

if TYPE_CHECKING:
    from mcp import Client

START_SECONDS = 20.0
"""For a server to start, and to say what it is."""
CLOSE_SECONDS = 5.0
MOST_SESSIONS = 64
"""That are kept while nobody uses them."""


class NoSession(Exception):
    """The server could not be spoken to; nothing was asked of it. The message is a sentence."""


class Session:
    """One session. The package wants it opened and closed by the same task, so it has a task of its own."""

    def __init__(self, server: McpServer, tenant: str, secrets: Secrets, resolve: Resolve) -> None:
        self._server = server
        self._tenant = tenant
        self._secrets = secrets
        self._resolve = resolve
        self.users = 0
        """Calls that are under way in it."""
        self.is_dropped = False
        self._closing = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def client(self) -> Client:
        """Raises `NoSession`, or `ProblemError` secret_unavailable."""
        # Whoever gives up waiting does not end the session for the others.
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        self._closing.set()
        if not self._ready.done():
            self._task.cancel()
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._task
        self._task.cancel()

    async def _live(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(START_SECONDS):
                    client = await stack.enter_async_context(await self._made(stack))
                # It would apply the server's own schemas to its answers, with patterns that can take for ever.
                client.session.validate_tool_result = _taken_as_it_is  # type: ignore[method-assign]
                self._ready.set_result(client)
                await self._closing.wait()
        except asyncio.CancelledError:
            self._failed(NoSession("It was given up."))
            raise
        except TimeoutError:
            self._failed(NoSession(f"It did not start within {START_SECONDS:g} seconds."))
        except Exception as error:  # the package, and what it runs, raise anything, in groups
            self._failed(_reason(error))

    def _failed(self, error: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # nobody may be waiting any more

    async def _made(self, stack: AsyncExitStack) -> Client:
        client, parameters = await asyncio.to_thread(_package)
        if self._server.command is not None:
            program, *arguments = self._server.command
            env = {name: self._local(text) for name, text in self._server.env.items()}
            # The app's own Python: what it has installed is what is meant.
            given = parameters(command=sys.executable if program == "python" else program, args=arguments, env=env)
            return client(_piped(given), cache=None)  # type: ignore[no-any-return]
        return client(await self._connected(stack), cache=None)  # type: ignore[no-any-return]

    async def _connected(self, stack: AsyncExitStack) -> Any:
        import httpx2  # noqa: PLC0415 - slow to import
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - slow to import

        from services.mcp.transport import CheckedTransport  # noqa: PLC0415 - slow to import

        target = self._server.target
        headers = {
            name: self._secrets.for_host(text, self._tenant, target) if isinstance(text, SecretReference) else text
            for name, text in self._server.headers.items()
        }
        # Reading certificates takes a while: not on the event loop.
        about = (target, self._server.allowed, 2 * MOST_BYTES, self._resolve, self._token())
        transport = await asyncio.to_thread(CheckedTransport, *about)
        # Each call has a time limit of its own; a stream may be silent for as long as it likes.
        http = httpx2.AsyncClient(transport=transport, headers=headers, timeout=httpx2.Timeout(None))
        await stack.enter_async_context(http)
        return streamable_http_client(self._server.url or "", http_client=http, max_sse_event_size=2 * MOST_BYTES)

    def _token(self) -> GetToken | None:
        """Entra ID's for the identity of this process, where the server asks for that."""
        if self._server.entra is None:
            return None
        get_token = token_provider(self._server.entra)

        async def hidden() -> str:
            token = await get_token()
            self._secrets.hide(token)
            return token

        return hidden

    def _local(self, text: str | SecretReference) -> str:
        return self._secrets.local(text, self._tenant) if isinstance(text, SecretReference) else text


class Sessions:
    def __init__(self, secrets: Secrets, resolve: Resolve | None) -> None:
        self._secrets = secrets
        self._resolve = resolve or look_up
        self._sessions: dict[tuple[str, str], Session] = {}

    @asynccontextmanager
    async def using(self, tenant: str, name: str, server: McpServer) -> AsyncIterator[Session]:
        """One that is not known to be over. It is not closed before all who use it have done."""
        session = self._sessions.pop((tenant, name), None)
        if session is None or session.is_over:
            session = Session(server, tenant, self._secrets, self._resolve)
        self._sessions[tenant, name] = session  # at the end: the first is the one that was not used for longest
        session.users += 1
        try:
            await self._make_room()
            yield session
        finally:
            session.users -= 1
            if session.is_dropped and not session.users:
                await session.close()

    def drop(self, tenant: str, name: str, session: Session) -> None:
        """It is broken: the next call opens another. Those that it is used by meet their own end."""
        session.is_dropped = True
        if self._sessions.get((tenant, name)) is session:
            del self._sessions[tenant, name]

    async def close(self) -> None:
        sessions, self._sessions = list(self._sessions.values()), {}
        await asyncio.gather(*(session.close() for session in sessions))

    async def _make_room(self) -> None:
        idle = [key for key, session in self._sessions.items() if not session.users]
        for key in idle[: max(0, len(self._sessions) - MOST_SESSIONS)]:
            await self._sessions.pop(key).close()


@asynccontextmanager
async def _piped(parameters: Any) -> AsyncIterator[Any]:
    from mcp.client.stdio import stdio_client  # noqa: PLC0415 - slow to import

    # What it says on standard error could hold its secrets, and would be in our log.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230 - it never blocks
        async with stdio_client(parameters, errlog=nowhere) as streams:
            yield streams


async def _taken_as_it_is(name: str, result: Any) -> None:
    return None


def _package() -> tuple[Any, Any]:
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 - slow to import

    return Client, StdioServerParameters


def _reason(error: BaseException) -> Exception:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, ProblemError) else NoSession(f"{type(error).__name__}: {line(error)}.")
