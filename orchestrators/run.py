"""One orchestrator instance's hold on its execution: the durable context, its strands, events not yet logged.

Deterministic: the clock comes from the context, ids from paths, nothing else from outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from azure.durable_functions import DurableOrchestrationContext
from pydantic import BaseModel

from domain import values
from domain.calls import Action, CallOutcome, CancelSteps, Evaluation, ModelCall, ToolCall, wake_name
from domain.errors import Problem, ProblemError, platform_failed
from domain.events import Draft, EventType
from domain.expressions import evaluate, render_all, truth
from domain.paths import ancestors, is_within
from domain.tracing import Spanned, Trace
from domain.values import Json, Value
from domain.workflows import texts_in
from orchestrators.loom import Canceled, FirstOf, Idle, Loom, Strand
from orchestrators.scope import Scope

Durable = Generator[Any, Any, Any]
"""A generator that yields what `Loom` waits for."""
A = TypeVar("A", bound=Action)

PLATFORM_ATTEMPTS = 5
"""Of what has no retry policy of its own, when the platform fails it."""
LONGEST_TIMER = timedelta(days=3)
"""Longer waits are made of several: Azure Storage's own timers end after six days."""


class Run:
    """State of one orchestrator instance. Rebuilt by replay; carried over by `continue_as_new` where that is used."""

    def __init__(self, context: DurableOrchestrationContext, payload: Mapping[str, Json], pending: list[Draft]) -> None:
        """`payload` is the orchestrator's input; of it, what says whose execution this is and what it may reuse."""
        self.context = context
        self.loom = Loom(context)
        self.tenant: str = payload["tenant"]
        self.execution: str = payload["execution"]
        self.plan: str = payload["plan"]
        self.retry_of: str | None = payload.get("retry_of")
        self.retry_until: int | None = payload.get("retry_until")
        self.offline: bool = payload.get("offline", False)
        self.outputs: dict[str, Value] = payload.get("outputs", {})
        """Outputs that a fork gives to steps, by path: those are not run."""
        self.workflows: dict[str, Json] = payload.get("workflows", {})
        """Definitions of the workflows that `workflow` steps name, by reference."""
        self.workflow_name: str = payload.get("name", "")
        self.turns: dict[str, dict[str, list[tuple[str, int]]]] = payload.get("turns", {})
        """Semaphores, with their limits, that calls of agents and tools take turns at, by reference."""
        self.trace = Trace.model_validate(payload["trace"]) if payload.get("trace") else None
        """The execution's own span; None: nobody follows it."""
        self.spans: dict[str, Spanned] = {}
        """Those of the steps that are under way here, by path."""
        self.head: int = payload.get("head", 0)
        """Offset of the last event that this orchestrator knows to be in the log."""
        self._quiet: bool = payload.get("quiet", False)
        self.left: dict[str, Strand] = {}
        """What joins have left to end by itself, by path."""
        self.actions = 0
        self._pending = pending
        self._tries: Counter[str] = Counter()
        self._children: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()
        self._retries_around: int = payload.get("retries", 0)

    @property
    def now(self) -> datetime:
        moment: datetime = self.context.current_utc_datetime
        return moment

    def emit(
        self, type: EventType, step: str, agent: str | None = None, about: str | None = None, **data: Json
    ) -> None:
        """Note an event; it is logged by the next activity, whichever that is.

        `about` tells it from others of its type and step.
        """
        id = f"{step}:{type}" if about is None else f"{step}:{type}:{about}"
        self._pending.append(Draft(id=id, type=type, time=self.now, step=step, agent=agent, data=data))

    def take_events(self) -> tuple[Draft, ...]:
        """The events not logged yet, handed to whoever logs them next."""
        taken = tuple(self._pending)
        self._pending.clear()
        return taken

    def give_back(self, events: list[Draft]) -> None:
        """Events that a child could not log itself."""
        self._pending.extend(events)

    def activity(self, name: str, payload: Mapping[str, Json]) -> Any:
        self.actions += 1
        self._quiet = False  # it may log something
        return self.context.call_activity(name, payload)

    def about(self, key: str, step: str, trace: Trace | None = None) -> dict[str, Any]:
        """What every `Action` of this orchestrator says of it. `trace`: the span around, if not the execution's own."""
        instance = self.context.instance_id
        return {
            "tenant": self.tenant,
            "execution": self.execution,
            "key": key,
            "step": step,
            "instance": None if instance == self.execution else instance,
            "retry_of": self.retry_of,
            "retry_until": self.retry_until,
            "offline": self.offline,
            "trace": trace or self.trace,
        }

    def act(self, name: str, action: A) -> Generator[Any, Any, tuple[A, Json | Problem]]:
        """Have an activity do it, and log what is to be logged: the action as sent, and the activity's answer."""
        # In a step that is tried again, calls that are finished are come by once more.
        is_quiet = self._quiet and not self.loom.others() and not self.retries(action.step)
        tries = self._tries[action.key]
        known = {"events": self.take_events(), "tries": tries, "head": self.head, "quiet": is_quiet}
        sent = action.model_copy(update=known)
        self._tries[action.key] += 1
        answer = yield from attempted(self.activity(name, dumped(sent)))
        if isinstance(answer, Problem):
            self.give_back(list(sent.events))
        return sent, answer

    def known(self) -> dict[str, Json]:
        """For another orchestrator, or the next generation of this one: how far the log has come."""
        return {"head": self.head, "quiet": self._quiet and not self.loom.others()}

    def part(self) -> None:
        """Strands are about to begin beside one another: what they log, the others do not know of."""
        self._quiet = False

    def heard(self, outcome: CallOutcome) -> None:
        """How far the log has come with a call, and whether with nothing else."""
        self._noted(outcome.head, is_quiet=outcome.quiet)

    def _noted(self, head: int, *, is_quiet: bool) -> None:
        self._quiet = is_quiet and head >= self.head
        self.head = max(self.head, head)

    def next_wake(self, key: str) -> str:
        """The event that wakes what will be sent next under this key."""
        return wake_name(key, self._tries[key])

    def limits_of(self, call: ModelCall | ToolCall) -> list[tuple[str, int]]:
        """The semaphores that the call takes turns at, in the order in which all take them."""
        kind, name = ("agents", call.agent) if isinstance(call, ModelCall) else ("tools", call.tool)
        return self.turns.get(kind, {}).get(name, [])

    def idle(self, wake: str, until: datetime | None = None) -> Generator[Any, Any, bool]:
        """Wait to be woken; True when the time came first. Raises `Canceled`."""
        if self.loom.is_canceled:
            raise Canceled  # it was told so while an activity was under way: nobody wakes it
        woken = self.context.wait_for_external_event(wake)
        while True:
            timer = None if until is None else self.context.create_timer(min(until, self.now + LONGEST_TIMER))
            try:
                position = yield Idle(woken, *([timer] if timer else []))
            finally:
                if timer is not None and not timer.is_completed:
                    timer.cancel()
            if position == 0:
                return False
            if until is not None and self.now >= until:
                return True

    def before(self, until: datetime | None, *strands: Strand) -> Generator[Any, Any, bool]:
        """Wait until one of the strands has ended; False when the time came first."""
        while not any(strand.is_completed for strand in strands):
            if until is None:
                yield FirstOf(*strands)
                continue
            if self.now >= until:
                return False
            timer = self.context.create_timer(min(until, self.now + LONGEST_TIMER))
            yield FirstOf(*strands, timer)
            if not timer.is_completed:
                timer.cancel()
        return True

    def insist(self, name: str, action: A) -> Generator[Any, Any, tuple[A, Json]]:
        """As `act`, tried again while the platform fails. Raises `ProblemError` when it goes on failing."""
        for failures in range(1, PLATFORM_ATTEMPTS + 1):
            sent, answer = yield from self.act(name, action)
            if not isinstance(answer, Problem):
                return sent, answer
            if failures < PLATFORM_ATTEMPTS:
                yield from self.idle(sent.wake, self.now + timedelta(seconds=2**failures))
        raise ProblemError(answer)

    def child(
        self, name: str, path: str, payload: Mapping[str, Json], around: str | None = None
    ) -> Generator[Any, Any, Json | Problem]:
        """The result of a sub-orchestration for one step; the events it could not log itself come back with it.

        `around`: what it runs is in here, where that is more than `path`.
        """
        self.actions += 1
        events = self.take_events()
        instance_id = self._instance_of(path)
        whole = {
            "tenant": self.tenant,
            "execution": self.execution,
            "plan": self.plan,
            "events": [dumped(event) for event in events],
            **self._inherited(around or path),
            **payload,
            **self.known(),
        }
        self._quiet = False
        answer = yield from attempted(self.context.call_sub_orchestrator(name, whole, instance_id))
        if isinstance(answer, Problem):
            self.give_back(list(events))
            return answer
        self.give_back([Draft.model_validate(event) for event in answer["events"]])
        self._noted(
            answer.get("head", 0), is_quiet=answer.get("quiet", False)
        )  # which releases before 0.4.0 do not tell
        return answer["result"]

    def _instance_of(self, path: str) -> str:
        """A child's instance: named by its path, and told from those of earlier attempts, here or further out, and
        from this one (a slice of a `map` has the name of its first item).
        """
        again = self._children[path]
        self._children[path] += 1
        name, attempts = f"{self.execution}.{path.replace('/', '.')}", self._attempts()
        is_own = name == self.context.instance_id.removesuffix(attempts)
        return f"{name}{attempts}" + (f"~{again}" if again or attempts or is_own else "")

    def _attempts(self) -> str:
        """What tells this instance from those that did the same before; empty for the first."""
        _, mark, attempts = self.context.instance_id.partition("~")
        return f"{mark}{attempts}"

    def retried(self, path: str) -> None:
        """A human had the step tried again."""
        self._retries[path] += 1

    def retries(self, path: str) -> int:
        """How often humans had the step, or one around it, tried again."""
        return self._retries_around + sum(self._retries[at] for at in ancestors(path))

    def _inherited(self, path: str) -> dict[str, Json]:
        """What a child needs to know of the whole, where there is anything to know."""
        outputs = {at: value for at, value in self.outputs.items() if is_within(at, path)}
        known = {
            "retry_of": self.retry_of,
            "retry_until": self.retry_until,
            "offline": self.offline,
            "outputs": outputs,
            "workflows": self.workflows,
            "name": self.workflow_name,
            "turns": self.turns,
            "retries": self.retries(path),
            "trace": dumped(self.trace) if self.trace else None,
        }
        return {name: value for name, value in known.items() if value}

    @staticmethod
    def of_child(context: DurableOrchestrationContext, payload: Mapping[str, Json]) -> Run:
        """The other end of `child`."""
        pending = [Draft.model_validate(event) for event in payload["events"]]
        return Run(context, payload, pending)

    def returned(self, result: Json) -> dict[str, Json]:
        """What a sub-orchestration returns: its result, and the events it leaves to its parent."""
        return {"result": result, "events": [dumped(event) for event in self.take_events()], **self.known()}

    def cancel(self, strands: Mapping[str, Strand], reason: str, *, own: bool = False) -> Durable:
        """Have the strands (by the path of their step) come to their ends, and say so at once."""
        running = {path: strand for path, strand in strands.items() if not strand.is_completed}
        if not running:
            return
        spans = {path: span for path, span in self.spans.items() if path in running}
        for strand in running.values():
            self.loom.cancel(strand)
        first = next(iter(running))
        about = self.about(f"{first}:cancel", first)
        told = CancelSteps(**about, paths=tuple(running), reason=reason, own=own, time=self.now)
        if spans:
            told = told.model_copy(update={"spans": spans})
        yield from self.insist("cancel_steps", told)

    def settle(self) -> Durable:
        """Wait until every other strand has ended: those that were canceled, and those that were left to run."""
        while others := self.loom.others():
            yield FirstOf(*others)

    def evaluate(self, source: str, scope: Scope, step: str) -> Generator[Any, Any, Value]:
        """The value of an expression; here when all it needs is at hand, else where it can be loaded."""
        return (yield from self._evaluated(source, (source,), scope, step, False))

    def render(
        self, source: Json, scope: Scope, step: str, schema: Json = None, about: str = ""
    ) -> Generator[Any, Any, Value]:
        """The value of a template, or of JSON with templates in its texts; here or there, as `evaluate`.

        With a `schema` always there: raises `ProblemError` invalid_input for a value that does not satisfy it.
        `about` tells it from what another orchestrator evaluates for the step.
        """
        return (yield from self._evaluated(source, texts_in(source), scope, step, True, schema, about))

    def _evaluated(
        self,
        source: Json,
        texts: Sequence[str],
        scope: Scope,
        step: str,
        template: bool,
        schema: Json = None,
        about: str = "",
    ) -> Generator[Any, Any, Value]:
        needed = scope.used_by(*texts)
        if schema is None and not any(values.references_in(value) for value in needed.values()):
            plain = {name: values.resolve(value, _nothing_to_load) for name, value in needed.items()}
            return values.inline(render_all(source, plain) if template else evaluate(source, plain))
        evaluation = Evaluation(
            tenant=self.tenant,
            execution=self.execution,
            id=f"{step}:{EventType.STEP_EVALUATED}:{about}{self.actions}{self._attempts()}",
            step=step,
            source=source,
            template=template,
            input_schema=schema,
            scope=needed,
            time=self.now,
            events=self.take_events(),
            trace=self.trace,
        )
        answer = yield from attempted(self.activity("evaluate", dumped(evaluation)))
        if isinstance(answer, Problem):
            self.give_back(list(evaluation.events))
            raise ProblemError(answer)
        if "error" in answer:
            raise ProblemError(Problem.model_validate(answer["error"]))
        value: Value = answer["value"]
        return value

    def condition(self, source: str, scope: Scope, step: str) -> Generator[Any, Any, bool]:
        value = yield from self.evaluate(source, scope, step)
        # What is too large to travel inline is neither true nor false, and so is its reference.
        return truth(source, value.get("v", value))


def attempted(task: Any) -> Generator[Any, Any, Any]:
    """The result of a durable task, or a `Problem` when the platform could not run it at all."""
    try:
        return (yield task)
    except Exception as error:  # the SDK raises bare Exception for every failed task
        # What was raised, without the traceback that follows it: that is for the log, not for callers.
        said, _, _ = str(error).partition("Traceback (most recent call last)")
        return platform_failed(" ".join(said.split())[:500])


def dumped(shape: BaseModel) -> dict[str, Json]:
    """A model as the smallest JSON that reads back the same."""
    payload: dict[str, Json] = shape.model_dump(mode="json", exclude_defaults=True)
    return payload


def _nothing_to_load(event_id: str) -> Json:
    raise LookupError(f"{event_id} was not expected to be loaded here")
