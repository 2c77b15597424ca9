"""A recorded orchestration as a file, and its replay on the code of today.

One `Generation` is one history: what an instance lived through until it ended or continued as new. `turns` says what
each turn added, one text an action. An action is told by what the platform tells it by (kind, name, where it goes)
and, for a model call, by its key, because the ledger knows paid answers by it. The rest of an input is left out: it
has been sent already, so a release may change it under a running execution.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import azure.durable_functions as df
from pydantic import BaseModel, ConfigDict

import orchestrators
from devhost.engine.actions import Action, ActionKind, Reply, parse_reply

HISTORIES = Path(__file__).parent / "histories"
ORCHESTRATOR_STARTED = 12

Ending = Literal["returned", "continued as new", "waiting"]


class Replay(Protocol):
    """One turn of an orchestrator: the SDK's context as JSON in, its reply as JSON out."""

    orchestrator_function: Callable[..., Any]

    def __call__(self, context: str) -> str: ...


class Generation(BaseModel):
    """`history` holds the events that the SDK reads, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orchestrator: str
    instance: str
    parent: str | None
    input: Any
    history: list[dict[str, Any]]
    turns: list[list[str]]
    ended: Ending


class Recording(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    generations: list[Generation]

    @staticmethod
    def load(path: Path) -> Recording:
        return Recording.model_validate_json(path.read_text("utf-8"))

    def save(self, path: Path) -> None:
        text = json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")


@cache
def registered() -> dict[str, Replay]:
    """The app's orchestrators by name, as the SDK would call them."""
    app = df.DFApp()
    app.register_functions(orchestrators.blueprint)
    return {function.get_function_name(): function.get_user_function() for function in app.get_functions()}


def prefixes(history: list[dict[str, Any]]) -> list[int]:
    """The length of the history at each turn: up to where the next turn starts."""
    starts = [index for index, event in enumerate(history) if event["EventType"] == ORCHESTRATOR_STARTED]
    return [*starts[1:], len(history)]


def differences(generation: Generation, replay: Replay) -> list[str]:
    """Where the code departs from the history; empty when it takes the same actions in each of its turns."""
    lengths = prefixes(generation.history)
    if len(lengths) != len(generation.turns):
        return [f"{len(lengths)} turns in the history, and {len(generation.turns)} recorded"]
    found: list[str] = []
    expected: list[str] = []
    for number, (length, added) in enumerate(zip(lengths, generation.turns, strict=True), start=1):
        expected += added
        ending = generation.ended if number == len(lengths) else "waiting"
        try:
            reply = parse_reply(replay(_context(generation, length)))
        except Exception as error:  # whatever the code raises now, it did not then
            found.append(f"turn {number} raises {error}")
            continue
        found += [f"turn {number}: {text}" for text in _differences(reply, expected, ending)]
    return found


def _differences(reply: Reply, expected: list[str], ending: Ending) -> list[str]:
    taken = durable(reply)
    found = [
        f"action {position} is {now!r}, and was {before!r}"
        for position, (now, before) in enumerate(zip(taken, expected, strict=False), start=1)
        if now != before
    ]
    if len(taken) != len(expected):
        found.append(f"{len(taken)} actions, and there were {len(expected)}")
    if ending_of(reply) != ending:
        found.append(f"the orchestrator is {ending_of(reply)!r}, and was {ending!r}")
    return found


def _context(generation: Generation, length: int) -> str:
    history = generation.history[:length]
    return json.dumps(
        {
            "history": history,
            "input": generation.input,
            "instanceId": generation.instance,
            "isReplaying": sum(event["EventType"] == ORCHESTRATOR_STARTED for event in history) > 1,
            "parentInstanceId": generation.parent,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
        }
    )


def durable(reply: Reply) -> list[str]:
    """The actions, but for waits for external events: those leave nothing in a history, and number nothing."""
    return [described(action) for action in reply.actions if action.kind is not ActionKind.WAIT_FOR_EXTERNAL_EVENT]


def described(action: Action) -> str:
    """What makes an action the same action on replay."""
    match action.kind:
        case ActionKind.CALL_ACTIVITY:
            payload = json.loads(action.fields["input"])
            about = payload.get("key") or payload.get("id", "")
        case ActionKind.CALL_SUB_ORCHESTRATOR:
            about = action.fields["instanceId"]
        case ActionKind.CREATE_TIMER:
            about = action.fields["fireAt"]
        case _:
            about = ""
    return " ".join(part for part in (action.kind.name.lower(), action.name, about) if part)


def ending_of(reply: Reply) -> Ending:
    if reply.continues_as_new:
        return "continued as new"
    return "returned" if reply.ended else "waiting"
