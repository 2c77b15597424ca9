"""The activities in virtual time: what those of the app do to the log, in memory, over a scripted world.

They take time where models, tools and people do, and none where only we are at work.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain import values
from domain.approvals import OPTIONS, Kind, State
from domain.budgets import Spending
from domain.calls import HELD, Action, Arrival, Ask, CancelSteps, Ending, Evaluation, Park
from domain.errors import Problem, ProblemError, canceled
from domain.events import Draft
from domain.executions import Status, StopReason
from domain.expressions import as_text, evaluate, render, render_all
from domain.paths import is_within
from domain.validation import check_value
from domain.values import Json, Value
from tests.language.account import TOLD, Account, Case
from tests.language.durable import Platform
from tests.language.script import signal

Done = Callable[[Any], None]


class Question:
    """A question to a human."""

    def __init__(self, ask: Ask) -> None:
        self.step = ask.step
        self.created = ask.time
        self.state = State.PENDING
        self.decision: dict[str, Json] = {}

    @property
    def came_to_nothing(self) -> bool:
        return self.state is State.WITHDRAWN or self.decision.get("decision") == "fail"

    def settle(self, state: State, decision: str | None = None, by: str | None = None, time: str = "") -> None:
        """Whoever comes first decides."""
        if self.state is State.PENDING:
            self.state = state
            self.decision = {"decision": decision, "by": by, "comment": "", "decided": time}


class World:
    """One execution's log and what goes with it. `flights`: what can be broken off, by its key, and its step."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.platform: Platform
        self.account = Account()
        self.recorded: dict[str, Json] = {}
        self.spending = Spending()
        self.begun: Counter[str] = Counter()
        self.flights: dict[str, tuple[str, Callable[[], None]]] = {}
        self._notes: dict[str, tuple[str, str, str]] = {}
        self._marks: dict[str, bool] = {}
        """What should come to an end, and whether of itself."""
        self._control = "running"
        self._questions: dict[str, Question] = {}
        self._signals: defaultdict[str, list[Json]] = defaultdict(list)
        self._taken: dict[str, Json] = {}
        self._sent: set[str] = set()

    @property
    def now(self) -> datetime:
        return self.platform.now

    @property
    def is_paused(self) -> bool:
        return self._control == "paused"

    def is_canceled(self, step: str, *, about_failure: bool = False) -> bool:
        """Whether it should end. That a step ended itself does not answer the question what to do about that."""
        marks = [mark for mark, own in self._marks.items() if not (about_failure and own and mark == step)]
        return self._control == "canceling" or any(is_within(step, mark) for mark in marks)

    def log(self, events: tuple[Draft, ...]) -> None:
        for event in events:
            if event.type in TOLD:
                self.account.tell(event.step or "", TOLD[event.type], event.time)

    def plain(self, scope: dict[str, Value]) -> dict[str, Json]:
        return {name: values.resolve(value, self.recorded.__getitem__) for name, value in scope.items()}

    def note(self, action: Action) -> None:
        self._notes[action.key] = (action.step, action.instance or action.execution, action.wake)

    def wake(self, under: str = "") -> None:
        for step, instance, event in list(self._notes.values()):
            if is_within(step, under):
                self.platform.raise_event(instance, event)

    def control(self, state: str) -> None:
        """What an operator asks for; nothing, once the execution has ended."""
        if self.account.status is not None or self._control == "canceling":
            return
        self._control = state
        if state == "canceling":
            self._break_off("")
        self.wake()

    def park(self, park: Park, done: Done) -> None:
        self.log(park.events)
        self.note(park)
        if park.signal is not None:
            self._listen(park.signal)
            queue = self._signals[park.signal]
            if park.key not in self._taken and queue:
                self._taken[park.key] = queue.pop(0)
            if park.key in self._taken:
                done(dumped(Arrival(value=values.inline(self._taken[park.key]))))
                return
        done(dumped(Arrival(error=canceled()) if self.is_canceled(park.step) else Arrival()))

    def _listen(self, name: str) -> None:
        """From the first time that somebody waits for it on, events of that name are looked at: earlier ones are there.

        The sender does not know; it is only that a simulation without end would be of no use.
        """
        if name in self._sent:
            return
        self._sent.add(name)
        times = self.case.script.signals(name)

        def send() -> None:
            self._signals[name].append(signal(name))
            self.wake()
            self.platform.at(next(times), send)

        while (moment := next(times)) <= self.now:
            self._signals[name].append(signal(name))
        self.platform.at(moment, send)

    def ask_human(self, ask: Ask, done: Done) -> None:
        self.log(ask.events)
        try:
            scope = self.plain(ask.scope)
            if ask.kind is not Kind.FAILURE:
                render(ask.ask, scope)
            if ask.show:
                render(ask.show, scope)
        except ProblemError as error:
            done(dumped(Arrival(error=error.problem)))
            return
        question = self._questions.get(ask.key)
        is_canceled = self.is_canceled(ask.step, about_failure=ask.kind is Kind.FAILURE)
        if question is None or (question.state is State.WITHDRAWN and not is_canceled):
            question = self._questions[ask.key] = Question(ask)
            self._tell_human(ask, question)
        self.note(ask)
        if question.created < ask.time and question.came_to_nothing:
            done(dumped(Arrival(stale=True)))
            return
        if ask.expired:
            question.settle(State.EXPIRED, ask.otherwise, time=self.now.isoformat())
        if question.state in (State.DECIDED, State.EXPIRED):
            if ask.kind is Kind.FAILURE and question.decision["decision"] == "retry":
                self._marks = {mark: own for mark, own in self._marks.items() if not is_within(mark, ask.step)}
            done(dumped(Arrival(value=values.inline(question.decision))))
        elif is_canceled:
            question.settle(State.WITHDRAWN)
            done(dumped(Arrival(error=canceled())))
        else:
            done(dumped(Arrival()))

    def _tell_human(self, ask: Ask, question: Question) -> None:
        chosen = self.case.script.decision(ask.key, OPTIONS[ask.kind], must=ask.deadline is None)
        if chosen is None:
            return
        decision, after = chosen

        def decide() -> None:
            question.settle(State.DECIDED, decision, "ann", self.now.isoformat())
            self.wake(ask.step)

        self.platform.at(self.now + after, decide)

    def cancel_steps(self, cancel: CancelSteps, done: Done) -> None:
        self.log(cancel.events)
        self.account.given_up.update(cancel.paths)
        for path in cancel.paths:
            self.account.tell(path, "canceled", cancel.time)
            self._marks[path] = cancel.own
            for question in self._questions.values():
                if is_within(question.step, path):
                    question.settle(State.WITHDRAWN)
            self._break_off(path)
            self.wake(path)
        done(True)

    def _break_off(self, path: str) -> None:
        for step, end in list(self.flights.values()):
            if is_within(step, path):
                end()

    def evaluate(self, evaluation: Evaluation, done: Done) -> None:
        self.log(evaluation.events)
        try:
            scope = self.plain(evaluation.scope)
            found = render_all(evaluation.source, scope) if evaluation.template else evaluate(evaluation.source, scope)
        except ProblemError as error:
            done({"error": error.problem.model_dump(mode="json")})
            return
        if evaluation.input_schema:
            assert not check_value(found, evaluation.input_schema)
        value = values.recorded(found, evaluation.id)
        if "r" in value:
            self.recorded[evaluation.id] = found
            if isinstance(found, list):
                value = {"l": [values.reference(evaluation.id, [index]) for index in range(len(found))]}
        done({"value": value})

    def finish(self, ending: Ending, done: Done) -> None:
        if self.is_paused:
            self._notes["finish"] = ("", ending.execution, ending.wake)
            done(HELD)
            return
        self.log(ending.events)
        output, problem = self._output(ending)
        account = self.account
        if self._control == "canceling" or (problem is not None and ending.stop_reason is StopReason.CANCELED):
            account.status, account.stop_reason = Status.CANCELED, StopReason.CANCELED
        elif problem is not None:
            account.status, account.stop_reason, account.code = Status.FAILED, StopReason.FAILED, problem.code
        else:
            account.status, account.stop_reason, account.output = Status.COMPLETED, ending.stop_reason, output
        account.ended = self.now
        assert not [key for key, asked in self._questions.items() if asked.state is State.PENDING], "an open question"
        done(account.status.value)

    def _output(self, ending: Ending) -> tuple[Json, Problem | None]:
        if ending.error is not None:
            return None, ending.error
        try:
            if ending.template is None:
                return self.plain({"value": ending.value or {"v": None}})["value"], None
            return render(ending.template, self.plain(ending.scope)), None
        except ProblemError as error:
            return None, error.problem


def dumped(shape: Any) -> Json:
    return shape.model_dump(mode="json", exclude_defaults=True)


def text_of(template: str, scope: dict[str, Json]) -> str:
    return as_text(render(template, scope))
