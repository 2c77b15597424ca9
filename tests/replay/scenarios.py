"""One execution of each pattern, with a scripted model: what is recorded for each release."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from domain import values
from domain.calls import CallOutcome, Ending, Evaluation, ModelCall, completed_id
from domain.errors import Code, Fault, Problem
from domain.events import EventType
from domain.executions import Status
from domain.prompt_shapes import ChairPrompt
from domain.values import Json

LONG = "many words " * 250
"""Too long to travel inline, so that orchestrators see a reference to it."""


@dataclass
class Scenario:
    """A workflow and its input. `failures` are raised or returned by a call, one after the other, before it answers."""

    steps: list[dict[str, Any]]
    input: Json = None
    output: str | None = None
    answers: dict[str, Json] = field(default_factory=dict)
    """By key of the call; a call that is not named answers with a sentence about its key."""
    failures: dict[str, list[Problem | Exception]] = field(default_factory=dict)

    def workflow(self, name: str) -> dict[str, Any]:
        return {"name": name, "steps": self.steps, **({"output": self.output} if self.output else {})}


class ScriptedActivities:
    """Stands for the app's activities: answers in their shapes, without services."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._asked: Counter[str] = Counter()

    def call_model(self, payload: Json) -> Json:
        call = ModelCall.model_validate(payload)
        failures = self._scenario.failures.get(call.key, [])
        number = self._asked[call.key]
        self._asked[call.key] += 1
        if number < len(failures):
            failure = failures[number]
            if isinstance(failure, Exception):
                raise failure
            return _dumped(CallOutcome(error=failure))
        answer = self._scenario.answers.get(call.key) or _usual_answer(call)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        value = values.recorded(answer, completed_id(call.key))
        said = tuple(word for word in call.watch if word in text)
        return _dumped(CallOutcome(value=value, said=said, preview=text[:40]))

    def evaluate(self, payload: Json) -> Json:
        """The scenarios that need the activity ask how long a long text is, or for a list of three."""
        evaluation = Evaluation.model_validate(payload)
        if evaluation.source.startswith("size("):
            return {"value": values.inline(evaluation.source.endswith("> 1"))}
        return {"value": {"l": [values.reference(evaluation.id, [index]) for index in range(3)]}}

    def finish(self, payload: Json) -> Json:
        ending = Ending.model_validate(payload)
        return Status.COMPLETED if ending.error is None else Status.FAILED


def _usual_answer(call: ModelCall) -> Json:
    if isinstance(call.prompt, ChairPrompt):
        choice = {"next": call.prompt.choices[-1], "reason": "has not spoken for longest"}
        return {**choice, "agreed": False} if call.prompt.may_agree else choice
    return f"What {call.agent} says in {call.key}."


def _dumped(outcome: CallOutcome) -> Json:
    return outcome.model_dump(mode="json", exclude_defaults=True)


def _problem(code: Code, *, retryable: bool, retry_after: float | None = None) -> Problem:
    return Problem(
        code=code, message="The script says so.", action="None.", fault=Fault.MODEL,
        retryable=retryable, retry_after=retry_after,
    )  # fmt: skip


def _agents(count: int) -> list[dict[str, Any]]:
    return [{"id": f"s{number}", "agent": "writer", "input": "Go on."} for number in range(1, count + 1)]


def _chat(speaker: Any, *until: dict[str, Any], **more: Any) -> dict[str, Any]:
    rules = {"participants": ["ann", "ben", "cleo"], "task": "Agree on ${input}.", "speaker": speaker, **more}
    return {"id": "chat", "group_chat": {**rules, "until": {"any": list(until)}}}


STARTED_BY = EventType.EXECUTION_STARTED

SCENARIOS: dict[str, Scenario] = {
    "sequential": Scenario(
        steps=[
            {"id": "draft", "agent": "writer", "input": "Draft: ${input.idea}"},
            {"id": "skipped", "agent": "critic", "when": "input.idea == 'none'"},
            {
                "id": "rounds",
                "sequential": [
                    {"id": "critique", "agent": "critic", "input": "${steps.draft.output}"},
                    {"id": "revise", "agent": "writer", "input": "${steps.draft.output} ${steps.critique.output}"},
                ],
            },
            {"id": "long", "when": "size(steps.rounds.output) > 1", "agent": "editor"},
        ],
        input={"idea": "a lamp"},
        output="Revised: ${steps.rounds.output}",
        answers={"rounds/revise#0": LONG},
    ),
    "concurrent": Scenario(
        steps=[
            {
                "id": "reviews",
                "concurrent": [
                    {"id": "cost", "agent": "cost-reviewer"},
                    {
                        "id": "law",
                        "sequential": [{"id": "find", "agent": "lawyer"}, {"id": "judge", "agent": "judge"}],
                    },
                    {"id": "risk", "agent": "risk-reviewer", "on_error": "skip"},
                ],
            },
            {"id": "merge", "agent": "editor", "input": "${steps.reviews.output.cost}"},
        ],
        input="a bridge",
        failures={"reviews/risk#0": [_problem(Code.MODEL_REFUSED, retryable=False)]},
    ),
    "map": Scenario(
        steps=[
            {
                "id": "each",
                "map": {
                    "over": "input.chapters",
                    "concurrency": 2,
                    "step": {
                        "id": "both",
                        "sequential": [
                            {"id": "read", "agent": "reader", "input": "${index}: ${item}"},
                            {"id": "sum", "agent": "writer", "input": "${steps.read.output}"},
                        ],
                    },
                },
            }
        ],
        input={"chapters": [LONG, LONG, LONG]},
    ),
    "map-in-slices": Scenario(
        steps=[{"id": "each", "map": {"over": "input", "concurrency": 10, "step": {"id": "one", "agent": "reader"}}}],
        input=list(range(60)),
    ),
    "chat-round-robin": Scenario(
        steps=[
            _chat("round_robin", {"turns": 9}, {"says": "AGREED"}, {"holds": "size(chat.last) > 9999"}, min_turns=3)
        ],
        input="a name",
        answers={"chat/turn[4]#0": LONG, "chat/turn[5]#0": "So be it: AGREED."},
    ),
    "chat-with-a-chair": Scenario(
        steps=[_chat({"agent": "chair"}, {"turns": 12}, {"agreed": True}, view={"last": 3})],
        input="a date",
        answers={"chat/turn[6]/chair#0": {"next": "ann", "reason": "all said yes", "agreed": True}},
        failures={"chat/turn[2]/chair#0": [_problem(Code.MODEL_BAD_ANSWER, retryable=True)] * 4},
    ),
    "chat-over-generations": Scenario(steps=[_chat("round_robin", {"turns": 27})], input="a price"),
    "failing-call": Scenario(
        steps=[
            {"id": "flaky", "agent": "writer", "retry": {"attempts": 5, "first_delay": "PT2S", "backoff": 3}},
            {"id": "lost", "agent": "writer", "retry": {"attempts": 2}, "on_error": {"fallback": "nothing"}},
            {
                "id": "beside",
                "concurrent": [{"id": "slow", "agent": "writer"}, {"id": "steady", "agent": "editor"}],
            },
        ],
        input="a poem",
        failures={
            "flaky#0": [
                _problem(Code.MODEL_UNREACHABLE, retryable=True),
                _problem(Code.MODEL_RATE_LIMITED, retryable=True, retry_after=30),
                RuntimeError("the process died"),
                _problem(Code.MODEL_BAD_ANSWER, retryable=True),
            ],
            "lost#0": [_problem(Code.MODEL_UNREACHABLE, retryable=True)] * 2,
            "beside/slow#0": [_problem(Code.MODEL_UNREACHABLE, retryable=True)],
        },
    ),
    "failed": Scenario(
        steps=_agents(2), failures={"s1#0": [_problem(Code.MODEL_REFUSED, retryable=False)]}, input="a joke"
    ),
    "continue-as-new": Scenario(steps=_agents(53), input="a saga"),
}
