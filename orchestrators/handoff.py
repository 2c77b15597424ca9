"""The handoff pattern: an agent answers, or passes the conversation to another it may pass to. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import values
from domain.calls import ModelCall, completed_id
from domain.events import EventType
from domain.executions import StopReason
from domain.handoffs import NOBODY, PICKED, handoff_schema
from domain.prompt_shapes import HandoffPrompt, Said, TemplatePrompt
from domain.steps import HandoffStep
from orchestrators.calling import call_model
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.tracing import as_turn


def run_handoff(run: Run, step: HandoffStep, path: str, scope: Scope, _run_step: Any) -> Generator[Any, Any, Outcome]:
    rules = step.handoff
    speaker, view, passed = rules.start, tuple[Said, ...](), 0
    while True:
        choices = rules.may_pass.get(speaker, ()) if passed < rules.most else ()
        at = f"{path}/turn[{passed + 1}]"
        prompt = HandoffPrompt(
            kind="handoff",
            task=TemplatePrompt(kind="template", template=rules.task, scope=scope.used_by(rules.task)),
            speaker=speaker,
            choices=choices,
            view=view[-rules.last :],
        )
        call = ModelCall(
            **run.about(f"{at}#0", at, scope.rules.trace),
            plan=run.plan,
            agent=speaker,
            prompt=prompt,
            output_schema=handoff_schema(choices) if choices else None,
            pick=PICKED if choices else (),
            data={"turn": passed + 1},
            retry=scope.rules.retry,
            caps=scope.rules.caps,
        )
        outcome = yield from call_model(run, as_turn(run, call))
        if outcome.error is not None:
            return Outcome.failed(outcome.error)
        chosen = outcome.picked.get("pass_to", NOBODY)
        if chosen not in choices:
            break
        run.emit(EventType.HANDED_OFF, at, agent=speaker, to=chosen, reason=outcome.picked.get("reason", ""))
        view = (*view, Said(turn=passed + 1, speaker=speaker, event=outcome.event or completed_id(call.key)))
        speaker, passed = chosen, passed + 1
    value = outcome.value or values.inline(None)
    most = not choices and passed >= rules.most
    evidence = f"{speaker} answered after {passed} handoff{'' if passed == 1 else 's'}"
    return Outcome(
        value=values.at(value, "answer") if choices else value,
        preview=outcome.picked.get("answer", outcome.preview),
        stop_reason=StopReason.MOST if most else StopReason.FINISHED,
        evidence=f"{evidence}, the most there may be" if most else evidence,
    )
