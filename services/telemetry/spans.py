"""From events to spans. Pure: the same event gives the same spans, wherever and however often it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from domain.base import split_reference
from domain.events import TERMINAL, Event, EventType
from domain.tracing import Resumed, Spanned, Trace, derived, root_of
from services.telemetry import names

Attribute = str | bool | int | float | list[str]
Attributes = dict[str, Attribute]
STEP_ENDS = frozenset({EventType.STEP_COMPLETED, EventType.STEP_FAILED, EventType.STEP_CANCELED})
CALL_ENDS = frozenset({EventType.CALL_COMPLETED, EventType.CALL_FAILED, EventType.CALL_REJECTED, EventType.CALL_ASKED})
NOTHING: Mapping[str, Any] = {}
CUT_OFF = "cut_off"
"""The `error.type` of a call whose process ended: nobody knows what became of it."""


@dataclass(frozen=True)
class Span:
    """A span that has ended. `within`: the span around; `links`: ids of others in the trace, and why they are named."""

    name: str
    id: str
    within: Trace
    began: datetime
    ended: datetime
    kind: Literal["internal", "client", "server"] = "internal"
    attributes: Attributes = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    message: str = ""


def spans_of(tenant: str, execution: str, event: Event, notes: Mapping[str, Any] = NOTHING) -> Iterator[Span]:
    """Those that end with the event. `notes`: what is known of a call beside what is logged of it."""
    spanned = _spanned(execution, event)
    if spanned is None:
        return
    about = _about(tenant, execution, event, spanned)
    if event.type in CALL_ENDS:
        yield _call(event, spanned, {**about, **notes})
        if spanned.turn is not None:
            yield _turn(event, spanned.turn, about)
    elif event.type is EventType.CALL_STARTED:
        yield from _after_crash(event, spanned, {**about, **notes})
    elif event.type in TERMINAL:
        yield _execution(event, spanned, about)
    elif event.type in STEP_ENDS:
        yield _step(event, spanned, about)
        if spanned.resumed is not None:
            yield _resumed_step(event, spanned, spanned.resumed, about)
    else:
        yield _mark(event, spanned, about)


def _spanned(execution: str, event: Event) -> Spanned | None:
    """As the event has it; of an execution that began without a trace, what its ends give."""
    found = event.data.get("trace")
    if found is not None:
        return Spanned.model_validate(found)
    if event.type in TERMINAL:
        trace = derived(execution)
        return trace.begun(root_of(trace, execution).around or "", names.WORKFLOW, event.time)
    if event.type in STEP_ENDS and not event.data.get("edited"):
        root = root_of(derived(execution), execution)
        return root.begun(root.child(event.id), "step", event.time)
    return None


def _about(tenant: str, execution: str, event: Event, spanned: Spanned) -> Attributes:
    about: Attributes = {names.EXECUTION: execution, names.TENANT: tenant}
    if spanned.workflow:
        about[names.WORKFLOW_NAME] = spanned.workflow
    if event.step:
        about[names.STEP] = event.step
    return about


def _failure(event: Event) -> dict[str, Any]:
    """How a span says that it failed: our code as `error.type`, and whose fault."""
    error = event.data.get("error")
    if not isinstance(error, dict):
        return {}
    return {"error": str(error.get("code")), "message": str(error.get("message", ""))}


def _fault(event: Event) -> Attributes:
    error = event.data.get("error")
    if not isinstance(error, dict):
        return {}
    return {names.CODE: str(error.get("code")), names.FAULT: str(error.get("fault"))}


def _call(event: Event, spanned: Spanned, about: Attributes) -> Span:
    tool = spanned.kind == names.EXECUTE_TOOL
    own = {**(_of_tool(event) if tool else _of_model(event)), **about}
    name = str(own.get(names.TOOL_NAME if tool else names.REQUEST_MODEL, ""))
    attributes: Attributes = {names.OPERATION: spanned.kind, **own, **_fault(event)}
    attributes[names.ATTEMPT] = int(event.data.get("attempt") or 0)
    attributes[names.CALL] = str(event.data.get("call", ""))
    if event.agent:
        attributes[names.AGENT_NAME] = split_reference(event.agent)[0]
    if spanned.hit:
        attributes[names.HIT] = spanned.hit
    return Span(
        name=f"{spanned.kind} {name}".strip(),
        id=spanned.span,
        within=spanned,
        began=event.time if spanned.hit else spanned.began,
        ended=event.time,
        kind="internal" if tool or spanned.hit else "client",
        attributes=attributes,
        links=_links(spanned.resumed),
        **_failure(event),
    )


def _of_model(event: Event) -> Attributes:
    data = event.data
    found: Attributes = {names.REQUEST_MODEL: str(data.get("model", ""))}
    if data.get("model") and event.type is not EventType.CALL_FAILED:
        found[names.RESPONSE_MODEL] = str(data["model"])
    usage = data.get("usage") or data.get("spent") or {}
    for key, name in (("tokens_in", names.INPUT_TOKENS), ("tokens_out", names.OUTPUT_TOKENS)):
        if usage.get(key):
            found[name] = int(usage[key])
    if usage.get("cost_usd") is not None:
        found[names.COST] = float(usage["cost_usd"])
    if data.get("finish_reason"):
        found[names.FINISH_REASONS] = [str(data["finish_reason"])]
    return found


def _of_tool(event: Event) -> Attributes:
    return {names.TOOL_NAME: str(event.data.get("tool", ""))}


def _turn(event: Event, turn: Spanned, about: Attributes) -> Span:
    attributes: Attributes = {**about, names.OPERATION: names.INVOKE_AGENT, names.AGENT_NAME: turn.name}
    for fact in ("turn", "role"):
        if fact in event.data:
            attributes[f"meta_agents.{fact}"] = event.data[fact]
    return Span(
        name=f"{names.INVOKE_AGENT} {turn.name}",
        id=turn.span,
        within=turn,
        began=turn.began,
        ended=event.time,
        attributes={**attributes, **_fault(event)},
        **_failure(event),
    )


def _after_crash(event: Event, spanned: Spanned, about: Attributes) -> Iterator[Span]:
    """The attempt that was cut off, which nobody else can tell of any more, and that it is gone on from."""
    before = spanned.resumed
    if before is None or before.began is None:
        return
    kind = names.EXECUTE_TOOL if "tool" in event.data else names.CHAT
    what = event.data.get("tool") or about.get(names.REQUEST_MODEL) or event.data.get("model") or ""
    cut: Attributes = {**about, names.OPERATION: kind, names.CALL: str(event.data.get("call", ""))}
    cut |= {names.CODE: CUT_OFF, names.FAULT: "platform"}
    yield Span(
        name=f"{kind} {what}".strip(),
        id=before.span,
        within=spanned,
        began=before.began,
        ended=max(before.began, spanned.began),
        attributes=cut,
        error=CUT_OFF,
        message="The process that made the call ended before it did.",
    )
    yield _resume(event, spanned, before, about)


def _execution(event: Event, spanned: Spanned, about: Attributes) -> Span:
    usage = event.data.get("usage") or {}
    attributes: Attributes = {**about, names.OPERATION: names.WORKFLOW, names.AGENT_NAME: spanned.workflow}
    attributes[names.STATUS] = event.type.removeprefix("execution.")
    attributes[names.STOP_REASON] = str(event.data.get("stop_reason"))
    for key, name in (("tokens_in", names.INPUT_TOKENS), ("tokens_out", names.OUTPUT_TOKENS)):
        attributes[name] = int(usage.get(key) or 0)
    if usage.get("cost_usd") is not None:
        attributes[names.COST] = float(usage["cost_usd"])
    return Span(
        name=f"{names.WORKFLOW} {spanned.workflow}".strip(),
        id=spanned.span,
        within=spanned,
        began=spanned.began,
        ended=event.time,
        attributes={**attributes, **_fault(event)},
        **_failure(event),
    )


def _step(event: Event, spanned: Spanned, about: Attributes) -> Span:
    attributes: Attributes = {**about, names.STEP_KIND: spanned.kind, **_fault(event)}
    attributes[names.OUTCOME] = event.type.removeprefix("step.")
    name = f"step {event.step}"
    if spanned.kind == "agent":
        attributes |= {names.OPERATION: names.INVOKE_AGENT, names.AGENT_NAME: spanned.name}
        name = f"{names.INVOKE_AGENT} {spanned.name}"
    if event.data.get("stop_reason"):
        attributes[names.STOP_REASON] = str(event.data["stop_reason"])
    return Span(name, spanned.span, spanned, spanned.began, event.time, attributes=attributes, **_failure(event))


def _resumed_step(event: Event, spanned: Spanned, before: Resumed, about: Attributes) -> Span:
    inside = spanned.inside
    resumed = inside.begun(inside.child("resume"), "resume", event.time)
    return _resume(event, resumed, before, about)


def _mark(event: Event, spanned: Spanned, about: Attributes) -> Span:
    """A question that is asked, a wait or a pause that begins, or what ends it."""
    if spanned.resumed is not None:
        return _resume(event, spanned, spanned.resumed, about)
    what = spanned.name or str(event.data.get("for") or "")
    return Span(
        f"{spanned.kind} {what}".strip(), spanned.span, spanned, spanned.began, event.time, attributes={**about}
    )


def _resume(event: Event, spanned: Spanned, before: Resumed, about: Mapping[str, Attribute]) -> Span:
    attributes: Attributes = {**about, names.RESUMED: before.reason}
    name = f"resume after {before.reason}"
    ended = max(spanned.began, event.time)
    return Span(name, spanned.span, spanned, spanned.began, ended, attributes=attributes, links=_links(before))


def _links(before: Resumed | None) -> tuple[tuple[str, str], ...]:
    return ((before.span, before.reason),) if before else ()
