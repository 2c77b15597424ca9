"""What workflows mean, said simply: what each kind of step does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from domain.approvals import Kind
from domain.chat_rules import Holds, Says, Turns, stops_in
from domain.errors import Code
from domain.executions import StopReason
from domain.handoffs import NOBODY, handoff_schema
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
    WaitEvent,
    WaitFor,
    WaitStep,
    WaitUntil,
    WorkflowStep,
)
from domain.workflows import Workflow, walk
from tests.language.account import Account, Case
from tests.language.flow import Flow, entry
from tests.language.outside import text_asked
from tests.language.processes import Around, End, Work, safely
from tests.language.script import request


def expected(case: Case) -> Account:
    """The account of the case. Raises `Tie` when there is more than one right one."""
    reference = Reference(case)
    execution = reference.spawn("", reference.execution())
    reference.env.run(until=execution)
    return reference.account


class Reference(Flow):
    def kind(self, step: Step, path: str, around: Around) -> Work:
        return KINDS[type(step)](self, step, path, around)

    def agent(self, step: AgentStep, path: str, around: Around) -> Work:
        def asked(rejected: str | None) -> str:
            return request(text_asked(around, step.input), (), rejected)

        return (yield from self.model(path, around, asked, step.output_schema))

    def one_tool(self, step: ToolStep, path: str, around: Around) -> Work:
        return (yield from self.tool(path, around, lambda _: text_asked(around, step.arguments), step.tool))

    def sequential(self, step: SequentialStep, path: str, around: Around) -> Work:
        return (yield from self.steps(step.sequential, f"{path}/", around))

    def concurrent(self, step: ConcurrentStep, path: str, around: Around) -> Work:
        branches = {f"{path}/{branch.id}": branch for branch in step.concurrent.branches}
        places = {at: around.apart() for at in branches}
        works = {at: self.step(branch, at, places[at]) for at, branch in branches.items()}
        ends, end = yield from self.join(step.concurrent.join, works)
        for at, branch in branches.items():
            if at in ends:
                around.steps.update(places[at].steps)
            else:
                around.steps.update({inner.id: entry("canceled") for inner in walk((branch,))})
        outputs = {branch.id: ends[at].value if at in ends else None for at, branch in branches.items()}
        return end if end.code else End("succeeded", outputs, None, end.reason)

    def map(self, step: MapStep, path: str, around: Around) -> Work:
        items = around.written(f"${{{step.map.over}}}")
        if not isinstance(items, list):
            return End.failed(Code.EXPRESSION_FAILED)
        paths = [f"{path}[{index}]" for index in range(len(items))]
        works = {
            at: self.step(step.map.step, at, around.apart(item=items[index], index=index))
            for index, at in enumerate(paths)
        }
        ends, end = yield from self.join(step.map.join, works, step.map.concurrency)
        outputs = [ends[at].value if at in ends else None for at in paths]
        return end if end.code else End("succeeded", outputs, None, end.reason)

    def loop(self, step: LoopStep, path: str, around: Around) -> Work:
        """It ends when all has ended that it began."""
        end: End = yield from safely(self.rounds(step, path, around))
        yield from self.all_over(path)
        return end

    def rounds(self, step: LoopStep, path: str, around: Around) -> Work:
        loop, last = step.loop, None
        for index in range(loop.most):
            here = around.apart(round={"index": index, "last": last})
            if loop.while_ and not here.holds(loop.while_):
                return End("succeeded", last, None, StopReason.CONDITION)
            end: End = yield from self.steps(loop.steps, f"{path}/round[{index + 1}]/", here)
            if end.code:
                return End.failed(end.code)
            last = end.value
            if loop.until and here.holds(loop.until):
                return End("succeeded", last, None, StopReason.CONDITION)
        return End("succeeded", last, None, StopReason.MOST)

    def switch(self, step: SwitchStep, path: str, around: Around) -> Work:
        chosen = next((case.step for case in step.switch.cases if around.holds(case.when)), step.switch.otherwise)
        if chosen is None:
            return End("skipped")
        return (yield from self.step(chosen, f"{path}/{chosen.id}", around))

    def handoff(self, step: HandoffStep, path: str, around: Around) -> Work:
        rules, speaker, said = step.handoff, step.handoff.start, list[tuple[str, str]]()
        while True:
            choices = rules.may_pass.get(speaker, ()) if len(said) < rules.most else ()
            view = said[-rules.last :]

            def asked(rejected: str | None, view: Sequence[tuple[str, str]] = view) -> str:
                return request(text_asked(around, rules.task), view, rejected)

            at = f"{path}/turn[{len(said) + 1}]"
            end: End = yield from self.model(at, around, asked, handoff_schema(choices) if choices else None)
            if end.code:
                return end
            if not choices or end.value["pass_to"] == NOBODY:
                most = not choices and len(said) >= rules.most
                value = end.value["answer"] if choices else end.value
                return End("succeeded", value, None, StopReason.MOST if most else StopReason.FINISHED)
            said.append((speaker, end.value["answer"]))
            speaker = end.value["pass_to"]

    def group_chat(self, step: GroupChatStep, path: str, around: Around) -> Work:
        """Round robin, until any of turns, says and holds."""
        chat, said = step.group_chat, list[tuple[str, str]]()
        stops = stops_in(chat.until)
        most = min(stop.turns for stop in stops if isinstance(stop, Turns))
        while True:
            speaker, view = chat.names[len(said) % len(chat.names)], said[-chat.view.last :]

            def asked(rejected: str | None, view: Sequence[tuple[str, str]] = view) -> str:
                return request(text_asked(around, chat.task), view, rejected)

            end: End = yield from self.model(f"{path}/turn[{len(said) + 1}]", around, asked)
            if end.code:
                return end
            said.append((speaker, end.value))
            may_end = len(said) >= (len(chat.names) if chat.min_turns is None else chat.min_turns)
            here = around.apart(chat={"turns": len(said), "speaker": speaker, "last": end.value})
            reason: StopReason | None = None
            if may_end and any(isinstance(stop, Says) and stop.says in end.value for stop in stops):
                reason = StopReason.SAID
            elif len(said) >= most:
                reason = StopReason.TURNS
            elif may_end and any(isinstance(stop, Holds) and here.holds(stop.holds) for stop in stops):
                reason = StopReason.CONDITION
            if reason:
                return End("succeeded", end.value, None, reason)

    def approval(self, step: ApprovalStep, path: str, around: Around) -> Work:
        asked = step.approval
        around.written([asked.ask, asked.show or ""])
        decision, by, decided = yield from self.ask(f"{path}?0", asked, asked.otherwise, Kind.APPROVAL)
        if decision == "fail":
            return End.failed(Code.NOBODY_ANSWERED)
        about = {"by": by, "comment": "", "decided": decided.isoformat()}
        return End("succeeded", {"approved": decision == "approve", **about})

    def wait(self, step: WaitStep, path: str, around: Around) -> Work:
        match step.wait:
            case WaitFor() as wait:
                moment = self.now + wait.for_
            case WaitUntil() as wait:
                moment = datetime.fromisoformat(around.written(wait.until))
            case WaitEvent() as wait:
                return (yield from self.event(path, wait))
        yield self.lasting(moment - self.now)
        return End("succeeded", {"until": moment.isoformat()})

    def event(self, path: str, wait: WaitEvent) -> Work:
        came = yield from self.signal(path, wait.event, self.now + wait.within if wait.within else None)
        if came is not None:
            return End("succeeded", came)
        return End("succeeded", wait.otherwise.fallback) if wait.otherwise else End.failed(Code.TIMEOUT)

    def workflow(self, step: WorkflowStep, path: str, around: Around) -> Work:
        definition = Workflow.model_validate({"name": step.workflow, **self.case.others[step.workflow]})
        inner = around.of_workflow(definition, path, around.written(step.input))
        end: End = yield from self.body(definition, path, inner)
        return self.with_output(end, definition.output, inner) if definition.output and not end.code else end


KINDS: dict[type, Callable[[Reference, Any, str, Around], Work]] = {
    AgentStep: Reference.agent,
    ToolStep: Reference.one_tool,
    SequentialStep: Reference.sequential,
    ConcurrentStep: Reference.concurrent,
    MapStep: Reference.map,
    LoopStep: Reference.loop,
    SwitchStep: Reference.switch,
    HandoffStep: Reference.handoff,
    GroupChatStep: Reference.group_chat,
    ApprovalStep: Reference.approval,
    WaitStep: Reference.wait,
    WorkflowStep: Reference.workflow,
}
