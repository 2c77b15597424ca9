"""One attempt at one tool call, whatever the tool is made of."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domain.errors import Fault, ProblemError
from domain.expressions import as_text, render, render_all, render_text
from domain.tools import HttpCall, Tool
from domain.values import Json
from services.settings import Settings
from services.tools.functions import Functions, called
from services.tools.problems import tool_failed, tool_refused, tool_uncertain

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 4_000_000
"""Of a tool's answer."""
_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Attempt:
    """A call of `tool` with `arguments` that satisfy its schema; `key` is the same on every attempt."""

    tool: Tool
    arguments: Json
    key: str


class ToolClient:
    """Raises `ProblemError`: tool_refused, tool_failed, tool_uncertain."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = settings.tool_hosts
        self._functions = Functions(settings.tool_modules)
        self._http: httpx.AsyncClient | None = None

    async def call(self, attempt: Attempt) -> Json:
        seconds = attempt.tool.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                if attempt.tool.http is not None:
                    return await self._request(attempt, attempt.tool.http)
                return await self._function(attempt)
        except TimeoutError as error:
            why = f"it did not answer within {seconds:g} seconds."
            raise _cut_off(attempt.tool, why) from error

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def _function(self, attempt: Attempt) -> Json:
        name = attempt.tool.function or ""
        function = self._functions.find(name)
        if function is None:
            action = "Register it with `@tool_function`, in a module that TOOL_MODULES names."
            raise tool_refused(f"This deployment has no tool function `{name}`.", action, Fault.PLATFORM)
        try:
            found = await called(function, attempt.arguments, attempt.key)
            return json.loads(json.dumps(found, allow_nan=False))
        except (ProblemError, TimeoutError):
            raise
        except Exception as error:  # a function raises anything
            raise tool_failed(f"Tool `{attempt.tool.name}` failed: {type(error).__name__}: {error}"[:500]) from error

    async def _request(self, attempt: Attempt, http: HttpCall) -> Json:
        import httpx  # noqa: PLC0415 - slow to import

        if self._http is None:
            # Its time is limited by `call`, as a whole.
            self._http = httpx.AsyncClient(follow_redirects=False, timeout=None, trust_env=False)  # noqa: S113
        request = self._built(attempt, http)
        if request.url.netloc.decode() not in self._hosts and request.url.host not in self._hosts:
            action = f"Have `{request.url.host}` added to TOOL_HOSTS, or correct the tool's `url`."
            raise tool_refused(f"This deployment does not call `{request.url.host}`.", action, Fault.PLATFORM)
        try:
            response = await self._http.send(request, stream=True)
            try:
                return await _answer(attempt.tool, response)
            finally:
                await response.aclose()
        except httpx.ConnectError as error:
            raise tool_failed(f"Tool `{attempt.tool.name}` could not be reached: {error}") from error
        except httpx.HTTPError as error:
            raise _cut_off(attempt.tool, f"the connection was lost ({type(error).__name__}).") from error

    def _built(self, attempt: Attempt, http: HttpCall) -> httpx.Request:
        import httpx  # noqa: PLC0415 - slow to import

        scope = {"arguments": attempt.arguments}
        url = httpx.URL(render_text(http.url, scope, _encoded))
        if url.scheme not in ("http", "https") or url.userinfo:
            raise tool_refused(
                f"`{url}` is no address that a tool can have.", "Begin it with https:// and a host name."
            )
        headers = {name: as_text(render(value, scope)) for name, value in http.headers.items()}
        headers["Idempotency-Key"] = attempt.key
        body: dict[str, Any] = {} if http.method in ("GET", "DELETE") else {"json": render_all(http.body, scope)}
        return httpx.Request(http.method, url, headers=headers, **body)


def _encoded(value: Json) -> str:
    """A value as one part of an address: it can lead nowhere else."""
    text = as_text(value)
    if text in (".", ".."):
        raise tool_refused(f"{text!r} cannot be a part of a tool's address.", "Correct the step's `arguments`.")
    return quote(text, safe="")


async def _answer(tool: Tool, response: httpx.Response) -> Json:
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > MOST_BYTES:
            raise tool_refused(f"Tool `{tool.name}` answered with more than {MOST_BYTES} bytes.", "Ask it for less.")
    status, text = response.status_code, content.decode(errors="replace")
    if status in _AGAIN or status >= 500:
        after = response.headers.get("retry-after", "")
        wait = float(after) if after.isdecimal() else None
        raise tool_failed(f"Tool `{tool.name}` answered {status}: {text[:200]}", wait)
    if not response.is_success:
        action = "Correct the arguments, or the tool's address."
        raise tool_refused(f"Tool `{tool.name}` answered {status}: {text[:200]}", action)
    if "json" not in response.headers.get("content-type", ""):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise tool_failed(f"Tool `{tool.name}` answered with JSON that is none: {error}") from error


def _cut_off(tool: Tool, why: str) -> ProblemError:
    """A call that may have been carried out: made again only where that does no harm."""
    if tool.delivery == "at_most_once":
        return tool_uncertain(tool.name, why)
    return tool_failed(f"Tool `{tool.name}` failed: {why}")
