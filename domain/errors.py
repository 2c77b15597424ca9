"""Every way things go wrong, as data: a code, a sentence, what to do, whose fault, whether trying again can help."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Fault(StrEnum):
    """Whose move it is."""

    AUTHOR = "author"
    MODEL = "model"
    TOOL = "tool"
    PLATFORM = "platform"
    CALLER = "caller"


class Code(StrEnum):
    """Stable names that programs may branch on. Documented one by one in docs/errors.md."""

    INVALID_DEFINITION = "invalid_definition"
    INVALID_INPUT = "invalid_input"
    INVALID_REQUEST = "invalid_request"
    EXPRESSION_FAILED = "expression_failed"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition_failed"
    TOO_LARGE = "too_large"
    MODEL_UNREACHABLE = "model_unreachable"
    MODEL_RATE_LIMITED = "model_rate_limited"
    MODEL_REFUSED = "model_refused"
    MODEL_BAD_ANSWER = "model_bad_answer"
    MODEL_CUT_OFF = "model_cut_off"
    CONTEXT_EXCEEDED = "context_exceeded"
    MODEL_NOT_ACCEPTED = "model_not_accepted"
    TOOL_FAILED = "tool_failed"
    TOOL_REFUSED = "tool_refused"
    TOOL_UNCERTAIN = "tool_uncertain"
    SECRET_UNAVAILABLE = "secret_unavailable"  # noqa: S105 - a code
    TIMEOUT = "timeout"
    JOIN_UNMET = "join_unmet"
    NOT_RECORDED = "not_recorded"
    BUDGET_EXCEEDED = "budget_exceeded"
    NOBODY_ANSWERED = "nobody_answered"
    PLATFORM_FAILED = "platform_failed"
    CANCELED = "canceled"


class Detail(BaseModel):
    """One bad field: where (an RFC 6901 pointer into what was sent) and what to write instead."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    message: str


class Problem(BaseModel):
    """One failure, ready to be stored, shown, or sent as application/problem+json."""

    model_config = ConfigDict(frozen=True)

    code: Code
    message: str
    """One sentence: what happened."""
    action: str
    """One sentence: what to do about it."""
    fault: Fault
    retryable: bool = False
    retry_after: float | None = None
    """Seconds to wait before another try, as the other side asked."""
    details: tuple[Detail, ...] = ()


class ProblemError(Exception):
    """A `Problem` on its way to someone who can act on it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def invalid_definition(message: str, details: tuple[Detail, ...] = ()) -> Problem:
    action = "Correct the fields that are named and send the definition again; nothing was changed."
    return Problem(code=Code.INVALID_DEFINITION, message=message, action=action, fault=Fault.AUTHOR, details=details)


def invalid_input(message: str, details: tuple[Detail, ...] = ()) -> Problem:
    action = "Correct the fields that are named and send the request again; nothing was started."
    return Problem(code=Code.INVALID_INPUT, message=message, action=action, fault=Fault.CALLER, details=details)


def invalid_request(message: str, action: str, details: tuple[Detail, ...] = ()) -> Problem:
    return Problem(code=Code.INVALID_REQUEST, message=message, action=action, fault=Fault.CALLER, details=details)


def not_found(what: str, name: str) -> Problem:
    """The same answer whether it does not exist or belongs to another tenant."""
    return Problem(
        code=Code.NOT_FOUND,
        message=f"There is no {what} {name!r}.",
        action=f"Check the spelling, or list the {what}s you can see.",
        fault=Fault.CALLER,
    )


def platform_failed(message: str) -> Problem:
    return Problem(
        code=Code.PLATFORM_FAILED,
        message=message,
        action="Look at the host's log for the cause; retry the execution once it is mended.",
        fault=Fault.PLATFORM,
        retryable=True,
    )


def canceled() -> Problem:
    return Problem(
        code=Code.CANCELED,
        message="The execution was canceled.",
        action="Start it again, or retry it to go on from what was finished.",
        fault=Fault.CALLER,
    )


def context_exceeded(message: str, action: str) -> Problem:
    return Problem(code=Code.CONTEXT_EXCEEDED, message=message, action=action, fault=Fault.AUTHOR)


def not_recorded(message: str) -> Problem:
    return Problem(
        code=Code.NOT_RECORDED,
        message=message,
        action="Undo what was changed, or replay it live, which calls models and tools from where it differs.",
        fault=Fault.CALLER,
    )


def timed_out(message: str) -> Problem:
    return Problem(
        code=Code.TIMEOUT,
        message=message,
        action="Give it more time, or ask for less; a retry reuses what was finished.",
        fault=Fault.AUTHOR,
    )


def join_unmet(message: str) -> Problem:
    return Problem(
        code=Code.JOIN_UNMET,
        message=message,
        action="See why the branches failed, or ask for fewer of them in `join`; a retry reuses what was finished.",
        fault=Fault.AUTHOR,
    )


def nobody_answered(message: str) -> Problem:
    return Problem(
        code=Code.NOBODY_ANSWERED,
        message=message,
        action="Give people more time, escalate to others, or say in `otherwise` what counts; then retry.",
        fault=Fault.CALLER,
    )
