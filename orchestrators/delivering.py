"""Tells the caller's webhook that the execution has ended, over days if need be. Deterministic.

The execution's record and log are closed by then and wait for nothing here; only this instance still runs.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain.errors import Problem
from domain.values import Json
from domain.webhooks import ATTEMPTS, WAITS, Delivery, Webhook, wait_after
from orchestrators.run import attempted, dumped

MOST_TRIES = 2 * ATTEMPTS
"""Of the activity: one that the platform could not run is no attempt, and is not repeated for ever either."""


def deliver(context: DurableOrchestrationContext, payload: dict[str, Json], ending: str) -> Generator[Any, Any, None]:
    """Deliver to the `webhook` of the orchestrator's input, if there is one that wants to know of this ending.

    `ending` is the execution's final status, as `finish` answered it.
    """
    written = payload.get("webhook")
    if written is None or ending not in Webhook.model_validate(written).events:
        return
    tenant, execution, number = payload["tenant"], payload["execution"], 1
    for _ in range(MOST_TRIES):
        delivery = Delivery(tenant=tenant, execution=execution, number=number)
        answer = yield from attempted(context.call_activity("deliver", dumped(delivery)))
        if isinstance(answer, Problem):
            wait = wait_after(execution, number) or WAITS[-1]
        elif answer["wait"] is None:
            return
        else:
            wait, number = timedelta(seconds=answer["wait"]), number + 1
        yield context.create_timer(context.current_utc_datetime + wait)
