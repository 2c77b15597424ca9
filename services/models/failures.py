"""What the errors of the `openai` client mean, as typed problems. Slow to import."""

from __future__ import annotations

import httpx
import openai

from domain.errors import Code, Fault, ProblemError
from services.models.problems import Unserved, bad_answer, filtered, rate_limited, refused, unreachable
from services.retry_after import retry_after

_SHOWN = 300
_NOT_TAKEN = (Code.MODEL_UNREACHABLE, Code.MODEL_RATE_LIMITED)
_QUOTA = "insufficient_quota"
_FILTERED = "content_filter"


def of_request(error: openai.APIError, secret: str) -> ProblemError:
    """Like `of_error`, of a request that got no answer: `Unserved` where the endpoint is down or throttled.

    Not so when it ran out of time: it may be at work, and its answer have a price.
    """
    found = of_error(error, secret)
    late = isinstance(error, openai.APITimeoutError) and not isinstance(error.__cause__, httpx.ConnectTimeout)
    used_up = isinstance(error, openai.APIStatusError) and error.code == _QUOTA
    if used_up or (found.problem.code in _NOT_TAKEN and not late):
        return Unserved(found.problem)
    return found


def of_error(error: openai.APIError, secret: str) -> ProblemError:
    """The problem behind an error of the client. `secret` is never repeated, even if the endpoint does."""
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, secret)
    if isinstance(error, openai.APITimeoutError):
        return unreachable("The model endpoint did not answer in time.")
    if isinstance(error, openai.APIConnectionError):
        return unreachable(f"The model endpoint could not be reached: {_safe(_cause(error), secret)}")
    if error.code == _FILTERED:
        return filtered()
    return bad_answer(f"the endpoint broke off with an error: {_safe(error.message, secret)}")


def _of_status(error: openai.APIStatusError, secret: str) -> ProblemError:
    status, said = error.status_code, _safe(_said(error), secret)
    if error.code == _FILTERED:
        return filtered()
    if error.code == _QUOTA:
        return refused(
            "The quota of the model account is used up.", "Raise it with the model's provider.", Fault.PLATFORM
        )
    if status == 429:
        return rate_limited(retry_after(error.response.headers))
    if status >= 500 or status in (408, 409, 425):
        return unreachable(f"The model endpoint answered {status}: {said}", retry_after(error.response.headers))
    return _refusal(status, said)


def _refusal(status: int, said: str) -> ProblemError:
    if status in (401, 403):
        # What it said is left out: endpoints like to repeat part of the key.
        action = "Check the key or identity that this deployment uses for the model endpoint."
        return refused(f"The model endpoint did not accept our credentials ({status}).", action, Fault.PLATFORM)
    if status == 404:
        action = (
            "Check the model's name and the endpoint's address: MODEL_NAME and MODEL_ALIASES, or the model's entry."
        )
        return refused(f"The model endpoint does not know this model or address: {said}", action, Fault.PLATFORM)
    action = "Correct the request: the agent's settings, its schema, or the size of its input."
    return refused(f"The model endpoint refused the request ({status}): {said}", action, Fault.AUTHOR)


def _said(error: openai.APIStatusError) -> str:
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return message if isinstance(message, str) else error.message


def _cause(error: openai.APIConnectionError) -> str:
    return str(error.__cause__ or error.message)


def _safe(text: str, secret: str) -> str:
    line = " ".join((text.replace(secret, "***") if secret else text).split())
    return line[:_SHOWN] + ("…" if len(line) > _SHOWN else "")
