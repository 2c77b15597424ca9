"""Retry policies: what is read from `@app.retry`, how long each waits, when it gives up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devhost.retry import RetryContext, RetryError, RetryPolicy, parse_retry, with_retries

SECOND = timedelta(seconds=1)


class Flaky:
    """Fails the first `failures` times; notes the context of each attempt and each wait."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.contexts: list[RetryContext] = []
        self.waits: list[float] = []

    async def attempt(self, context: RetryContext) -> None:
        self.contexts.append(context)
        if len(self.contexts) <= self.failures:
            raise ValueError(f"failure {len(self.contexts)}")

    async def sleep(self, delay: timedelta) -> None:
        self.waits.append(delay.total_seconds())


async def test_it_is_retried_until_it_succeeds() -> None:
    flaky = Flaky(2)
    await with_retries(RetryPolicy(5, SECOND, SECOND), flaky.attempt, flaky.sleep)
    assert [(context.retry_count, context.max_retry_count) for context in flaky.contexts] == [(0, 5), (1, 5), (2, 5)]
    first, second, _ = (context.exception for context in flaky.contexts)
    assert first is None
    assert second is not None
    assert second.message == "ValueError: failure 1"
    assert "test_retry.py" in second.stack_trace
    assert flaky.waits == [1, 1]


async def test_the_last_failure_is_raised() -> None:
    flaky = Flaky(100)
    with pytest.raises(ValueError, match="failure 3"):
        await with_retries(RetryPolicy(2, SECOND, SECOND), flaky.attempt, flaky.sleep)


async def test_without_a_policy_there_is_one_attempt() -> None:
    flaky = Flaky(1)
    with pytest.raises(ValueError, match="failure 1"):
        await with_retries(None, flaky.attempt, flaky.sleep)
    assert flaky.contexts == [RetryContext(0, 0, None)]


async def test_minus_one_is_for_ever_and_delays_grow_to_their_limit() -> None:
    flaky = Flaky(40)
    await with_retries(RetryPolicy(-1, SECOND, 10 * SECOND), flaky.attempt, flaky.sleep)
    assert flaky.waits == [1, 2, 4, 8, *[10] * 36]


def test_policies_are_read_as_the_worker_does() -> None:
    fixed = {"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:00:05"}
    backoff = {"strategy": "exponential_backoff", "max_retry_count": "-1", "minimum_interval": "00:00:01"}
    assert parse_retry(None) is None
    assert parse_retry(fixed) == RetryPolicy(3, 5 * SECOND, 5 * SECOND)
    assert parse_retry(backoff) == RetryPolicy(-1, SECOND, (2**31 - 1) * SECOND)
    assert parse_retry({**backoff, "maximum_interval": "01:00:00"}) == RetryPolicy(-1, SECOND, 3600 * SECOND)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"strategy": "linear"}, "the retry strategy 'linear' is neither"),
        ({"max_retry_count": "many"}, "max_retry_count is 'many'"),
        ({"max_retry_count": "-2"}, "max_retry_count is '-2'"),
        ({"delay_interval": None}, "delay_interval is 'None'"),
        ({"delay_interval": "24:00:00"}, "delay_interval is '24:00:00'"),
    ],
)
def test_a_wrong_policy(changed: dict[str, str | None], reason: str) -> None:
    policy = {"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:00:05"}
    with pytest.raises(RetryError, match=reason):
        parse_retry({**policy, **changed})
