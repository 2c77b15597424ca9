"""Tools that are requests to another service, on a host that the deployment lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domain.errors import Fault
from domain.expressions import as_text, render, render_all, render_text
from domain.secrets import SecretReference
from domain.tools import HttpCall, Text
from domain.values import Json
from domain.webhooks import Target
from services.reaching import NotReached, Reach, line
from services.retry_after import retry_after
from services.secrets import Secrets
from services.tools.attempts import Attempt, parsed
from services.tools.problems import tool_failed, tool_refused

if TYPE_CHECKING:
    import httpx

_AGAIN = frozenset({408, 425, 429})
_NOT_DONE = frozenset({501, 503, 505})
"""Failures of a server that has not begun."""
_TEXTS = ("json", "xml", "yaml", "javascript", "csv", "x-www-form-urlencoded", "graphql")
"""What the second half of a content type has in it when the content is a text."""
_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16", "shift_jis", "gbk"})
"""Python knows more, some of which are no charsets."""
_SHOWN = 200


class HttpTools:
    """Raises `ProblemError`: tool_refused, tool_failed, tool_uncertain, secret_unavailable, expression_failed."""

    def __init__(self, reach: Reach, secrets: Secrets) -> None:
        self._reach = reach
        self._secrets = secrets

    async def call(self, attempt: Attempt, http: HttpCall) -> Json:
        import httpx  # noqa: PLC0415 - slow to import

        request, target = self._built(attempt, http)
        name = attempt.tool.name
        try:
            response = await self._reach.send(request, target, attempt.begin)
            try:
                content = await _content(attempt, response)
            finally:
                await response.aclose()
        except NotReached as error:
            if error.forbidden:
                action = f"Have `{target.authority}` added to TOOL_HOSTS, or correct the tool's `url`."
                raise tool_refused(f"Tool `{name}`: {error}", action, Fault.PLATFORM) from error
            raise tool_failed(f"Tool `{name}`: {error}") from error
        except httpx.DecodingError as error:
            raise tool_failed(f"Tool `{name}` answered with what cannot be decoded: {line(error)}.") from error
        except httpx.HTTPError as error:
            raise attempt.cut_off(f"the connection was lost ({type(error).__name__}).") from error
        return self._answer(attempt, response, content)

    def _built(self, attempt: Attempt, http: HttpCall) -> tuple[httpx.Request, Target]:
        import httpx  # noqa: PLC0415 - slow to import

        scope = {"arguments": attempt.arguments}
        address = render_text(http.url, scope, _encoded)
        try:
            target = Target.of(str(httpx.URL(address)))
        except (ValueError, httpx.InvalidURL) as error:
            said = f"`{address[:_SHOWN]}` is no address that a tool can have: {error}"
            raise tool_refused(said, "Begin it with https:// and a host name.") from error

        def filled(text: Text) -> Json:
            if isinstance(text, SecretReference):
                return self._secrets.for_host(text, attempt.tenant, target)
            return render(text, scope)

        url = httpx.URL(address)
        query = [pair for name, text in http.query.items() for pair in _pairs(name, filled(text))]
        if query:
            url = url.copy_with(params=[*url.params.multi_items(), *query])
        given = {name: filled(text) for name, text in http.headers.items()}
        headers = {name: _header(name, value) for name, value in given.items() if value is not None}
        headers = {"User-Agent": "Meta-Agents", "Accept": "application/json, text/*;q=0.9, */*;q=0.1", **headers}
        headers["Idempotency-Key"] = attempt.key
        body: dict[str, Any] = {} if http.method in ("GET", "DELETE") else {"json": render_all(http.body, scope)}
        return httpx.Request(http.method, url, headers=headers, **body), target

    def _answer(self, attempt: Attempt, response: httpx.Response, content: bytes) -> Json:
        name, status, kind = attempt.tool.name, response.status_code, response.headers.get("content-type", "")
        # Before anything is cut short: half a secret would not be found any more.
        text = self._secrets.scrubbed(content.decode(_charset(response), errors="replace"))
        if status >= 500 and status not in _NOT_DONE and attempt.tool.delivery == "at_most_once":
            # It broke while it worked, or whoever stands before it lost sight of it.
            raise attempt.cut_off(f"it answered {status}: {text[:_SHOWN]}")
        if status in _AGAIN or status >= 500:
            raise tool_failed(f"Tool `{name}` answered {status}: {text[:_SHOWN]}", retry_after(response.headers))
        if response.is_redirect:
            action = "Give the tool the address that this one leads to."
            raise tool_refused(f"Tool `{name}` answered {status}, and redirects are not followed.", action)
        if not response.is_success:
            action = "Correct the arguments, or the tool's address."
            raise tool_refused(f"Tool `{name}` answered {status}: {text[:_SHOWN]}", action)
        if content and not _is_text(kind):
            action = "Ask the service for JSON or text, with an `Accept` header for example."
            raise tool_refused(f"Tool `{name}` answered with `{kind[:80]}`, which is no text.", action)
        if not content or "json" not in kind:
            return text
        try:
            return parsed(text)
        except (ValueError, RecursionError) as error:
            raise tool_failed(f"Tool `{name}` answered with JSON that is none: {line(error)}.") from error


async def _content(attempt: Attempt, response: httpx.Response) -> bytes:
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > attempt.most_bytes:
            raise attempt.too_much()
    return bytes(content)


def _encoded(value: Json) -> str:
    """A value as one part of an address: it can lead nowhere else."""
    text = as_text(value)
    if text in (".", ".."):
        raise tool_refused(f"{text!r} cannot be a part of a tool's address.", "Correct the step's `arguments`.")
    return quote(text, safe="")


def _pairs(name: str, value: Json) -> list[tuple[str, str]]:
    values = value if isinstance(value, list) else [value]
    return [(name, as_text(one)) for one in values if one is not None]


def _header(name: str, value: Json) -> str:
    text = as_text(value).strip()
    if not (text.isascii() and text.isprintable()):
        raise tool_refused(
            f"Header `{name}` would have something else in it than printable ASCII.", "Correct the `arguments`."
        )
    return text


def _is_text(kind: str) -> bool:
    kind = kind.partition(";")[0].strip().lower()
    first, _, second = kind.partition("/")
    return not kind or first == "text" or any(part in second for part in _TEXTS)


def _charset(response: httpx.Response) -> str:
    charset = (response.charset_encoding or "").lower()
    return charset if charset in _CHARSETS else "utf-8"
