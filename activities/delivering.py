"""Tell a webhook that an execution has ended: one attempt, recorded before its outcome is returned.

A crash in between makes the attempt again, with the same `webhook-id`: a receiver gets it at least once.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from time import monotonic

from domain.executions import Execution, Status
from domain.tracing import root_of
from domain.values import ARTIFACT_BYTES, Json, size_of
from domain.webhooks import Attempt, Delivery, Webhook, wait_after, webhook_id
from services.telemetry import names
from services.telemetry.here import Here, being
from services.webhooks.sender import Answer
from services.wiring import Services

log = logging.getLogger("meta_agents.webhooks")

_FACTS = ("id", "workflow", "workflow_version", "status", "stop_reason", "usage", "turns")


async def perform_delivery(delivery: Delivery, services: Services) -> float | None:
    """Seconds until the next attempt is due; None when there is to be none."""
    tenant, id, number = delivery.tenant, delivery.execution, delivery.number
    attempt = await services.deliveries.get(tenant, id, number)
    if attempt is None:
        execution = await services.executions.get(tenant, id)
        if execution is None or execution.webhook is None:
            return None  # deleted since
        made = await _make(execution, execution.webhook, number, services)
        attempt = await services.deliveries.record(tenant, id, made)
    return None if attempt.next is None else max(0.0, (attempt.next - datetime.now(UTC)).total_seconds())


async def _make(execution: Execution, webhook: Webhook, number: int, services: Services) -> Attempt:
    trace = root_of(execution.trace, execution.id) if execution.trace else None
    with being(Here(trace, execution.tenant, execution.id)):
        begun, before = datetime.now(UTC), monotonic()
        answer = await _sent(execution, webhook, number, services)
        wait = None if answer.is_final else wait_after(execution.id, number, answer.retry_after)
        ended = begun + timedelta(seconds=monotonic() - before)
        if answer.error:
            log.warning("webhook of %s at %s: %s", execution.id, webhook.target.authority, answer.error)
    return Attempt(
        number=number,
        time=begun,
        seconds=round((ended - begun).total_seconds(), 3),
        status=answer.status,
        error=answer.error,
        next=ended + wait if wait else None,
    )


async def _sent(execution: Execution, webhook: Webhook, number: int, services: Services) -> Answer:
    about = {names.EXECUTION: execution.id, names.TENANT: execution.tenant, "server.address": webhook.target.authority}
    with services.telemetry.span("deliver webhook", "client", {**about, names.ATTEMPT: number}) as told:
        answer = await services.webhooks.send(webhook, webhook_id(execution.id, execution.status), body_of(execution))
        if answer.status is not None:
            told["http.response.status_code"] = answer.status
        if answer.error:
            told[names.ERROR_TYPE] = str(answer.status or "unreachable")
    return answer


def body_of(execution: Execution) -> str:
    """The message, the same at every attempt. A large output is left out: `output_path` leads to it."""
    record = execution.model_dump(mode="json", include={*_FACTS, "ended"})
    data: dict[str, Json] = {fact: record[fact] for fact in _FACTS}
    if execution.error is not None:
        data["error"] = execution.error.model_dump(mode="json", exclude_none=True)
    if execution.status is Status.COMPLETED and size_of(execution.output) <= ARTIFACT_BYTES:
        data["output"] = execution.output
    elif execution.status is Status.COMPLETED:
        data["output_path"] = f"/api/executions/{execution.id}"
    message = {"type": f"execution.{execution.status}", "timestamp": record["ended"], "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
