"""What came of telling an execution's webhook of its end."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.executions import existing
from domain.errors import Code, Fault, Problem, ProblemError
from domain.executions import Execution
from domain.webhooks import Attempt, DeliveryState, Webhook, webhook_id
from services.wiring import services

router = APIRouter(prefix="/api/executions/{id}", tags=["executions"])


@router.get("/webhook", summary="Read what came of telling the webhook of its end")
async def webhook(caller: Caller, id: str) -> Response:
    execution = await existing(caller, id)
    if execution.webhook is None:
        raise ProblemError(_none())
    attempts = await services().deliveries.attempts(execution.tenant, execution.id)
    return JSONResponse(
        {
            **execution.webhook.model_dump(mode="json"),
            "state": _state(execution, execution.webhook, attempts),
            "webhook_id": webhook_id(execution.id, execution.status) if execution.status.is_ended else None,
            "attempts": [attempt.model_dump(mode="json", exclude={"next"}) for attempt in attempts],
            "next": attempts[-1].model_dump(mode="json")["next"] if attempts else None,
        }
    )


def _state(execution: Execution, webhook: Webhook, attempts: Sequence[Attempt]) -> DeliveryState:
    if not execution.status.is_ended:
        return DeliveryState.WAITING
    if execution.status not in webhook.events:
        return DeliveryState.SKIPPED
    if not attempts or attempts[-1].next is not None:
        return DeliveryState.DELIVERING
    return DeliveryState.DELIVERED if attempts[-1].is_delivered else DeliveryState.GIVEN_UP


def _none() -> Problem:
    return Problem(
        code=Code.NOT_FOUND,
        message="This execution has no webhook.",
        action="Name one in `webhook` when you start an execution; this one's result is in its record.",
        fault=Fault.CALLER,
    )
