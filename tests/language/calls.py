"""The activities `call_model` and `call_tool` in virtual time: looked up, held, reserved, made, settled, recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain import values
from domain.budgets import reserve, settle
from domain.calls import CallOutcome, ModelCall, ToolCall, completed_id, rejected_id
from domain.errors import Code, Problem, ProblemError, canceled
from domain.expressions import as_text, render_all
from domain.hearing import heard
from domain.prompt_shapes import ChatPrompt, HandoffPrompt, TemplatePrompt
from domain.usage import Usage
from domain.values import Json
from tests.language.account import Made
from tests.language.activities import Done, World, dumped, text_of
from tests.language.script import Does, misfit, problem, request, tokens

AT_MOST_ONCE = "careful"
"""The tool whose calls are never broken off; the others' are."""
ESTIMATE = Usage(model_calls=1, tokens_in=10, tokens_out=5)


class Flight:
    """One attempt at one call."""

    def __init__(self, world: World, call: ModelCall | ToolCall, done: Done) -> None:
        self.world = world
        self.call = call
        self.is_over = False
        self._done = done

    def perform(self) -> None:
        world, call = self.world, self.call
        world.log(call.events)
        if completed_id(call.key) in world.recorded:
            self._done(self._answered(world.recorded[completed_id(call.key)]))
        elif rejected_id(call.key) in world.recorded:
            self._done(self._rejected())
        elif world.is_canceled(call.step):
            self._done(dumped(CallOutcome(error=canceled())))
        elif world.is_paused:
            world.note(call)
            self._done(dumped(CallOutcome(held=True)))
        else:
            self._begin()

    def _begin(self) -> None:
        world, call = self.world, self.call
        try:
            asked = self._asked()
            if isinstance(call, ModelCall):
                world.spending = reserve(world.spending, call.key, call.caps, ESTIMATE)
        except ProblemError as error:
            self._failed(error.problem)
            return
        assert call.key not in world.flights, f"{call.key} is made twice at once"
        self.attempt = world.begun[call.key] = world.begun[call.key] + 1
        self.start = world.now
        does = world.case.script.call(call.key, self.attempt, tool=isinstance(call, ToolCall))
        lasts = world.case.script.lasts(call.key, self.attempt, does)
        is_careful = isinstance(call, ToolCall) and call.tool == AT_MOST_ONCE
        break_off: Callable[[], None] = (lambda: None) if is_careful else self._broken_off
        world.flights[call.key] = (call.step, break_off)
        world.platform.at(world.now + lasts, lambda: self._landed(does, asked))

    def _asked(self) -> str:
        """What is asked of the model or tool. Raises `ProblemError` expression_failed."""
        world, call = self.world, self.call
        if isinstance(call, ToolCall):
            return as_text(render_all(call.arguments, world.plain(call.scope)))
        prompt = call.prompt
        assert isinstance(prompt, TemplatePrompt | ChatPrompt | HandoffPrompt)
        task = prompt if isinstance(prompt, TemplatePrompt) else prompt.task
        view = () if isinstance(prompt, TemplatePrompt) else prompt.view
        turns = [(said.speaker, _words(world.recorded[said.event])) for said in view]
        rejected = world.recorded[call.repair.rejected] if call.repair else None
        return request(text_of(task.template, world.plain(task.scope)), turns, rejected)

    def _landed(self, does: Does, asked: str) -> None:
        if self.is_over:
            return
        call, world = self.call, self.world
        schema = call.output_schema if isinstance(call, ModelCall) else None
        if does.error is not None:
            self._over(does.error.value, 0)
            self._failed(does.problem())
        elif does.misfits and schema is not None:
            self._over("misfit", tokens(does))
            world.recorded[rejected_id(call.key)] = misfit(call.key)
            self._done(self._rejected())
        else:
            self._over("answered", tokens(does))
            assert completed_id(call.key) not in world.recorded, f"{call.key} was answered twice"
            found = world.recorded[completed_id(call.key)] = world.case.script.answer(does, call.key, asked, schema)
            self._done(self._answered(found))

    def _broken_off(self) -> None:
        self._over("canceled", 0)
        self._failed(canceled())

    def _over(self, how: str, used: int) -> None:
        world, call = self.world, self.call
        self.is_over = True
        del world.flights[call.key]
        world.account.calls.append(Made(call.key, self.attempt, self.start, world.now, how, isinstance(call, ToolCall)))
        if isinstance(call, ModelCall):
            usage = Usage(model_calls=1, tokens_in=used) if used else Usage()
            world.spending = settle(world.spending, call.key, usage)

    def _failed(self, error: Problem) -> None:
        call, world = self.call, self.world
        if call.retry.applies_to(error) and call.failures + 1 < call.retry.attempts:
            world.note(call)
            if world.is_canceled(call.step):
                error = canceled()
        self._done(dumped(CallOutcome(error=error)))

    def _answered(self, found: Json) -> Json:
        call = self.call
        listening, pick = (call, call.pick) if isinstance(call, ModelCall) else (None, ())
        outcome = CallOutcome(
            **dict(heard(as_text(found), listening)),
            value=values.recorded(found, completed_id(call.key)),
            event=completed_id(call.key),
            picked={key: as_text(found[key])[:300] for key in pick},
        )
        return dumped(outcome)

    def _rejected(self) -> Json:
        outcome = CallOutcome(error=problem(Code.MODEL_BAD_ANSWER), rejected=rejected_id(self.call.key))
        return dumped(outcome)


def _words(said: Any) -> str:
    return as_text(said["answer"] if isinstance(said, dict) and "answer" in said else said)
