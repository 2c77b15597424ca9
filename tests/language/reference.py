"""What workflows mean, said simply: one process for each step in virtual time, no durability, nothing to replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count

from simpy.events import Process

from domain.approvals import Kind
from domain.chat_rules import Holds, Says, Turns, stops_in
from domain.errors import Code, ProblemError
from domain.executions import Status, StopReason
from domain.handoffs import NOBODY, handoff_schema
from domain.paths import is_within
from domain.policies import Ask, Fallback, JoinPolicy, join_of
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
from domain.values import Json
from domain.workflows import Workflow, walk
from tests.language.account import Account, Case
from tests.language.outside import Outside, text_asked
from tests.language.processes import Around, End, Tie, Work, safely
from tests.language.script import request


def expected(case: Case) -> Account:
    """The account of the case. Raises `Tie` when there is more than one right one."""
    reference = Reference(case)
    execution = reference.spawn("", reference.execution())
    reference.env.run(until=execution)
    return reference.account


class Reference(Outside):
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.left: dict[str, Process] = {}
        """Losers of joins that were left to end by themselves."""

    def execution(self) -> Work:
        definition = self.case.definition()
        around = Around({}).of_workflow(definition, "", self.case.input)
        end: End = yield from self.body(definition, "", around)
        yield from self.not_paused()
        if end.code is None and definition.output is not None:
            end = self.with_output(end, definition.output, around)
        account = self.account
        account.status = Status.FAILED if end.code else Status.COMPLETED
        account.output, account.code, account.ended = end.value, end.code, self.now
        account.stop_reason = StopReason.FAILED if end.code else end.reason or StopReason.FINISHED

    def with_output(self, end: End, template: str, around: Around) -> End:
        try:
            return End("succeeded", around.written(template), None, end.reason)
        except ProblemError as error:
            return End.failed(error.problem.code)

    def body(self, definition: Workflow, path: str, around: Around) -> Work:
        """The steps of a workflow; it ends when all has ended that they began."""
        prefix, limit = f"{path}/" if path else "", definition.limits.duration
        work = self.steps(definition.steps, prefix, around)
        if limit is None:
            end: End = yield from work
            yield from self.all_over(path)
            return end
        timer = self.lasting(limit)
        process = self.spawn(f"{path}/", work)
        yield process | timer
        yield self.instant_over()
        if not process.is_alive and timer.processed:
            raise Tie("it ends when the time is up")
        end = End.failed(Code.TIMEOUT) if process.is_alive else process.value
        if process.is_alive:
            self.give_up_inside(
                path, [f"{prefix}{step.id}" for step in definition.steps if step.id not in around.steps]
            )
        while not timer.processed and (processes := self.alive(path, itself=False)):
            yield self.env.any_of([*processes, timer])
        self.give_up_inside(path, [])
        yield from self.all_over(path)
        return end

    def give_up_inside(self, path: str, steps: Sequence[str]) -> None:
        """End all that goes on in a workflow: the steps that have not ended, and the losers of joins that were left."""
        left = [at for at, process in self.left.items() if process.is_alive and is_within(at, path)]
        self.account.given_up.update([*steps, *left])
        for process in self.alive(path, itself=False):
            process.interrupt()

    def steps(self, steps: Sequence[Step], prefix: str, around: Around) -> Work:
        """Each step begins when those it needs have ended, by default the one before; after a failure none does."""
        needs: dict[str, tuple[str, ...]] = {}
        for before, step in zip((None, *steps), steps, strict=False):
            needs[step.id] = step.needs if step.needs is not None else (before.id,) if before else ()
        left = {step.id: step for step in steps}
        running, ends = {}, dict[str, End]()
        failed: End | None = None
        while True:
            for id in [id for id in left if all(need in ends for need in needs[id])] if failed is None else []:
                path = f"{prefix}{id}"
                running[id] = self.spawn(path, self.step(left.pop(id), path, around))
            if not running:
                return failed or End("succeeded", ends[steps[-1].id].value, None, ends[steps[-1].id].reason)
            yield self.env.any_of(running.values())
            yield self.instant_over()
            just = [id for id, process in running.items() if not process.is_alive]
            for id in just:
                ends[id] = running.pop(id).value
                failed = failed or (ends[id] if ends[id].code else None)
            if failed and len(just) > 1:
                raise Tie("a step fails when another ends")

    def step(self, step: Step, path: str, around: Around) -> Work:
        """The step, and what its author asked for when it fails."""
        on_error = step.on_error or around.defaults.on_error or "fail"
        for times in count():
            end: End = yield from self.attempt(step, path, around)
            if end.code is None or on_error == "fail":
                break
            if isinstance(on_error, Fallback):
                end = End("succeeded", on_error.fallback)
                break
            choice = "skip"
            if isinstance(on_error, Ask):
                asked = on_error.ask
                choice, _, _ = yield from self.ask(f"{path}?failure{times}", asked, asked.otherwise, Kind.FAILURE)
            if choice == "skip":
                self.account.tell(path, "skipped", self.now)
                end = End("skipped")
            if choice in ("skip", "fail"):
                break
            yield from self.all_over(path, itself=True)  # nothing of it may go on while it is done again
            for inner in walk(step.children()):
                around.steps.pop(inner.id, None)
        around.steps[step.id] = _entry(end.status, end.value, end.reason)
        self.record_inside(step, around, "skipped")
        return end

    def record_inside(self, step: Step, around: Around, status: str) -> None:
        """For the expressions that come later: also what never ended in the step has a status."""
        if isinstance(step, SequentialStep | ConcurrentStep | SwitchStep):
            for inner in walk(step.children()):
                around.steps.setdefault(inner.id, _entry(status))

    def attempt(self, step: Step, path: str, around: Around) -> Work:
        try:
            holds = step.when is None or around.holds(step.when)
        except ProblemError as error:
            self.account.tell(path, "failed", self.now)
            return End.failed(error.problem.code)
        if not holds:
            self.account.tell(path, "skipped", self.now)
            return End("skipped")
        self.account.tell(path, "started", self.now)
        limit = step.timeout or (around.defaults.timeout if isinstance(step, AgentStep | ToolStep) else None)
        work = safely(self.kind(step, path, around.inside(step, path)))
        if limit is not None:
            work = self.in_time(path, work, limit, lambda: self.record_inside(step, around, "canceled"))
        end: End = yield from work
        self.account.tell(path, "failed" if end.code else "completed", self.now)
        return end

    def kind(self, step: Step, path: str, around: Around) -> Work:
        return getattr(self, type(step).__name__)(step, path, around)

    def AgentStep(self, step: AgentStep, path: str, around: Around) -> Work:
        def asked(rejected: str | None) -> str:
            return request(text_asked(around, step.input), (), rejected)

        return (yield from self.model(path, around, asked, step.output_schema))

    def ToolStep(self, step: ToolStep, path: str, around: Around) -> Work:
        return (yield from self.tool(path, around, lambda _: text_asked(around, step.arguments), step.tool))

    def SequentialStep(self, step: SequentialStep, path: str, around: Around) -> Work:
        return (yield from self.steps(step.sequential, f"{path}/", around))

    def ConcurrentStep(self, step: ConcurrentStep, path: str, around: Around) -> Work:
        branches = {f"{path}/{branch.id}": branch for branch in step.concurrent.branches}
        places = {at: around.apart() for at in branches}
        works = {at: self.step(branch, at, places[at]) for at, branch in branches.items()}
        ends, end = yield from self.join(step.concurrent.join, works)
        for at, branch in branches.items():
            if at in ends:
                around.steps.update(places[at].steps)
            else:
                around.steps.update({inner.id: _entry("canceled") for inner in walk((branch,))})
        outputs = {branch.id: ends[at].value if at in ends else None for at, branch in branches.items()}
        return end if end.code else End("succeeded", outputs, None, end.reason)

    def MapStep(self, step: MapStep, path: str, around: Around) -> Work:
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

    def join(self, policy: JoinPolicy, works: dict[str, Work], limit: int | None = None) -> Work:
        """The ends of those that ended in time, and whether that is enough; the others are given up, or left."""
        rule, number = join_of(policy), len(works)
        early = rule.at_least is not None
        needed = min(rule.at_least or 0, number)
        deadline = self.now + rule.within if rule.within else None
        timer = self.lasting(rule.within) if rule.within else self.env.event()
        waiting, running, ends = list(works.items()), {}, dict[str, End]()
        begun, ended = dict[str, datetime](), dict[str, datetime]()
        while True:
            succeeded = sum(end.status == "succeeded" for end in ends.values())
            decided = early and (succeeded >= needed or succeeded + len(running) + len(waiting) < needed)
            while waiting and not decided and (limit is None or len(running) < limit):
                at, work = waiting.pop(0)
                running[at], begun[at] = self.spawn(at, work), self.now
            now = [at for at in begun if self.now in (begun[at] if at in running else None, ended.get(at))]
            if early and decided and len(now) > 1:
                raise Tie("several begin or end when it is decided")
            if decided or not running or (deadline and self.now >= deadline):
                break
            yield self.env.any_of([*running.values(), timer])
            yield self.instant_over()
            just = [at for at, process in running.items() if not process.is_alive]
            ends |= {at: running.pop(at).value for at in just}
            ended |= dict.fromkeys(just, self.now)
            if just and self.now == deadline:
                raise Tie("one ends when the time is up")
        if rule.losers == "cancel":
            for at in running:
                self.give_up(at)
        else:
            self.left.update(running)
        failed = [ends[at] for at in works if at in ends and ends[at].code]
        late = number - len(ends)
        met = succeeded >= needed if early else len(failed) + late <= (rule.tolerate or 0)
        if not met:
            first = failed and rule.at_least is rule.tolerate is rule.within is None and rule.losers == "cancel"
            return ends, failed[0] if first else End.failed(Code.JOIN_UNMET)
        return ends, End(reason=StopReason.ENOUGH if failed or late else None)

    def LoopStep(self, step: LoopStep, path: str, around: Around) -> Work:
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

    def SwitchStep(self, step: SwitchStep, path: str, around: Around) -> Work:
        chosen = next((case.step for case in step.switch.cases if around.holds(case.when)), step.switch.otherwise)
        if chosen is None:
            return End("skipped")
        return (yield from self.step(chosen, f"{path}/{chosen.id}", around))

    def HandoffStep(self, step: HandoffStep, path: str, around: Around) -> Work:
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

    def GroupChatStep(self, step: GroupChatStep, path: str, around: Around) -> Work:
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

    def ApprovalStep(self, step: ApprovalStep, path: str, around: Around) -> Work:
        asked = step.approval
        around.written([asked.ask, asked.show or ""])
        decision, by, decided = yield from self.ask(f"{path}?0", asked, asked.otherwise, Kind.APPROVAL)
        if decision == "fail":
            return End.failed(Code.NOBODY_ANSWERED)
        about = {"by": by, "comment": "", "decided": decided.isoformat()}
        return End("succeeded", {"approved": decision == "approve", **about})

    def WaitStep(self, step: WaitStep, path: str, around: Around) -> Work:
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

    def WorkflowStep(self, step: WorkflowStep, path: str, around: Around) -> Work:
        definition = Workflow.model_validate({"name": step.workflow, **self.case.others[step.workflow]})
        inner = around.of_workflow(definition, path, around.written(step.input))
        end: End = yield from self.body(definition, path, inner)
        return self.with_output(end, definition.output, inner) if definition.output and not end.code else end


def _entry(status: str, value: Json = None, reason: StopReason | None = None) -> Json:
    return {"output": value, "status": status, **({"stop_reason": reason.value} if reason else {})}
