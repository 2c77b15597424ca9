"""One execution of each pattern, with a scripted model: what is recorded for each release."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from domain import values
from domain.approvals import OPTIONS
from domain.calls import (
    Action,
    Arrival,
    Ask,
    CallOutcome,
    CancelSteps,
    Ending,
    Evaluation,
    ModelCall,
    NextTurns,
    Park,
    ToolCall,
    asked_id,
    completed_id,
)
from domain.errors import Code, Fault, Problem, canceled
from domain.events import EventType
from domain.executions import Status
from domain.paths import is_within
from domain.prompt_shapes import ChairPrompt
from domain.toolcalls import Asking
from domain.tools import ToolApproval
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
    asks: dict[str, list[Asking]] = field(default_factory=dict)
    """By key of the call, what of tools it asks for instead of answering."""
    lost: frozenset[str] = frozenset()
    """Keys of tool calls of which nobody knows, until a human says so, whether they were carried out."""
    held: frozenset[str] = frozenset()
    """Keys of model calls that find the execution paused: by a person, or a budget that is used up."""
    failures: dict[str, list[Problem | Exception]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """Other keys of the workflow."""
    payload: dict[str, Any] = field(default_factory=dict)
    """Other keys of the orchestrator's input: the workflows it names, a webhook, outputs that a fork gives."""

    orchestrator: str = "workflow"
    """Another than a workflow's is given `payload` alone."""
    logged: bool = False
    """Whether model calls tell how far the log has come with them."""

    def workflow(self, name: str) -> dict[str, Any]:
        return {"name": name, "steps": self.steps, **({"output": self.output} if self.output else {}), **self.more}


class ScriptedActivities:
    """Stands for the app's activities: answers in their shapes, without services."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._asked: Counter[str] = Counter()
        self._canceled: list[str] = []
        self.wakes: list[tuple[str, str]] = []
        """(instance, event) of what waits for someone, who comes when nothing else is to be done."""

    def call_tool(self, payload: Json) -> Json:
        call = ToolCall.model_validate(payload)
        if call.key in self._scenario.lost and call.settled is None:
            return _dumped(CallOutcome(error=_problem(Code.TOOL_UNCERTAIN, retryable=False), begun=1))
        return _dumped(CallOutcome(value=values.inline({"called": call.tool}), preview="called"))

    def ask_human(self, payload: Json) -> Json:
        """Nobody answers at the first look; at the next someone has."""
        ask = Ask.model_validate(payload)
        decision = {"decision": OPTIONS[ask.kind][0], "by": "ann", "comment": "", "decided": None}
        return self._arrival(ask, values.inline(decision))

    def park(self, payload: Json) -> Json:
        park = Park.model_validate(payload)
        return self._arrival(park, values.inline("sent")) if park.signal else {}

    def next_turns(self, payload: Json) -> Json:
        """Those whose turn it is are told so."""
        turns = NextTurns.model_validate(payload)
        self.wakes += [(wake.instance, wake.event) for wake in turns.wakes]
        return {}

    def cancel_steps(self, payload: Json) -> Json:
        self._canceled += CancelSteps.model_validate(payload).paths
        return True

    def index_part(self, _payload: Json) -> Json:
        """Fails, is to wait, gets on, and is done."""
        self._asked["index_part"] += 1
        match self._asked["index_part"]:
            case 1:
                raise RuntimeError("the process died")
            case 2:
                return {"wait": 30.0, "failures": 1}
            case 3:
                return {"failures": 0}
            case _:
                return {"done": True}

    def deliver(self, _payload: Json) -> Json:
        self._asked["deliver"] += 1
        return {"wait": 5.0 if self._asked["deliver"] == 1 else None}

    def _arrival(self, action: Action, value: Json) -> Json:
        self._asked[action.key] += 1
        if self._asked[action.key] > 1:
            return Arrival(value=value).model_dump(mode="json", exclude_defaults=True)
        self.wakes.append((action.instance or action.execution, action.wake))
        return {}

    def call_model(self, payload: Json) -> Json:
        call = ModelCall.model_validate(payload)
        if any(is_within(call.step, path) for path in self._canceled):
            return _dumped(CallOutcome(error=canceled()))
        failures = self._scenario.failures.get(call.key, [])
        number = self._asked[call.key]
        self._asked[call.key] += 1
        if call.key in self._scenario.held and number == 0:
            self.wakes.append((call.instance or call.execution, call.wake))
            return _dumped(CallOutcome(held=True))
        if number < len(failures):
            failure = failures[number]
            if isinstance(failure, Exception):
                raise failure
            return _dumped(CallOutcome(error=failure))
        if asks := self._scenario.asks.get(call.key):
            return _dumped(CallOutcome(asks=tuple(asks), event=asked_id(call.key)))
        answer = self._scenario.answers.get(call.key) or _usual_answer(call)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        value = values.recorded(answer, completed_id(call.key))
        said = tuple(word for word in call.watch if word in text)
        picked = {key: str(answer[key]) for key in call.pick}
        log = {"head": 2 * self._asked.total(), "quiet": True} if self._scenario.logged else {}
        return _dumped(CallOutcome(value=value, said=said, picked=picked, preview=text[:40], **log))

    def evaluate(self, payload: Json) -> Json:
        """The scenarios that need the activity ask how long a long text is, or for a list of three."""
        evaluation = Evaluation.model_validate(payload)
        if evaluation.input_schema is not None:
            return {"value": values.inline({"text": "handed over"})}
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
ESCALATE = {"after": "P1D", "roles": ["admin"]}

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
    "followed": Scenario(
        steps=[
            *_agents(2),
            {"id": "both", "concurrent": [{"id": "a", "agent": "writer"}, {"id": "b", "agent": "critic"}]},
            {"id": "more", "loop": {"most": 2, "until": "false", "steps": [{"id": "again", "agent": "writer"}]}},
            _chat("round_robin", {"turns": 2}),
        ],
        input="a lamp",
        payload={"trace": {"parent": f"00-{'a' * 32}-{'b' * 16}-01", "workflow": "followed"}, "head": 1, "quiet": True},
        logged=True,
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
    "needs": Scenario(
        steps=[
            {"id": "facts", "agent": "reader", "needs": []},
            {"id": "law", "agent": "lawyer", "needs": []},
            {"id": "draft", "agent": "writer", "needs": ["facts"], "input": "${steps.facts.output}"},
            {"id": "final", "agent": "editor", "needs": ["draft", "law"], "timeout": "PT1H"},
        ],
        input="a treaty",
        more={"limits": {"duration": "P1D", "model_calls": 9}},
    ),
    "joins": Scenario(
        steps=[
            {
                "id": "first",
                "concurrent": {"join": "any", "branches": [{"id": name, "agent": name} for name in ("ann", "ben")]},
            },
            {
                "id": "most",
                "map": {
                    "over": "[1, 2, 3]",
                    "join": {"tolerate": 1, "within": "PT1H"},
                    "step": {"id": "one", "agent": "reader", "retry": {"attempts": 1}},
                },
            },
            {"id": "slow", "wait": {"for": "PT2H"}, "timeout": "PT1H", "on_error": "skip"},
        ],
        input="a race",
        failures={"most[1]#0": [_problem(Code.MODEL_REFUSED, retryable=False)]},
    ),
    "people": Scenario(
        steps=[
            {
                "id": "ok",
                "approval": {"ask": "Go on?", "deadline": "P2D", "escalate": {"after": "P1D", "roles": ["admin"]}},
            },
            {"id": "news", "wait": {"event": "news", "within": "P3D"}},
            {"id": "shaky", "agent": "writer", "retry": {"attempts": 1}, "on_error": {"ask": {}}},
            {"id": "later", "wait": {"for": "P7D"}},
        ],
        input="a visa",
        failures={"shaky#0": [_problem(Code.MODEL_REFUSED, retryable=False)]},
    ),
    "loop-and-switch": Scenario(
        steps=[
            {
                "id": "again",
                "loop": {
                    "most": 60,
                    "until": "round.index == 54",
                    "steps": [{"id": "draft", "agent": "writer", "input": "${round.last}"}],
                },
            },
            {
                "id": "route",
                "switch": {
                    "cases": [{"when": "input == 'x'", "step": {"id": "never", "agent": "writer"}}],
                    "otherwise": {"id": "book", "tool": "calendar", "arguments": {"day": "${input}"}},
                },
            },
        ],
        input="friday",
    ),
    "handoff": Scenario(
        steps=[{"id": "help", "handoff": {"start": "desk", "may_pass": {"desk": ["billing"], "billing": ["desk"]}}}],
        input="a refund",
        answers={
            "help/turn[1]#0": {"pass_to": "billing", "reason": "money", "answer": "see there"},
            "help/turn[2]#0": {"pass_to": "nobody", "reason": "done", "answer": LONG},
        },
    ),
    "sub-workflow": Scenario(
        steps=[
            {"id": "inner", "workflow": "other@2", "input": {"text": "${input}"}},
            {"id": "given", "agent": "writer"},
        ],
        input="a word",
        payload={
            "workflows": {"other@2": {"name": "other", "steps": _agents(2), "output": "Said: ${steps.s2.output}"}},
            "outputs": {"given": values.inline("mine")},
            "retry_of": "earlier",
            "retry_until": 7,
            "webhook": {"url": "https://example.com/done"},
        },
    ),
    "agent-tools": Scenario(
        steps=[
            {"id": "help", "agent": "clerk", "input": "${input}"},
            {"id": "file", "tool": "archive", "on_error": "skip"},
            _chat("round_robin", {"turns": 2}),
        ],
        input="a lost lamp",
        asks={
            "help#0": [
                Asking(tool="find"),
                Asking(tool="refund", approval=ToolApproval()),
                Asking(tool="nothing", via="refused", refused="There is no such tool."),
                Asking(tool="ask-expert", via="agent", target="expert", template="${arguments.task}"),
                Asking(tool="look-up", via="workflow", target="other"),
            ],
            "help/tool[3]#0": [Asking(tool="find")],
            "help#1": [Asking(tool="read-more", via="page", page=(0, 0, 12_000)), Asking(tool="find")],
            "chat/turn[2]#0": [Asking(tool="find")],
        },
        lost=frozenset({"help/tool[0]#0", "file#0"}),
        payload={"workflows": {"other": {"name": "other", "steps": _agents(1)}}},
    ),
    "long-turn": Scenario(
        steps=[{"id": "dig", "agent": "digger"}],
        input="a treasure",
        asks={f"dig#{number}": [Asking(tool="find")] * 4 for number in range(18)},
    ),
    "taking-turns": Scenario(
        steps=[
            {"id": "all", "concurrent": [{"id": name, "agent": "writer"} for name in ("ann", "ben", "cleo")]},
            {"id": "held", "agent": "editor"},
        ],
        input="a queue",
        held=frozenset({"held#0"}),
        payload={"turns": {"agents": {"writer": [["t:model:small", 1]]}}},
    ),
    "indexing": Scenario(
        steps=[],
        orchestrator="index_document",
        payload={"tenant": "t", "collection": "notes", "document": "lamp.md", "upload": "u1"},
    ),
}
