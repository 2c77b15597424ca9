"""Limits that contradict each other, or never count because another is reached before."""

from __future__ import annotations

from datetime import timedelta

from domain.chat_rules import Elapsed, Human, stops_in
from domain.durations import iso
from domain.policies import NEVER_AGAIN, Ask, Budget, Defaults, Join, OnError, Question, Retry
from domain.steps import (
    AgentStep,
    ApprovalStep,
    ConcurrentStep,
    GroupChatStep,
    HandoffStep,
    MapStep,
    Step,
    ToolStep,
    WaitEvent,
    WaitFor,
    WaitStep,
    WorkflowStep,
)
from domain.validation.findings import Notes, Parts
from domain.validation.places import Here
from domain.workflows import walk

_CALL_MODELS = (AgentStep, GroupChatStep, HandoffStep, WorkflowStep)
_CALLS = (*_CALL_MODELS, ToolStep)


def own_time(step: Step, defaults: Defaults) -> timedelta | None:
    """What a step is given by itself, or by the workflow's defaults."""
    return step.timeout or (defaults.timeout if isinstance(step, AgentStep | ToolStep) else None)


def check_limits(step: Step, at: Parts, here: Here, notes: Notes) -> None:
    """`here` is the place of the step itself."""
    if step.timeout and here.time and step.timeout > here.time:
        notes.warning((*at, "timeout"), f"this never counts: what is around the step has only {iso(here.time)}")
    for where, limit, what in _limits(step):
        if step.timeout and limit >= step.timeout:
            _too_long(step, (*at, *where), what, notes)
    if step.budget:
        _budget(step, step.budget, (*at, "budget"), here, notes)
    if step.retry:
        check_retry(step.retry, (*at, "retry"), notes)
        if not any(isinstance(inner, _CALLS) for inner in walk((step,))):
            notes.warning((*at, "retry"), "nothing in this step calls a model or tool: there is nothing to try again")
    check_on_error(step.on_error, (*at, "on_error"), notes)
    _questions(step, at, notes)


def check_retry(retry: Retry, at: Parts, notes: Notes) -> None:
    for index, code in enumerate(retry.on or ()):
        if code in NEVER_AGAIN:
            notes.warning((*at, "on", index), f"`{code}` is never tried again, whatever a policy says")
    if retry.first_delay > retry.max_delay:
        notes.warning((*at, "first_delay"), f"no wait is longer than `max_delay`, {iso(retry.max_delay)}")


def check_on_error(on_error: OnError | None, at: Parts, notes: Notes) -> None:
    if isinstance(on_error, Ask):
        _question(on_error.ask, (*at, "ask"), notes)


def _limits(step: Step) -> list[tuple[Parts, timedelta, str]]:  # noqa: PLR0911 - one case for each kind
    """The times written inside a step that its own `timeout` may come before."""
    match step:
        case WaitStep(wait=WaitFor() as wait):
            return [(("wait", "for"), wait.for_, "")]
        case WaitStep(wait=WaitEvent(within=timedelta() as within)):
            return [(("wait", "within"), within, "within")]
        case ApprovalStep(approval=approval) if approval.deadline:
            return [(("approval", "deadline"), approval.deadline, "deadline")]
        case ConcurrentStep(concurrent=inner) if isinstance(inner.join, Join) and inner.join.within:
            return [(("concurrent", "join", "within"), inner.join.within, "within")]
        case MapStep(map=inner) if isinstance(inner.join, Join) and inner.join.within:
            return [(("map", "join", "within"), inner.join.within, "within")]
        case GroupChatStep(group_chat=chat):
            times = [stop.time for stop in stops_in(chat.until) if isinstance(stop, Elapsed)]
            return [(("group_chat", "until"), time, "time") for time in times]
        case _:
            return []


def _too_long(step: Step, at: Parts, what: str, notes: Notes) -> None:
    limit = iso(step.timeout or timedelta())
    if what:
        notes.warning(at, f"`{what}` never counts: the step fails by its `timeout` after {limit}")
    else:
        notes.error(at, f"the step can only fail: its `timeout` is over after {limit}")


def _budget(step: Step, budget: Budget, at: Parts, here: Here, notes: Notes) -> None:
    if not any(isinstance(inner, _CALL_MODELS) for inner in walk((step,))):
        notes.warning(at, "nothing in this step calls a model, so there is nothing to be spent")
    for key in ("cost_usd", "tokens", "model_calls"):
        own = getattr(budget, key)
        around = [limit for outer in here.budgets if (limit := getattr(outer, key)) is not None]
        if own is not None and around and own > min(around):
            notes.warning((*at, key), f"this never counts: what is around the step may spend only {min(around)}")


def _questions(step: Step, at: Parts, notes: Notes) -> None:
    match step:
        case ApprovalStep():
            _question(step.approval, (*at, "approval"), notes)
        case WaitStep(wait=WaitEvent() as wait) if wait.otherwise and not wait.within:
            notes.warning((*at, "wait", "otherwise"), "this never counts: without `within` it is waited for ever")
        case GroupChatStep(group_chat=chat):
            for index, participant in enumerate(chat.participants):
                if isinstance(participant, Human):
                    _question(participant, (*at, "group_chat", "participants", index), notes)
        case _:
            pass


def _question(question: Question, at: Parts, notes: Notes) -> None:
    if "otherwise" in question.model_fields_set and question.deadline is None:
        notes.warning((*at, "otherwise"), "this never counts: without a `deadline` it is waited for ever")
    if question.escalate and set(question.escalate.roles) <= set(question.roles):
        notes.warning((*at, "escalate", "roles"), "they may answer from the beginning: it escalates to nobody new")
