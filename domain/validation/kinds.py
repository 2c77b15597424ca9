"""What is looked at in a step of each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from domain.policies import Join, JoinPolicy
from domain.steps import (
    AgentStep,
    ApprovalStep,
    ConcurrentStep,
    GroupChatStep,
    HandoffStep,
    LoopStep,
    MapStep,
    SequentialStep,
    Step,
    SwitchStep,
    ToolStep,
    WaitStep,
    WaitUntil,
    WorkflowStep,
)
from domain.validation.chats import check_chat
from domain.validation.checker import Checker
from domain.validation.findings import Parts
from domain.validation.fitting import unfitting
from domain.validation.handoffs import check_handoff
from domain.validation.order import Order, check_needs, check_no_needs
from domain.validation.places import IN_LOOP, IN_MAP, Here
from domain.values import Json

CheckStep = Callable[[Step, Parts, Here], None]


class Kinds:
    """`step` checks whatever stands inside a step, and comes back here for its kind."""

    def __init__(self, checker: Checker, step: CheckStep) -> None:
        self._checker = checker
        self._notes = checker.notes
        self._step = step

    def check(self, step: Step, at: Parts, here: Here) -> None:  # noqa: C901 - one case for each kind
        checker = self._checker
        match step:
            case AgentStep():
                checker.agent(step.agent, (*at, "agent"))
                checker.template(step.input, (*at, "input"), here)
                checker.schema(step.output_schema, (*at, "output_schema"))
            case ToolStep():
                self._tool(step, at, here)
            case SequentialStep():
                self.list(step.sequential, step.id, (*at, "sequential"), here)
            case ConcurrentStep():
                self._concurrent(step, (*at, "concurrent"), here)
            case MapStep():
                self._map(step, (*at, "map"), here)
            case GroupChatStep():
                check_chat(checker, step.group_chat, (*at, "group_chat"), here)
            case HandoffStep():
                check_handoff(checker, step.handoff, (*at, "handoff"), here)
            case LoopStep():
                self._loop(step, (*at, "loop"), here)
            case SwitchStep():
                self._switch(step, (*at, "switch"), here)
            case ApprovalStep():
                checker.template(step.approval.ask, (*at, "approval", "ask"), here)
                checker.template(step.approval.show or "", (*at, "approval", "show"), here)
            case WaitStep():
                self._wait(step, at, here)
            case WorkflowStep():
                self._workflow(step, at, here)

    def list(self, steps: Sequence[Step], around: str, at: Parts, here: Here) -> None:
        """Steps that stand in a list, in the step `around` (the empty text: in the workflow)."""
        order = self._checker.orders[around] = Order(steps)
        check_needs(steps, at, order, self._checker.around, self._notes)
        for index, step in enumerate(steps):
            self._step(step, (*at, index), here.knowing(order.ended_before(step)))

    def _tool(self, step: ToolStep, at: Parts, here: Here) -> None:
        known = self._checker.known
        self._checker.tool(step.tool, (*at, "tool"))
        self._checker.templates(step.arguments, (*at, "arguments"), here)
        tool = known.tools.get(step.tool) if known else None
        self._fits(step.arguments, tool.input if tool else {}, f"`{step.tool}` does not take this", (*at, "arguments"))

    def _workflow(self, step: WorkflowStep, at: Parts, here: Here) -> None:
        known = self._checker.known
        self._checker.other(step.workflow, (*at, "workflow"))
        self._checker.templates(step.input, (*at, "input"), here)
        other = known.workflows.get(step.workflow) if known else None
        self._fits(step.input, other.input if other else {}, f"`{step.workflow}` does not take this", (*at, "input"))

    def _fits(self, value: Json, schema: dict[str, Any], what: str, at: Parts) -> None:
        for parts, message in unfitting(value, schema):
            self._notes.error((*at, *parts), f"{what}: {message}")

    def _concurrent(self, step: ConcurrentStep, at: Parts, here: Here) -> None:
        branches = step.concurrent.branches
        for index, branch in enumerate(branches):
            place = (*at, "branches", index)
            check_no_needs(branch, place, "branches begin together", self._notes)
            self._step(branch, place, here)
        self._join(step.concurrent.join, len(branches), (*at, "join"))

    def _map(self, step: MapStep, at: Parts, here: Here) -> None:
        found = self._checker.expression(step.map.over, (*at, "over"), here)
        if found is not None and not isinstance(found.value, list):
            self._notes.error((*at, "over"), "this must give a list, and it never does")
        number = len(found.value) if found is not None and isinstance(found.value, list) else None
        if number == 0:
            self._notes.warning((*at, "over"), "this list is always empty, so the step inside is never run")
        self._join(step.map.join, number, (*at, "join"))
        check_no_needs(step.map.step, (*at, "step"), "nothing stands beside this step", self._notes)
        self._step(step.map.step, (*at, "step"), here.naming(IN_MAP))

    def _join(self, policy: JoinPolicy, number: int | None, at: Parts) -> None:
        if not isinstance(policy, Join) or number is None:
            return
        if policy.at_least is not None and policy.at_least > number:
            self._notes.error((*at, "at_least"), f"there are only {number}, so that this can never be met")
        if policy.tolerate is not None and policy.tolerate >= number:
            self._notes.warning((*at, "tolerate"), f"there are only {number}: this is met when every one of them fails")

    def _loop(self, step: LoopStep, at: Parts, here: Here) -> None:
        loop, within = step.loop, here.naming(IN_LOOP)
        if loop.while_ is not None:
            self._checker.condition(loop.while_, (*at, "while"), within)
            if self._checker.constants.is_false(loop.while_):
                self._notes.warning((*at, "while"), "this is never true, so that no round is ever begun")
        self.list(loop.steps, step.id, (*at, "steps"), within)
        if loop.until is not None:
            self._checker.condition(loop.until, (*at, "until"), within.after(loop.steps))
            if self._checker.constants.is_true(loop.until) and loop.most > 1:
                self._notes.warning((*at, "until"), "this is always true, so that there is never a second round")

    def _switch(self, step: SwitchStep, at: Parts, here: Here) -> None:
        never = self._checker.constants.never_chosen(step)
        for index, case in enumerate(step.switch.cases):
            place = (*at, "cases", index)
            self._checker.condition(case.when, (*place, "when"), here)
            if any(case.step is one for one in never):
                self._notes.warning(place, f"`{case.step.id}` is never chosen: {self._why_never(case.when)}")
            check_no_needs(case.step, (*place, "step"), "nothing stands beside this step", self._notes)
            self._step(case.step, (*place, "step"), here)
        otherwise = step.switch.otherwise
        if otherwise is not None:
            if any(otherwise is one for one in never):
                self._notes.warning((*at, "otherwise"), f"`{otherwise.id}` is never chosen: a case is always true")
            check_no_needs(otherwise, (*at, "otherwise"), "nothing stands beside this step", self._notes)
            self._step(otherwise, (*at, "otherwise"), here)

    def _why_never(self, condition: str) -> str:
        if self._checker.constants.is_false(condition):
            return "its condition is never true"
        return "one before it is chosen instead"

    def _wait(self, step: WaitStep, at: Parts, here: Here) -> None:
        if not isinstance(step.wait, WaitUntil):
            return
        until, place = step.wait.until, (*at, "wait", "until")
        self._checker.template(until, place, here)
        if "${" not in until and not _is_time(until):
            self._notes.error(place, "this is no RFC 3339 time, such as 2026-03-01T09:00:00Z")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
