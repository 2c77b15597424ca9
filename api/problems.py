"""Every failure as `application/problem+json` (RFC 9457), whoever noticed it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import Unreadable
from domain.errors import Code, Detail, Fault, Problem, ProblemError, invalid_request, platform_failed
from domain.validation import pointer
from services.settings import SettingsError

log = logging.getLogger("meta_agents.api")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 5
"""Seconds to wait when the platform failed and nothing better is known."""

STATUS: Mapping[Code, int] = {
    Code.INVALID_DEFINITION: 422,
    Code.INVALID_INPUT: 422,
    Code.EXPRESSION_FAILED: 422,
    Code.INVALID_REQUEST: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.PRECONDITION_FAILED: 412,
    Code.TOO_LARGE: 413,
    Code.PLATFORM_FAILED: 503,
    # Of a model that a request waits for: the one that embeds what is searched for.
    Code.MODEL_UNREACHABLE: 503,
    Code.MODEL_RATE_LIMITED: 503,
    Code.MODEL_REFUSED: 502,
    Code.MODEL_BAD_ANSWER: 502,
}
"""Codes that are not here end an execution, never a request."""


class ProblemDocument(BaseModel):
    """What every failed request is answered with."""

    type: str
    title: str
    status: int
    code: Code
    detail: str
    action: str
    fault: Fault
    retryable: bool
    retry_after: float | None = None
    errors: tuple[Detail, ...] = ()
    correlation: str | None = Field(default=None, description="Leads to the cause in the service's log.")

    @staticmethod
    def of(problem: Problem, status: int, correlation: str | None) -> ProblemDocument:
        return ProblemDocument(
            type=f"urn:meta-agents:problem:{problem.code}",
            title=problem.code.replace("_", " ").capitalize(),
            status=status,
            code=problem.code,
            detail=problem.message,
            action=problem.action,
            fault=problem.fault,
            retryable=problem.retryable,
            retry_after=problem.retry_after,
            errors=problem.details,
            correlation=correlation,
        )


class ProblemResponse(JSONResponse):
    """`status` goes before the code's own."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        problem: Problem,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        correlation: str | None = None,
    ) -> None:
        status = status or STATUS.get(problem.code, 500)
        document = ProblemDocument.of(problem, status, correlation).model_dump(mode="json", exclude_none=True)
        super().__init__(document, status, {**_headers(problem, status), **(headers or {})})


def _headers(problem: Problem, status: int) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(max(1, round(problem.retry_after or RETRY_AFTER)))}
    return {}


def install(app: FastAPI) -> None:
    """Answer every failure in `app` with a problem."""

    @app.exception_handler(ProblemError)
    async def of_problem(_: Request, error: ProblemError) -> Response:
        return ProblemResponse(error.problem)

    @app.exception_handler(Unreadable)
    async def of_body(_: Request, error: Unreadable) -> Response:
        return ProblemResponse(invalid_request(str(error), "Correct the body and send it again; nothing was changed."))

    @app.exception_handler(RequestValidationError)
    async def of_parameters(_: Request, error: RequestValidationError) -> Response:
        details = tuple(Detail(pointer=pointer(found["loc"]), message=found["msg"]) for found in error.errors())
        action = "Correct the parameters named in `errors` and send the request again."
        return ProblemResponse(invalid_request("The request's parameters are not valid.", action, details))

    @app.exception_handler(HTTPException)
    async def of_routing(request: Request, error: HTTPException) -> Response:
        return ProblemResponse(_routing_problem(request, error), error.status_code, error.headers)

    @app.exception_handler(SettingsError)
    async def of_settings(_: Request, error: SettingsError) -> Response:
        log.error("The settings cannot be used: %s", error)
        return ProblemResponse(platform_failed(f"The settings cannot be used: {error}"))

    @app.exception_handler(ClientDisconnect)
    async def of_disconnect(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it

    app.add_middleware(LastResort)


def _routing_problem(request: Request, error: HTTPException) -> Problem:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        action = "Use a method that docs/api.md lists for this path."
        return invalid_request(f"{request.url.path} does not take {request.method}.", action)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem(
            code=Code.NOT_FOUND,
            message=f"There is nothing at {request.url.path}.",
            action="Check the path; docs/api.md lists them all.",
            fault=Fault.CALLER,
        )
    return invalid_request(str(error.detail), "Correct the request and send it again.")


class LastResort:
    """Turns what nobody expected into a problem with a number that leads to the traceback in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # whatever it is, the caller gets an answer and the operator the traceback
            correlation = uuid.uuid4().hex
            log.exception("%s %s failed; correlation %s", scope["method"], scope["path"], correlation)
            if started:
                raise  # too late for another answer: the host breaks the connection off
            problem = platform_failed(f"Something failed that should not; the log has it under {correlation}.")
            response = ProblemResponse(problem, HTTPStatus.INTERNAL_SERVER_ERROR, correlation=correlation)
            await response(scope, receive, send)
