"""One orchestrator instance's hold on its execution: the durable context, what is known so far, events not yet logged.

Deterministic: the clock comes from the context, ids from paths, nothing else from outside.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from azure.durable_functions import DurableOrchestrationContext
from pydantic import BaseModel, Field

from domain import values
from domain.base import Shape
from domain.calls import Evaluation
from domain.errors import Problem, ProblemError, platform_failed
from domain.events import Draft, EventType
from domain.executions import StopReason
from domain.expressions import evaluate, render, steps_used, truth
from domain.values import Json, Value

Steps = dict[str, Value]
"""What expressions see as `steps`: id to `{output, status, stop_reason?}`."""
Durable = Generator[Any, Any, Any]
"""A generator that yields durable tasks and is sent their results."""


class Outcome(Shape):
    """How a step ended. `value` is always there: null when skipped or failed."""

    status: Literal["succeeded", "failed", "skipped"] = "succeeded"
    value: Value = Field(default_factory=lambda: values.inline(None))
    error: Problem | None = None
    stop_reason: StopReason | None = None
    preview: str = ""

    @staticmethod
    def failed(error: Problem) -> Outcome:
        return Outcome(status="failed", error=error)

    def as_value(self) -> Value:
        """The step's entry under `steps` in expressions."""
        entry = {"output": self.value, "status": values.inline(self.status)}
        if self.stop_reason:
            entry["stop_reason"] = values.inline(self.stop_reason.value)
        return {"o": entry}


@dataclass(frozen=True)
class Scope:
    """What expressions see at one place: `names` (input, execution, item, index, chat) and the steps done before it."""

    names: Mapping[str, Value]
    steps: Steps

    def extended(self, **names: Value) -> Scope:
        """A scope of its own for the body of a `map` or a condition: what it records is not seen outside."""
        return Scope({**self.names, **names}, dict(self.steps))

    def used_by(self, *sources: str) -> dict[str, Value]:
        """Only what the expressions and templates mention, so that what travels stays small."""
        used = [steps_used(source) for source in sources]
        wanted = self.steps.keys() if None in used else set[str]().union(*(ids for ids in used if ids))
        steps = {step: entry for step, entry in self.steps.items() if step in wanted}
        names = {name: value for name, value in self.names.items() if any(name in source for source in sources)}
        return {**names, "steps": {"o": steps}}

    @staticmethod
    def of_child(used: dict[str, Value]) -> Scope:
        """The other end of `used_by` in a sub-orchestration."""
        return Scope({name: value for name, value in used.items() if name != "steps"}, dict(used["steps"]["o"]))


class Run:
    """State of one orchestrator instance. Rebuilt by replay; carried over by `continue_as_new` where that is used."""

    def __init__(self, context: DurableOrchestrationContext, payload: dict[str, Json], pending: list[Draft]) -> None:
        """`payload` is the orchestrator's input; of it, what says whose execution this is."""
        self.context = context
        self.tenant: str = payload["tenant"]
        self.execution: str = payload["execution"]
        self.plan: str = payload["plan"]
        self.retry_of: str | None = payload.get("retry_of")
        self.actions = 0
        self._pending = pending

    def emit(self, type: EventType, step: str, agent: str | None = None, **data: Json) -> None:
        """Note an event; it is logged by the next activity, whichever that is."""
        draft = Draft(
            id=f"{step}:{type}", type=type, time=self.context.current_utc_datetime, step=step, agent=agent, data=data
        )
        self._pending.append(draft)

    def take_events(self) -> tuple[Draft, ...]:
        """The events not logged yet, handed to whoever logs them next."""
        taken = tuple(self._pending)
        self._pending.clear()
        return taken

    def give_back(self, events: list[Draft]) -> None:
        """Events that a child could not log itself."""
        self._pending.extend(events)

    def activity(self, name: str, payload: dict[str, Json]) -> Any:
        self.actions += 1
        return self.context.call_activity(name, payload)

    def child(self, name: str, path: str, payload: dict[str, Json]) -> Generator[Any, Any, Json | Problem]:
        """The result of a sub-orchestration for one step; the events it could not log itself come back with it."""
        self.actions += 1
        events = self.take_events()
        whole = {
            "tenant": self.tenant,
            "execution": self.execution,
            "plan": self.plan,
            "events": [dumped(event) for event in events],
            **payload,
        }
        if self.retry_of is not None:
            whole["retry_of"] = self.retry_of
        instance_id = f"{self.execution}.{path.replace('/', '.')}"
        answer = yield from attempted(self.context.call_sub_orchestrator(name, whole, instance_id))
        if isinstance(answer, Problem):
            self.give_back(list(events))
            return answer
        self.give_back([Draft.model_validate(event) for event in answer["events"]])
        return answer["result"]

    @staticmethod
    def of_child(context: DurableOrchestrationContext, payload: dict[str, Json]) -> Run:
        """The other end of `child`."""
        pending = [Draft.model_validate(event) for event in payload["events"]]
        return Run(context, payload, pending)

    def returned(self, result: Json) -> dict[str, Json]:
        """What a sub-orchestration returns: its result, and the events it leaves to its parent."""
        return {"result": result, "events": [dumped(event) for event in self.take_events()]}

    def evaluate(self, source: str, scope: Scope, step: str, *, template: bool) -> Generator[Any, Any, Value]:
        """The value of an expression or template; here when all it needs is at hand, else where it can be loaded."""
        needed = scope.used_by(source)
        if not any(values.references_in(value) for value in needed.values()):
            plain = {name: values.resolve(value, _nothing_to_load) for name, value in needed.items()}
            return values.inline(render(source, plain) if template else evaluate(source, plain))
        evaluation = Evaluation(
            tenant=self.tenant,
            execution=self.execution,
            id=f"{step}:{EventType.STEP_EVALUATED}:{self.actions}",
            step=step,
            source=source,
            template=template,
            scope=needed,
            time=self.context.current_utc_datetime,
            events=self.take_events(),
        )
        answer = yield from attempted(self.activity("evaluate", dumped(evaluation)))
        if isinstance(answer, Problem):
            raise ProblemError(answer)
        if "error" in answer:
            raise ProblemError(Problem.model_validate(answer["error"]))
        value: Value = answer["value"]
        return value

    def condition(self, source: str, scope: Scope, step: str) -> Generator[Any, Any, bool]:
        value = yield from self.evaluate(source, scope, step, template=False)
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
