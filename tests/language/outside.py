"""What the reference says of models, tools, people and events: when they are asked, how often, and what that costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import simpy

from domain.approvals import OPTIONS, Kind
from domain.calls import Cap, following_key
from domain.chance import chance
from domain.errors import Code, Problem, ProblemError
from domain.expressions import as_text
from domain.paths import ancestors
from domain.policies import Question
from domain.values import Json
from tests.language.account import Case, Made
from tests.language.calls import AT_MOST_ONCE, ESTIMATE
from tests.language.processes import Around, End, Processes, Tie, Work
from tests.language.script import Does, misfit, problem, signal, tokens

Asked = Callable[[str | None], str]
"""All that is asked, given the rejected answer that is sent back with it, if any."""


@dataclass(frozen=True)
class Tried:
    """What came of one try."""

    value: Json = None
    problem: Problem | None = None
    misfit: bool = False

    def end(self) -> End:
        return End("succeeded", self.value) if self.problem is None else End.failed(self.problem.code)


@dataclass(frozen=True)
class Call:
    """What is asked of a model; or of a tool, which costs nothing."""

    key: str
    around: Around
    asked: Asked
    schema: dict[str, Any] | None = None
    rejected: str | None = None
    tool: str | None = None

    @property
    def caps(self) -> tuple[Cap, ...]:
        return () if self.tool else self.around.caps


class Outside(Processes):
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._finished: dict[str, Tried] = {}
        self._begun: Counter[str] = Counter()
        self.tried_again: Counter[str] = Counter()
        """How often a human had a step tried again, by its path."""
        self._asked: dict[str, datetime] = {}
        self._decided: dict[str, tuple[str, str | None, datetime]] = {}
        self._spent: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._reserved: dict[str, set[str]] = {}
        self._moved: dict[tuple[str, float], str] = {}
        """What last happened to a budget at an instant: granted to a call, or given back by one that was given up."""
        self._signals: dict[str, Iterator[datetime]] = {}
        self._next_signal: dict[str, datetime] = {}
        self._listening: Counter[str] = Counter()
        self._taken: dict[str, Json] = {}
        self._looked: dict[tuple[str, float], str] = {}

    def model(self, path: str, around: Around, asked: Asked, schema: dict[str, Any] | None = None) -> Work:
        """The answer of a model; one that does not fit is sent back once.

        It is asked anew as often as humans had the step, or one around it, tried again.
        """
        for again in range(1 + sum(self.tried_again[at] for at in ancestors(path))):
            call = Call(f"{path}#{2 * again}", around, asked, schema)
            tried: Tried = yield from self._tries(call)
            if tried.misfit:
                repair = replace(call, key=f"{path}#{2 * again + 1}", rejected=misfit(call.key))
                tried = yield from self._tries(repair)
            if tried.problem is None or tried.problem.code is not Code.MODEL_BAD_ANSWER:
                break
        return tried.end()

    def tool(self, path: str, around: Around, asked: Asked, name: str) -> Work:
        tried: Tried = yield from self._tries(Call(f"{path}#0", around, asked, tool=name))
        return tried.end()

    def _tries(self, call: Call) -> Work:
        policy, failures = call.around.retry, 0
        while True:
            tried: Tried = yield from self._try(call)
            failures += 1
            error = tried.problem
            if error is None or tried.misfit or failures >= policy.attempts or not policy.applies_to(error):
                return tried
            if error.code is not Code.MODEL_BAD_ANSWER:  # else it is up and answering: there is nothing to wait for
                yield self.lasting(policy.delay(failures, error.retry_after, chance("e", call.key, failures)))

    def _try(self, call: Call) -> Work:
        if call.key in self._finished:
            return self._finished[call.key]
        yield from self.not_paused()
        try:
            text = call.asked(call.rejected)
        except ProblemError as error:
            return Tried(problem=error.problem)
        if not self._reserve(call):
            return Tried(problem=problem(Code.BUDGET_EXCEEDED))
        attempt = self._begun[call.key] = self._begun[call.key] + 1
        start, does = self.now, self.case.script.call(call.key, attempt, tool=call.tool is not None)
        landing, given_up = self.lasting(self.case.script.lasts(call.key, attempt, does)), None
        while not landing.processed:
            try:
                yield landing
            except simpy.Interrupt as interrupt:
                given_up = interrupt
                if call.tool != AT_MOST_ONCE:  # else it must not be broken off
                    self._over(call, Made(call.key, attempt, start, self.now, "canceled", call.tool is not None), 0)
                    raise
        tried, how = self._landed(call, does, text)
        self._over(
            call,
            Made(call.key, attempt, start, self.now, how, call.tool is not None),
            0 if does.error else tokens(does),
        )
        if given_up is not None:
            raise given_up
        return tried

    def _landed(self, call: Call, does: Does, text: str) -> tuple[Tried, str]:
        """What comes of it; an answer is kept, also one that does not fit."""
        if does.error is not None:
            return Tried(problem=does.problem()), does.error.value
        if does.misfits and call.schema is not None:
            self._finished[call.key] = Tried(problem=problem(Code.MODEL_BAD_ANSWER), misfit=True)
            return self._finished[call.key], "misfit"
        self._finished[call.key] = Tried(self.case.script.answer(does, call.key, text, call.schema))
        return self._finished[call.key], "answered"

    def _over(self, call: Call, made: Made, used: int) -> None:
        self.account.calls.append(made)
        self._reserved.pop(made.key, None)
        for path in {cap.path for cap in call.caps}:
            self._spent[path].update(calls=1 if used else 0, tokens=used)
            self.account.spent[path] = self._spent[path]["tokens"]
            if made.how == "canceled":
                self._moved[path, self.env.now] = "given back"

    def _reserve(self, call: Call) -> bool:
        """Whether no budget is used up: what has been spent and what is reserved count alike."""
        for cap in call.caps:
            reserved = sum(cap.path in others for others in self._reserved.values())
            calls = self._spent[cap.path]["calls"] + reserved * ESTIMATE.model_calls
            used = self._spent[cap.path]["tokens"] + reserved * (ESTIMATE.tokens_in + ESTIMATE.tokens_out)
            budget = cap.budget
            refused = (budget.model_calls is not None and calls >= budget.model_calls) or (
                budget.tokens is not None and used >= budget.tokens
            )
            moved = self._moved.get((cap.path, self.env.now))
            limited = budget.model_calls is not None or budget.tokens is not None
            if limited and (moved == "given back" or (refused and moved == "granted")):
                raise Tie("several calls want a budget")
            if refused:
                return False
        for cap in call.caps:
            self._moved.setdefault((cap.path, self.env.now), "granted")
        self._reserved[call.key] = {cap.path for cap in call.caps}
        return True

    def not_paused(self) -> Work:
        """Nothing new begins in a pause."""
        if self.case.paused is not None:
            begin, end = self.case.paused
            if begin <= self.now < end:
                yield self.lasting(end - self.now)

    def ask(self, key: str, question: Question, otherwise: str, kind: Kind) -> Work:
        """What is decided, by whom and when. What was decided before stays so; a failure is asked about anew."""
        while key in self._decided and self._decided[key][0] == "fail" and self._asked[key] < self.now:
            key = following_key(key)
        if key in self._decided:
            return self._decided[key]
        self._asked[key] = self.now
        chosen = self.case.script.decision(key, OPTIONS[kind], must=question.deadline is None)
        deadline = question.deadline
        if chosen is not None and (deadline is None or chosen[1] < deadline):
            yield self.lasting(chosen[1])
            self._decided[key] = (chosen[0], "ann", self.now)
        else:
            assert deadline is not None
            if chosen is not None and chosen[1] == deadline:
                raise Tie("decided at the deadline")
            yield self.lasting(deadline)
            self._decided[key] = (otherwise, None, self.now)
        return self._decided[key]

    def signal(self, path: str, name: str, deadline: datetime | None) -> Work:
        """The earliest event of that name that nobody has taken, or None when none has come by the deadline.

        A step that is done again has taken it already.
        """
        if path in self._taken:
            return self._taken[path]
        if self._looked.setdefault((name, self.env.now), path) != path:
            raise Tie("several look for the same event")
        if name not in self._signals:
            self._signals[name] = self.case.script.signals(name)
            self._next_signal[name] = next(self._signals[name])
        moment = self._next_signal[name]
        while moment > self.now:
            if moment == deadline:
                raise Tie("it comes when the time is up")
            if deadline is not None and deadline < moment:
                yield self.lasting(deadline - self.now)
                return None
            if self._listening[name]:
                raise Tie("several wait for the same event")
            self._listening[name] += 1
            try:
                yield self.lasting(moment - self.now)
            finally:
                self._listening[name] -= 1
            moment = self._next_signal[name]
        self._next_signal[name] = next(self._signals[name])
        self._taken[path] = signal(name)
        return self._taken[path]


def text_asked(around: Around, template: Json) -> str:
    return as_text(around.written(template))
