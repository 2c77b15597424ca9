"""Every way a model call goes wrong, as a typed problem."""

from __future__ import annotations

from domain.errors import Code, Fault, Problem, ProblemError

_QUOTA = "raise the quota or lower MODEL_CONCURRENCY"


class Unserved(ProblemError):
    """The endpoint did not take the request: nothing was billed, nothing shown, and another may be asked at once."""


def unreachable(message: str, retry_after: float | None = None) -> ProblemError:
    return ProblemError(
        Problem(
            code=Code.MODEL_UNREACHABLE,
            message=message,
            action="Check the model endpoint and the way to it; the call is tried again by itself.",
            fault=Fault.MODEL,
            retryable=True,
            retry_after=retry_after,
        )
    )


def refused(message: str, action: str, fault: Fault) -> ProblemError:
    return ProblemError(Problem(code=Code.MODEL_REFUSED, message=message, action=action, fault=fault))


def bad_answer(why: str) -> ProblemError:
    return ProblemError(
        Problem(
            code=Code.MODEL_BAD_ANSWER,
            message=f"The model's answer cannot be used: {why}",
            action="The call is tried again by itself; if that does not help, simplify the request or the schema.",
            fault=Fault.MODEL,
            retryable=True,
        )
    )


def cut_off(limit: int) -> ProblemError:
    return ProblemError(
        Problem(
            code=Code.MODEL_CUT_OFF,
            message=f"The answer reached {limit} tokens before its JSON was complete.",
            action="Raise the agent's max_output_tokens, or ask for a smaller answer.",
            fault=Fault.AUTHOR,
        )
    )


def filtered() -> ProblemError:
    return refused(
        "The model's content filter stopped the call.",
        "Reword the instructions or the input, or change the filter of the deployment.",
        Fault.AUTHOR,
    )


def rate_limited(wait: float | None) -> ProblemError:
    return ProblemError(_wait("The model endpoint asks us to slow down (429).", _QUOTA, Fault.MODEL, wait))


def resting(seconds: float) -> Unserved:
    said = "The model endpoint has asked us to wait, so it was not asked again."
    return Unserved(_wait(said, _QUOTA, Fault.MODEL, seconds))


def over_limits(alias: str, seconds: float) -> Unserved:
    said = f"Model `{alias}` has had its requests or tokens of this minute, so it was not asked."
    return Unserved(_wait(said, f"raise the limits of `{alias}`", Fault.PLATFORM, seconds))


def _wait(message: str, remedy: str, fault: Fault, seconds: float | None) -> Problem:
    return Problem(
        code=Code.MODEL_RATE_LIMITED,
        message=message,
        action=f"The call is tried again by itself; {remedy} if it happens often.",
        fault=fault,
        retryable=True,
        retry_after=seconds,
    )


def not_accepted(first: str, why: str) -> Problem:
    return Problem(
        code=Code.MODEL_NOT_ACCEPTED,
        message=f"The answer of `{first}`, the first of the cascade, was not accepted: {why}",
        action="The stronger model is asked by itself; if this happens often, it may as well be asked first.",
        fault=Fault.MODEL,
    )
