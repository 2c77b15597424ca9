"""The loop pattern: steps run again until a condition holds, at most so often. Deterministic.

The rounds are a sub-orchestration of their own that continues as new between them: a round costs the same however many
there have been.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain import values
from domain.errors import Problem, ProblemError
from domain.events import EventType
from domain.executions import StopReason
from domain.steps import LoopStep
from domain.values import Json, Value
from domain.workflows import sources_in
from orchestrators.run import Run, dumped
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep, StepList

LOOP_ORCHESTRATOR = "loop_rounds"
ACTIONS_PER_GENERATION = 50


def run_loop(run: Run, step: LoopStep, path: str, scope: Scope, _run_step: RunStep) -> Generator[Any, Any, Outcome]:
    """What the parent does: hand the rounds to an orchestrator of their own and wait for their outcome."""
    payload = {"step": dumped(step), "path": path, **scope.for_child(sources_in(step))}
    answer = yield from run.child(LOOP_ORCHESTRATOR, path, payload)
    return Outcome.failed(answer) if isinstance(answer, Problem) else Outcome.model_validate(answer)


def loop_rounds(context: DurableOrchestrationContext, run_step: RunStep) -> Generator[Any, Any, Json]:
    """The loop's own orchestrator: rounds until its history is long enough, then it continues as new."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    rounds = _Rounds(run, payload, run_step)
    outcome: Outcome | None = yield from run.loom.run(rounds.go_on())
    if outcome is not None:
        return run.returned(dumped(outcome))
    events = [dumped(event) for event in run.take_events()]
    goes_on = {"done": rounds.done, "last": rounds.last, **run.known()}
    context.continue_as_new({**payload, "events": events, **goes_on})
    return None


class _Rounds:
    """One generation of one loop. `done`: rounds so far; `last`: the output of the latest."""

    def __init__(self, run: Run, payload: dict[str, Json], run_step: RunStep) -> None:
        step = LoopStep.model_validate(payload["step"])
        self.run = run
        self.run_step = run_step
        self.loop = step.loop
        self.path: str = payload["path"]
        self.scope = Scope.of_child(payload)
        self.done: int = payload.get("done", 0)
        self.last: Value = payload.get("last") or values.inline(None)

    def go_on(self) -> Generator[Any, Any, Outcome | None]:
        """The loop's outcome; None when it should continue as new."""
        try:
            while self.run.actions < ACTIONS_PER_GENERATION or self.run.loom.others():
                outcome = yield from self._round()
                if outcome is not None:
                    return outcome
        except ProblemError as error:
            return Outcome.failed(error.problem)
        return None

    def _round(self) -> Generator[Any, Any, Outcome | None]:
        if self.done >= self.loop.most:
            return self._ended(StopReason.MOST, f"All {self.loop.most} rounds are up.")
        scope = self.scope.extended(round={"o": {"index": values.inline(self.done), "last": self.last}})
        path = f"{self.path}/round[{self.done + 1}]"
        if self.loop.while_ and not (yield from self.run.condition(self.loop.while_, scope, path)):
            return self._ended(StopReason.CONDITION, f"`{self.loop.while_}` is false after {self.done} rounds.")
        self.run.emit(EventType.LOOP_ROUND, path, round=self.done + 1)
        outcome = yield from StepList(self.run, self.loop.steps, f"{path}/", scope, self.run_step).outcome()
        if outcome.error is not None:
            return outcome
        self.done, self.last = self.done + 1, outcome.value
        if self.loop.until and (yield from self.run.condition(self.loop.until, scope, path)):
            return self._ended(StopReason.CONDITION, f"`{self.loop.until}` is true after round {self.done}.")
        return None

    def _ended(self, reason: StopReason, evidence: str) -> Outcome:
        return Outcome(value=self.last, stop_reason=reason, evidence=evidence, preview=evidence)
