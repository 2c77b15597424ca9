"""One model call as orchestrators make it: one durable action a try, durable waits between tries.

Deterministic: waits are durable timers, computed from the policy and the context's clock.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain.calls import CallOutcome, ModelCall
from domain.errors import Code, Problem
from orchestrators.run import Run, attempted, dumped


def call_model(run: Run, call: ModelCall) -> Generator[Any, Any, CallOutcome]:
    """The call's outcome after as many tries as its policy allows. A finished call is never made again: same key."""
    policy = call.retry
    for failures in range(policy.attempts):
        attempt = call.model_copy(update={"failures": failures, "events": run.take_events()})
        answer = yield from attempted(run.activity("call_model", dumped(attempt)))
        if isinstance(answer, Problem):
            run.give_back(list(attempt.events))
            outcome = CallOutcome(error=answer)
        else:
            outcome = CallOutcome.model_validate(answer)
        error = outcome.error
        if error is None or not error.retryable or failures + 1 == policy.attempts:
            break
        if error.code is Code.MODEL_BAD_ANSWER:
            continue  # it is up and answering: waiting would not make the next answer better
        delay = policy.delay(failures + 1, error.retry_after)
        yield run.context.create_timer(run.context.current_utc_datetime + delay)
    return outcome
