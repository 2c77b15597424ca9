"""The wait step: until a time, or until an event is sent to the execution. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from domain import values
from domain.calls import Park
from domain.errors import timed_out
from domain.events import EventType
from domain.expressions import failed
from domain.steps import WaitEvent, WaitFor, WaitStep, WaitUntil, signal_preview
from domain.values import Value
from orchestrators.asking import arrived, without_error
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.tracing import wait_begun


def run_wait(run: Run, step: WaitStep, path: str, scope: Scope, _run_step: Any) -> Generator[Any, Any, Outcome]:
    match step.wait:
        case WaitFor() as wait:
            return (yield from _until(run, path, run.now + wait.for_, scope))
        case WaitUntil() as wait:
            written = yield from run.render(wait.until, scope, path)
            return (yield from _until(run, path, _moment(written, wait.until), scope))
        case WaitEvent() as wait:
            return (yield from _for_event(run, path, wait, scope))


def _until(run: Run, path: str, moment: datetime, scope: Scope) -> Generator[Any, Any, Outcome]:
    """Wait for the time. Its beginning is logged at once, so that whoever looks sees why nothing happens."""
    facts = {"for": "time", "until": moment.isoformat()}
    run.emit(EventType.STEP_WAITING, path, **facts, **wait_begun(run, scope.rules.trace))
    park = Park(**run.about(f"{path}!0", path, scope.rules.trace))
    while run.now < moment:
        sent, found = yield from run.insist("park", park)
        if (waited := arrived(found)) is not None:  # in the execution that is replayed
            return Outcome(value=waited, preview=f"waited until {waited['v']['until']}")
        if (yield from run.idle(sent.wake, moment)):
            break
    return Outcome(value=values.inline({"until": moment.isoformat()}), preview=f"waited until {moment.isoformat()}")


def _for_event(run: Run, path: str, wait: WaitEvent, scope: Scope) -> Generator[Any, Any, Outcome]:
    until = run.now + wait.within if wait.within else None
    facts = {"for": "event", "event": wait.event, "until": until.isoformat() if until else None}
    run.emit(EventType.STEP_WAITING, path, **facts, **wait_begun(run, scope.rules.trace))
    park = Park(**run.about(f"{path}!0", path, scope.rules.trace), signal=wait.event)
    while True:
        sent, found = yield from run.insist("park", park)
        arrival = without_error(found)
        if arrival.value is not None:
            return Outcome(value=arrival.value, preview=signal_preview(wait.event))
        if park.expired or arrival.over:
            break
        if (yield from run.idle(sent.wake, until)):
            park = park.model_copy(update={"expired": True})
    if wait.otherwise is not None:
        return Outcome(value=values.inline(wait.otherwise.fallback), preview=f"no `{wait.event}` came in time")
    return Outcome.failed(timed_out(f"No `{wait.event}` was sent to `{path}` within {wait.within}."))


def _moment(written: Value, source: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written.get("v"))  # type: ignore[arg-type]  # anything else is refused
    except (TypeError, ValueError) as error:
        raise failed(source, "it should give an RFC 3339 time, such as 2026-03-01T09:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
