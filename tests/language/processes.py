"""The ground that the reference stands on: processes in virtual time (SimPy), each of a step, which can be given up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import simpy
from simpy.events import NORMAL, Event, Process

from domain.calls import Cap
from domain.errors import Code, ProblemError
from domain.executions import StopReason
from domain.expressions import evaluate, render_all, truth
from domain.paths import is_within
from domain.policies import Defaults, Retry
from domain.steps import BaseStep
from domain.values import Json
from domain.workflows import Workflow
from tests.language.account import Account, Case
from tests.language.script import BEGIN

Work = Generator[Event, Any, Any]
LAST = NORMAL + 1
"""After everything else of the same instant."""
MICROSECOND = timedelta(microseconds=1)


class Tie(Exception):
    """Two things that do not depend on each other happen at the same instant: what comes of it is nobody's promise."""


@dataclass(frozen=True)
class End:
    """How a step ended: `code` says why it failed."""

    status: Literal["succeeded", "failed", "skipped"] = "succeeded"
    value: Json = None
    code: Code | None = None
    reason: StopReason | None = None

    @staticmethod
    def failed(code: Code) -> End:
        return End("failed", None, code)


@dataclass(frozen=True)
class Around:
    """What a step finds where it stands. `steps`: those that have ended, as expressions see them."""

    names: dict[str, Json]
    steps: dict[str, Json] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)
    retry: Retry = field(default_factory=Retry)
    caps: tuple[Cap, ...] = ()

    def apart(self, **names: Json) -> Around:
        """A place of its own, from which nothing gets out."""
        return Around({**self.names, **names}, dict(self.steps), self.defaults, self.retry, self.caps)

    def inside(self, step: BaseStep, path: str) -> Around:
        caps = (*self.caps, Cap(path=path, budget=step.budget)) if step.budget else self.caps
        return Around(self.names, self.steps, self.defaults, step.retry or self.retry, caps)

    def of_workflow(self, workflow: Workflow, path: str, input: Json) -> Around:
        names = {"input": input, "execution": {"id": "e", "workflow": workflow.name}}
        limits = workflow.limits
        is_limited = any((limits.model_calls, limits.tokens, limits.cost_usd))
        caps = (*self.caps, Cap(path=path, budget=limits)) if is_limited else self.caps
        return Around(names, {}, workflow.defaults, workflow.defaults.retry or self.retry, caps)

    def seen(self) -> dict[str, Json]:
        return {**self.names, "steps": self.steps}

    def holds(self, condition: str) -> bool:
        return truth(condition, evaluate(condition, self.seen()))

    def written(self, template: Json) -> Json:
        return render_all(template, self.seen())


class Processes:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.account = Account()
        self.env = simpy.Environment()
        self._alive: dict[Process, str] = {}

    @property
    def now(self) -> datetime:
        return BEGIN + self.env.now * MICROSECOND

    def lasting(self, time: timedelta) -> Event:
        return self.env.timeout(max(0, time // MICROSECOND))

    def spawn(self, path: str, work: Work) -> Process:
        """Have it done beside everything else; `path` is that of the step it belongs to."""

        def whole() -> Work:
            try:
                return (yield from safely(work))
            except simpy.Interrupt:
                return None
            finally:
                del self._alive[process]

        process = self.env.process(whole())
        self._alive[process] = path
        return process

    def instant_over(self) -> Event:
        """When everything else that happens at this instant has happened."""
        event = self.env.event()
        event._ok, event._value = True, None
        self.env.schedule(event, LAST)  # type: ignore[arg-type]  # a later one than SimPy has names for
        return event

    def alive(self, path: str, *, itself: bool = True) -> list[Process]:
        """What goes on in the step, but for the process that asks; not `itself`: only what is inside it."""
        asking = self.env.active_process
        return [
            process
            for process, at in self._alive.items()
            if is_within(at, path) and process is not asking and (itself or at != path)
        ]

    def give_up(self, path: str) -> None:
        """End the step and all that goes on in it."""
        self.account.given_up.add(path)
        for process in self.alive(path):
            process.interrupt()

    def all_over(self, path: str, *, itself: bool = False) -> Work:
        """Wait for everything in the step."""
        while processes := self.alive(path, itself=itself):
            yield self.env.any_of(processes)

    def in_time(self, path: str, work: Work, limit: timedelta, late: Callable[[], None]) -> Work:
        """The work's end; or `late` is told that the time was up."""
        deadline = self.now + limit
        process = self.spawn(path, work)
        yield process | self.lasting(limit)
        if self.now < deadline:
            return process.value
        yield self.instant_over()
        if not process.is_alive:
            raise Tie("it ends when the time is up")
        self.give_up(path)
        late()
        return End.failed(Code.TIMEOUT)


def safely(work: Work) -> Work:
    """The work's end; an expression that fails is one too."""
    try:
        return (yield from work)
    except ProblemError as error:
        return End.failed(error.problem.code)
