"""How steps follow one another, said simply: one process for each in virtual time, no durability, nothing to replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count

from simpy.events import Process

from domain.approvals import Kind
from domain.errors import Code, ProblemError
from domain.executions import Status, StopReason
from domain.paths import is_within
from domain.policies import Ask, Fallback, Join, JoinPolicy, join_of
from domain.steps import AgentStep, ConcurrentStep, SequentialStep, Step, SwitchStep, ToolStep
from domain.values import Json
from domain.workflows import Workflow, walk
from tests.language.account import Case
from tests.language.outside import Outside
from tests.language.processes import Around, End, Tie, Work, safely


class Flow(Outside):
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
        end = End.failed(Code.TIMEOUT) if process.is_alive else ended(process)
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
        running, ends = dict[str, Process](), dict[str, End]()
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
                ends[id] = ended(running.pop(id))
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
            self.tried_again[path] += 1
            for inner in walk(step.children()):
                around.steps.pop(inner.id, None)
        around.steps[step.id] = entry(end.status, end.value, end.reason)
        self.record_inside(step, around, "skipped")
        return end

    def record_inside(self, step: Step, around: Around, status: str) -> None:
        """For the expressions that come later: also what never ended in the step has a status."""
        if isinstance(step, SequentialStep | ConcurrentStep | SwitchStep):
            for inner in walk(step.children()):
                around.steps.setdefault(inner.id, entry(status))

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
        """What the step does, by its kind."""
        raise NotImplementedError

    def join(self, policy: JoinPolicy, works: dict[str, Work], limit: int | None = None) -> Work:
        """The ends of those that ended in time, and whether that is enough; the others are given up, or left."""
        rule, number = join_of(policy), len(works)
        early = rule.at_least is not None
        needed = min(rule.at_least or 0, number)
        deadline = self.now + rule.within if rule.within else None
        timer = self.lasting(rule.within) if rule.within else self.env.event()
        waiting, running, ends = list(works.items()), dict[str, Process](), dict[str, End]()
        began, over = dict[str, datetime](), dict[str, datetime]()
        while True:
            succeeded = sum(end.status == "succeeded" for end in ends.values())
            decided = early and (succeeded >= needed or succeeded + len(running) + len(waiting) < needed)
            while waiting and not decided and (limit is None or len(running) < limit):
                at, work = waiting.pop(0)
                running[at], began[at] = self.spawn(at, work), self.now
            now = [at for at in began if self.now in (began[at] if at in running else None, over.get(at))]
            if early and decided and len(now) > 1:
                raise Tie("several begin or end when it is decided")
            if decided or not running or (deadline and self.now >= deadline):
                break
            yield self.env.any_of([*running.values(), timer])
            yield self.instant_over()
            just = [at for at, process in running.items() if not process.is_alive]
            ends |= {at: ended(running.pop(at)) for at in just}
            over |= dict.fromkeys(just, self.now)
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
            return ends, failed[0] if failed and rule == Join() else End.failed(Code.JOIN_UNMET)
        return ends, End(reason=StopReason.ENOUGH if failed or late else None)


def entry(status: str, value: Json = None, reason: StopReason | None = None) -> Json:
    return {"output": value, "status": status, **({"stop_reason": reason.value} if reason else {})}


def ended(process: Process) -> End:
    """How the step of a process that is over ended."""
    end = process.value
    assert isinstance(end, End)
    return end
