"""Tell a webhook that a budget has paused its execution: at least once, unless it has gone on by then."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

from domain.executions import Execution
from domain.values import Json
from domain.webhooks import wait_after
from services.webhooks.pauses import Untold
from services.wiring import Services

log = logging.getLogger("meta_agents.webhooks")

_FACTS = ("id", "workflow", "workflow_version", "status", "paused_for")


async def tell_of_pause(services: Services, untold: Untold, now: datetime) -> None:
    """One attempt; whether there is another is noted."""
    execution = await services.executions.get(untold.tenant, untold.execution)
    if execution is None or execution.webhook is None or execution.paused_for is None:
        await services.pause_hooks.forget(untold)
        return
    answer = await services.webhooks.send(execution.webhook, untold.id, body_of_pause(execution, untold.since))
    wait = None if answer.is_final else wait_after(untold.id, untold.number, answer.retry_after)
    if answer.error:
        log.warning("webhook of %s at %s: %s", execution.id, execution.webhook.target.authority, answer.error)
    if wait is None:
        await services.pause_hooks.forget(untold)
    else:
        await services.pause_hooks.again(untold, now + timedelta(seconds=wait.total_seconds()))


def body_of_pause(execution: Execution, since: datetime) -> str:
    """The message, the same at every attempt."""
    record = execution.model_dump(mode="json", include=set(_FACTS), exclude_none=True)
    data: dict[str, Json] = {fact: record[fact] for fact in _FACTS if fact in record}
    message = {"type": "execution.paused", "timestamp": since.isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
