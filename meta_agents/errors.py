"""What goes wrong between a client and the API: it refused (`ApiError`), or it could not be reached (`Unreachable`)."""

from __future__ import annotations

import httpx
from pydantic import ValidationError

from meta_agents.results import Detail, Json, Result


class MetaAgentsError(Exception):
    """`message` says what happened, `action` what to do about it, one sentence each."""

    def __init__(self, message: str, action: str) -> None:
        super().__init__(f"{message} {action}".strip())
        self.message = message
        self.action = action

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed a little later."""
        return False


class InvalidArgument(MetaAgentsError, ValueError):
    """Something was given that cannot be sent at all."""


_ABSENT = "Check that the app is running there (`make start`), or set META_AGENTS_URL."
_SLOW = "Try again; if it stays, GET /api/health?deep=true says which store of the app does not work."


class Unreachable(MetaAgentsError):
    """No answer: nobody listens there, the connection broke, or it took too long."""

    @property
    def is_temporary(self) -> bool:
        return True

    def __init__(self, message: str, *, slow: bool = False) -> None:
        """`slow`: somebody listens there, and took too long."""
        super().__init__(message, _SLOW if slow else _ABSENT)


class ApiError(MetaAgentsError):
    """The server's refusal. `code` is a stable name (docs/errors.md); `details` point at the bad fields."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        message: str,
        action: str = "",
        details: tuple[Detail, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, action)
        self.status = status
        self.code = code
        self.details = details
        self.retry_after = retry_after
        """Seconds to wait before trying again, where the server says so."""

    @property
    def is_temporary(self) -> bool:
        return self.status == 429 or self.status >= 500


class _ProblemDocument(Result):
    """The members of application/problem+json that an `ApiError` is made of."""

    code: str
    title: str = ""
    detail: str = ""
    action: str = ""
    retry_after: float | None = None
    errors: tuple[Detail, ...] = ()


def unreachable(request: httpx.Request, cause: httpx.RequestError) -> Unreachable:
    origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
    reason = str(cause) or type(cause).__name__
    slow = isinstance(cause, httpx.ReadTimeout)
    return Unreachable(f"{origin} did not answer: {reason.rstrip('.')}.", slow=slow)


def refusal(response: httpx.Response) -> ApiError:
    """The error that a read response of a status other than 2xx stands for."""
    try:
        problem = _ProblemDocument.model_validate_json(response.content)
    except ValidationError:
        return unexpected(response, "without saying why")
    return ApiError(
        status=response.status_code,
        code=problem.code,
        message=problem.detail or problem.title,
        action=problem.action,
        details=problem.errors,
        retry_after=problem.retry_after,
    )


def unexpected(response: httpx.Response, how: str) -> ApiError:
    """An answer that this API does not give: probably someone else's."""
    return ApiError(
        status=response.status_code,
        code="unexpected_answer",
        message=f"{response.request.url} answered {response.status_code} {how}.",
        action="Check that META_AGENTS_URL is the address of meta-agents, and not of something else.",
    )


def json_of(response: httpx.Response) -> Json:
    """The JSON of a read response. Raises `ApiError` for a refusal, or for an answer that is not JSON."""
    if not response.is_success:
        raise refusal(response)
    try:
        return response.json()
    except ValueError as error:
        raise unexpected(response, "with something that is not JSON") from error


def require_stream(response: httpx.Response) -> None:
    """Raises `ApiError` unless the response, if refused already read, is an event stream."""
    if not response.is_success:
        raise refusal(response)
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise unexpected(response, "with something that is not an event stream")
