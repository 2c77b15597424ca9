"""End the steps that are not needed any more: mark them, say so, take their questions back, wake what waits in them."""

from __future__ import annotations

from domain.calls import CancelSteps
from domain.events import Draft, Event, EventType
from domain.paths import is_within
from domain.values import Json
from services.approvals import withdrawn
from services.control import canceled_id
from services.documents.base import Put
from services.waits import Waker
from services.wiring import Services

AT_ONCE = 30
"""Steps that are marked in one transaction, each with its event: beside what else is logged, as many as it may hold."""


async def perform_cancel(cancel: CancelSteps, services: Services, client: Waker) -> list[Event]:
    """The events that say so. Done twice it changes nothing.

    A step that only waited has noted by itself that it is canceled; why, is known here.
    """
    tenant, execution = cancel.tenant, cancel.execution
    # Ending a step anew, which was tried again meanwhile, is an event of its own: no mark comes without one, because by
    # events a call learns that there is something to look up.
    again = f":{cancel.tries}" if cancel.tries else ""
    sent = await _sent(cancel, services) if cancel.tries else set[str]()
    told = [
        Draft(
            id=f"{path}:{EventType.STEP_CANCELED}{again}",
            type=EventType.STEP_CANCELED,
            time=cancel.time,
            step=path,
            data={"reason": cancel.reason, **({} if path in sent else _span(cancel, path))},
        )
        for path in cancel.paths
    ]
    known = {f"{path}:{EventType.STEP_CANCELED}" for path in cancel.paths}
    others = [draft for draft in cancel.events if draft.id not in known]
    marks = [Put(canceled_id(path), {"reason": cancel.reason, "own": cancel.own}) for path in cancel.paths]
    events = await services.events.append(tenant, execution, [*others, *told[:AT_ONCE]], *marks[:AT_ONCE])
    for begin in range(AT_ONCE, len(told), AT_ONCE):
        piece = slice(begin, begin + AT_ONCE)
        events += await services.events.append(tenant, execution, told[piece], *marks[piece])
    await withdraw(services, tenant, execution, cancel.paths)
    for path in cancel.paths:
        await services.waits.wake(client, tenant, execution, path)
    return events


async def withdraw(services: Services, tenant: str, execution: str, paths: tuple[str, ...]) -> None:
    """Take back the questions that were asked in these steps."""
    for approval in await services.approvals.pending_of(tenant, execution):
        if any(is_within(approval.step, path) for path in paths):
            await services.approvals.settle(tenant, approval.id, withdrawn)


def _span(cancel: CancelSteps, path: str) -> dict[str, Json]:
    span = cancel.spans.get(path)
    return {} if span is None else {"trace": span.as_data()}


async def _sent(cancel: CancelSteps, services: Services) -> set[str]:
    """The steps whose span an earlier try has told the end of."""
    ends = ["", *(f":{number}" for number in range(1, cancel.tries))]
    ids = [f"{path}:{EventType.STEP_CANCELED}{end}" for path in cancel.spans for end in ends]
    found = await services.events.get(cancel.tenant, cancel.execution, ids)
    spans = {event.data["trace"]["span"] for event in found.values() if "trace" in event.data}
    return {path for path, span in cancel.spans.items() if span.span in spans}
