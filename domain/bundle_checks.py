"""Whether a bundle is one that this service could have made. Nothing in it is believed because it is written there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from domain.bundles import Bundle, BundledEvent, Spent
from domain.errors import Detail, Problem
from domain.events import TERMINAL, EventType, given_id
from domain.executions import Status
from domain.plan_checks import check_plan
from domain.toolcalls import Asking, ToolAnswer
from domain.validation import check_value, pointer
from domain.values import Json, size_of

MOST_DATA_BYTES = 65_536
_MOST_SECONDS = 10**9
_ENDS = {
    Status.COMPLETED: EventType.EXECUTION_COMPLETED,
    Status.FAILED: EventType.EXECUTION_FAILED,
    Status.CANCELED: EventType.EXECUTION_CANCELED,
}
_ALONE = TERMINAL | {EventType.EXECUTION_STARTED}
"""Of these an execution has one, which is found by its type."""

_NAMED_OTHERWISE = {EventType.SIGNAL_RECEIVED: "signal:", EventType.STEP_EVALUATED: given_id("")}

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(ge=0, le=_MOST_SECONDS)]
Count = Annotated[int, Field(ge=0, le=_MOST_SECONDS)]


class Facts(BaseModel):
    """The `data` of events, as far as anything reads it. More may be there."""

    model_config = ConfigDict(extra="allow")

    kind: str | None = None
    output: str | None = None
    by: str | None = None
    reason: str | None = None
    evidence: str | None = None
    error: Problem | None = None
    stop_reason: str | None = None
    usage: Spent | None = None
    turns: Count | None = None


class Passed(BaseModel):
    alias: str
    code: str
    message: str


class CallFacts(Facts):
    call: str
    attempt: Count = 1
    turn: Count | None = None
    role: str | None = None
    model: str | None = None
    tool: str | None = None
    spent: Spent | None = None
    seconds: Seconds | None = None
    retry_in: Seconds | None = None
    finish_reason: str | None = None
    reused_from: str | None = None
    repairs: str | None = None
    escalates: str | None = None
    alias: str | None = None
    passed_over: tuple[Passed, ...] = ()
    cached: bool = False
    discard: Count | None = None
    request: Hash | None = None


class AnswerFacts(CallFacts):
    """Another execution may take this answer over, if it asks for the very same."""

    request: Hash


class AskedFacts(AnswerFacts):
    asks: tuple[Asking, ...]


class RejectionFacts(AnswerFacts):
    error: Problem


class FailureFacts(Facts):
    error: Problem


class FailedCallFacts(CallFacts):
    error: Problem


_FACTS: dict[EventType, type[Facts]] = {
    EventType.CALL_STARTED: CallFacts,
    EventType.CALL_COMPLETED: AnswerFacts,
    EventType.CALL_REJECTED: RejectionFacts,
    EventType.CALL_ASKED: AskedFacts,
    EventType.CALL_FAILED: FailedCallFacts,
    EventType.STEP_FAILED: FailureFacts,
}


def facts_of(type: EventType) -> type[Facts]:
    """The shape of the `data` of such events."""
    return _FACTS.get(type, Facts)


def check_bundle(bundle: Bundle, written: Json) -> list[Detail]:
    """Everything that does not fit together in a bundle whose shape is right; `written` is what it was read from."""
    return [
        *_check_log(bundle.events),
        *_check_end(bundle),
        *_check_variants(bundle),
        *(check_plan(bundle.plan, written["plan"]) or _check_input(bundle)),
        *_check_names(bundle),
    ]


def _check_log(events: tuple[BundledEvent, ...]) -> Iterator[Detail]:
    """The first mistake; what follows one is likely to be wrong because of it."""
    if not events:
        yield Detail(pointer="/events", message="should begin with execution.started")
    seen: set[str] = set()
    for index, event in enumerate(events):
        place = f"/events/{index}"
        if event.offset != index + 1:
            yield Detail(pointer=f"{place}/offset", message=f"should be {index + 1}: they count from 1 without gaps")
            return
        if event.id in seen:
            yield Detail(pointer=f"{place}/id", message="another event has this id")
            return
        seen.add(event.id)
        if not _may_be_called(event):
            yield Detail(pointer=f"{place}/id", message=f"is not the id of an event of type `{event.type}`")
            return
        if (event.type is EventType.EXECUTION_STARTED) != (index == 0):
            yield Detail(pointer=f"{place}/type", message="the first event, and no other, should be execution.started")
            return
        if size_of(event.data) > MOST_DATA_BYTES:
            yield Detail(pointer=f"{place}/data", message=f"is larger than {MOST_DATA_BYTES} bytes")
            return
        if event.type is EventType.CALL_ASKED and not _asks_for_tools(event.value):
            yield Detail(pointer=f"{place}/value", message="should be `{text, tool_calls}`: what the model asked for")
            return


def _asks_for_tools(value: Json) -> bool:
    try:
        ToolAnswer.model_validate(value)
    except ValidationError:
        return False
    return True


def _may_be_called(event: BundledEvent) -> bool:
    """Whether this could be its id: events are looked up by ids, which tell their types, and so are other things."""
    if event.type in _ALONE:
        return event.id == event.type
    return event.type in event.id.split(":") or event.id.startswith(_NAMED_OTHERWISE.get(event.type, event.type))


def _check_variants(bundle: Bundle) -> Iterator[Detail]:
    if bundle.execution.variants != bundle.plan.variants:
        yield Detail(pointer="/execution/variants", message="are not those of the plan's prompts")


def _check_end(bundle: Bundle) -> Iterator[Detail]:
    status = bundle.execution.status
    if status.is_ended != (bundle.execution.ended is not None):
        yield Detail(pointer="/execution/ended", message=f"does not fit the status `{status}`")
    if status is Status.COMPLETED and bundle.execution.error is not None:
        yield Detail(pointer="/execution/error", message="a completed execution has none")
    if status is Status.FAILED and bundle.execution.error is None:
        yield Detail(pointer="/execution/error", message="a failed execution has one")
    for index, event in enumerate(bundle.events):
        if event.type in TERMINAL and event.type != _ENDS.get(status):
            yield Detail(pointer=f"/events/{index}/type", message=f"does not fit the status `{status}`")


def _check_input(bundle: Bundle) -> list[Detail]:
    found = check_value(bundle.execution.input, bundle.plan.workflow.input)
    return [Detail(pointer="/execution/input" + pointer(parts), message=message) for parts, message in found]


def _check_names(bundle: Bundle) -> Iterator[Detail]:
    plan, execution = bundle.plan, bundle.execution
    if execution.workflow != plan.workflow.name:
        yield Detail(pointer="/execution/workflow", message="is not the name of the workflow in `plan`")
    if execution.workflow_version != plan.workflow_version:
        yield Detail(pointer="/execution/workflow_version", message="is not the version in `plan`")
