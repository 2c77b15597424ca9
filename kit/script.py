"""What a case has for everyone: each answer, decision and event is taken once, and must be wanted."""

from __future__ import annotations

from domain.approvals import Approval
from domain.expressions import as_text
from kit.cases import Answer, Case, Decision, Sent
from kit.players import Call


class CaseFailed(Exception):
    """What happened is not what the case says; the message is for whoever wrote one of the two."""


class Script:
    """`calls`: those that have been given their answer, in order."""

    def __init__(self, case: Case) -> None:
        self.calls: list[str] = []
        self._in_order = list(case.in_order) if case.in_order else None
        self._answers = {key: list(of) for key, of in case.answers.items()}
        self._decisions = {step: list(decisions) for step, decisions in case.people.items()}
        self._events = dict(case.events)

    def answer(self, call: Call) -> Answer:
        """Raises `CaseFailed` when there is none for it, or it is asked something else than the case says."""
        answer = self._next(call)
        self.calls.append(call.key)
        _check_asked(call, answer)
        return answer

    def decision(self, step: str) -> Decision | None:
        decisions = self._decisions.get(step)
        return decisions.pop(0) if decisions else None

    def event(self, step: str) -> Sent | None:
        return self._events.pop(step, None)

    def left(self) -> list[str]:
        """What nobody wanted."""
        return [
            *([f"the answers after call {len(self.calls)}"] if self._in_order else []),
            *(f"an answer to `{key}`" for key, answers in self._answers.items() if answers),
            *(f"a decision in `{step}`" for step, decisions in self._decisions.items() if decisions),
            *(f"the event in `{step}`" for step in self._events),
        ]

    def _next(self, call: Call) -> Answer:
        if self._in_order is None:
            answers = self._answers.get(call.key) or self._answers.get(f"{call.key}#0")
            if not answers:
                raise CaseFailed(f"`{call.key}` was called, and no answer is left for it. {_told(call)}")
            return answers.pop(0)
        if not self._in_order:
            raise CaseFailed(f"`{call.key}` was called after the last answer was given. {_told(call)}")
        answer = self._in_order.pop(0)
        if answer.call not in (None, call.key):
            raise CaseFailed(f"`{call.key}` was called, where the next answer is for `{answer.call}`. {_told(call)}")
        return answer


def check_question(question: Approval, decision: Decision) -> None:
    """Raises `CaseFailed` when the case says something else of the question, or its person may not decide it."""
    shown = f"{question.ask}\n{as_text(question.show)}"
    for text in decision.asked:
        if text not in shown:
            raise CaseFailed(f"In `{question.step}` nobody was asked {text!r}. They were asked: {shown}")
    if not question.may_be_decided_by((decision.role,)):
        roles = ", ".join(question.roles)
        raise CaseFailed(f"A person in the role `{decision.role}` may not decide `{question.step}`: it is for {roles}.")


def _check_asked(call: Call, answer: Answer) -> None:
    if answer.arguments is not None and answer.arguments != call.asked:
        wanted = as_text(answer.arguments)
        raise CaseFailed(f"`{call.key}` was given other arguments than {wanted}. {_told(call)}")
    if answer.offered is not None and answer.offered != call.offered:
        offered = ", ".join(call.offered) or "none"
        raise CaseFailed(f"`{call.key}` was offered other tools than {', '.join(answer.offered) or 'none'}: {offered}.")
    if answer.tools and call.tool is not None:
        raise CaseFailed(f"`{call.key}` is a call of the tool `{call.tool.name}`, which asks for no tools.")
    if answer.runs and (call.tool is None or call.tool.function is None):
        raise CaseFailed(f"`{call.key}` is no call of a tool that is a function, so nothing can run.")
    text = as_text(call.asked)
    for wanted in answer.asked:
        if wanted not in text:
            raise CaseFailed(f"`{call.key}` was not asked {wanted!r}. {_told(call)}")
    for unwanted in answer.not_asked:
        if unwanted in text:
            raise CaseFailed(f"`{call.key}` was asked {unwanted!r}. {_told(call)}")


def _told(call: Call) -> str:
    return f"It was asked: {as_text(call.asked)}"
