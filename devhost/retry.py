"""Function-level retries, `@app.retry`: for triggers whose events nobody else would send again."""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

_FOR_EVER = -1
_LONGEST = timedelta(seconds=2**31 - 1)


class RetryError(ValueError):
    """A retry policy that cannot be read. The message is half a sentence that says what is wrong."""


@dataclass(frozen=True)
class RpcException:
    """Why the attempt before failed, as user code reads it."""

    source: str
    stack_trace: str
    message: str


@dataclass(frozen=True)
class RetryContext:
    """`context.retry_context`. The first attempt has count 0 and no exception; without a policy both counts are 0."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException | None = None


NO_RETRY = RetryContext()


@dataclass(frozen=True)
class RetryPolicy:
    """`max_retry_count` retries after the first attempt (-1: for ever), each after `shortest` times a power of two.

    `longest` bounds the delay; it equals `shortest` for a fixed delay. Azure also spreads the delays by a fifth.
    """

    max_retry_count: int
    shortest: timedelta
    longest: timedelta

    def delay(self, retry: int) -> timedelta:
        """How long to wait before retry number `retry`, counted from 1."""
        doublings = min(retry - 1, 24)  # half a year from one second; far more than that is no `timedelta`
        return min(self.shortest * (1 << doublings), self.longest)

    def allows(self, retry: int) -> bool:
        return self.max_retry_count == _FOR_EVER or retry <= self.max_retry_count


async def with_retries(
    policy: RetryPolicy | None,
    attempt: Callable[[RetryContext], Awaitable[None]],
    sleep: Callable[[timedelta], Awaitable[None]],
) -> None:
    """Call `attempt` until it succeeds or the policy allows no more; then raise what the last one raised."""
    retry, limit, failure = 0, 0 if policy is None else policy.max_retry_count, None
    while True:
        try:
            return await attempt(RetryContext(retry, limit, failure))
        except Exception as error:  # user code raises anything, and any of it is retried
            retry += 1
            if policy is None or not policy.allows(retry):
                raise
            failure = _described(error)
        await sleep(policy.delay(retry))


def parse_retry(setting: Mapping[str, object] | None) -> RetryPolicy | None:
    """The policy of a function's `retry_policy` setting, read as Azure's worker reads it. Raises `RetryError`."""
    if setting is None:
        return None
    count = _count(setting.get("max_retry_count"))
    match setting.get("strategy"):
        case "fixed_delay":
            delay = _time(setting, "delay_interval", None)
            return RetryPolicy(count, delay, delay)
        case "exponential_backoff":
            shortest = _time(setting, "minimum_interval", timedelta())
            return RetryPolicy(count, shortest, _time(setting, "maximum_interval", _LONGEST))
        case strategy:
            raise RetryError(f"the retry strategy '{strategy}' is neither fixed_delay nor exponential_backoff")


def _count(value: object) -> int:
    try:
        count = int(str(value))
    except ValueError:
        count = _FOR_EVER - 1
    if count < _FOR_EVER:
        raise RetryError(f"max_retry_count is '{value}', not a whole number (-1: for ever)")
    return count


def _time(setting: Mapping[str, object], key: str, default: timedelta | None) -> timedelta:
    value = setting.get(key)
    if value is None and default is not None:
        return default
    try:
        parsed = time.strptime(str(value), "%H:%M:%S")
    except ValueError:
        raise RetryError(f"{key} is '{value}', not a time of the form hh:mm:ss below 24 hours") from None
    return timedelta(hours=parsed.tm_hour, minutes=parsed.tm_min, seconds=parsed.tm_sec)


def _described(error: Exception) -> RpcException:
    return RpcException("", "".join(traceback.format_exception(error)), f"{type(error).__name__}: {error}")
