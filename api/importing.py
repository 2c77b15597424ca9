"""An execution that was exported elsewhere becomes one of the importer's.

Nothing in its bundle is believed: the id and the tenant are ours, the plan's hash is made anew. Its log and artifacts
are written first and its record last: one that was cut off is not there at all, and can be imported again.
"""

from __future__ import annotations

import asyncio
import hashlib

from activities.finishing import last_event, sum_up
from api.bundle_reading import read_bundle
from api.starting import checked_key
from api.zipped import unzipped
from domain.bundles import Bundle, BundledEvent
from domain.errors import Code, Fault, Problem
from domain.events import TERMINAL, Draft
from domain.executions import Execution, Status, StopReason
from services.executions import new_execution_id
from services.identity import Principal
from services.wiring import Services

AT_ONCE = 50
"""Events written in one transaction."""


async def import_bundle(
    services: Services, caller: Principal, content: bytes, is_zip: bool, key: str | None
) -> tuple[Execution, bool]:
    """The imported execution and True; or, for a `key` that was sent before with the same bundle, that one and False.

    Raises `Unreadable`, or `ProblemError`: invalid_request, too_large, conflict.
    """
    content = await asyncio.to_thread(unzipped, content) if is_zip else content
    idempotency = (checked_key(key), f"import:{hashlib.sha256(content).hexdigest()}") if key is not None else None
    if idempotency and (existing := await services.executions.of_key(caller.tenant, *idempotency)):
        return existing, False
    bundle = await asyncio.to_thread(read_bundle, content)
    execution = _imported(bundle, caller, await services.plans.save(caller.tenant, bundle.plan))
    try:
        return await _kept(services, execution, bundle, idempotency)
    except Exception:
        await services.executions.discard(execution.tenant, execution.id)
        raise


async def _kept(
    services: Services, execution: Execution, bundle: Bundle, idempotency: tuple[str, str] | None
) -> tuple[Execution, bool]:
    await _write_log(services, execution, bundle.events)
    if not bundle.execution.status.is_ended:
        sums = await sum_up(services.events, execution.tenant, execution.id)
        execution = execution.model_copy(update={"usage": sums.usage, "turns": sums.turns})
    if not any(event.type in TERMINAL for event in bundle.events):
        await services.events.append(execution.tenant, execution.id, [last_event(execution)], is_news=False)
    return await services.executions.keep(execution, idempotency)


def _imported(bundle: Bundle, caller: Principal, plan: str) -> Execution:
    about = bundle.execution
    known = {name: getattr(about, name) for name in type(about).model_fields}
    if not about.status.is_ended:
        known |= {"status": Status.CANCELED, "stop_reason": StopReason.CANCELED, "ended": bundle.exported}
        known["error"] = _exported_before_its_end(about.status)
    ours = {"id": new_execution_id(), "tenant": caller.tenant, "plan": plan, "started_by": caller.name}
    return Execution.model_validate({**known, **ours, "imported_from": about.id})


async def _write_log(services: Services, execution: Execution, events: tuple[BundledEvent, ...]) -> None:
    """In its order, so that every event gets the offset that it had."""
    for begin in range(0, len(events), AT_ONCE):
        drafts = [
            Draft.model_validate(event.model_dump(exclude={"offset"})) for event in events[begin : begin + AT_ONCE]
        ]
        await services.events.append(execution.tenant, execution.id, drafts, is_news=False)


def _exported_before_its_end(status: Status) -> Problem:
    return Problem(
        code=Code.CANCELED,
        message=f"It was exported while it was {status}: what came after that is not in its bundle.",
        action="Retry it to go on from what was finished, or import a bundle that was exported after its end.",
        fault=Fault.CALLER,
    )
