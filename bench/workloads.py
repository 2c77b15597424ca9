"""What is run, on every side alike."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["chain", "fan_out", "chat"]
PARTICIPANTS = 5
PARK = "Answer later."
"""What the stub takes for a reason to fail, so that the call is tried again later."""
LATENCY = re.compile(r"^Take (\d+\.\d+) s\b")
"""How a step tells the stub how long to take for its answer."""
MOST_AT_ONCE = 100
"""The workflow language lets a `map` have no more in the air."""


@dataclass(frozen=True)
class Workload:
    """`executions` of `size` agent steps each, all started at once. `http`: the model is asked over HTTP."""

    name: str
    kind: Kind
    size: int
    executions: int = 1
    http: bool = False

    @property
    def steps(self) -> int:
        return self.size * self.executions


CHAIN = Workload("W1", "chain", 10)
FAN_OUTS = tuple(Workload(f"W2-{size}", "fan_out", size) for size in (5, 50, 500))
CHATS = tuple(Workload(f"W3-{turns}", "chat", turns) for turns in (20, 100, 400))
MANY = Workload("W4", "chain", 5, executions=200)
ALL = (CHAIN, *FAN_OUTS, *CHATS, MANY, *(replace(work, name=f"{work.name}-http", http=True) for work in (CHAIN, MANY)))


def agents() -> list[dict[str, Any]]:
    """The agents our workflows use."""
    return [
        {"name": f"agent-{number}", "instructions": "You are one of several who work on a task. Be brief."}
        for number in range(PARTICIPANTS)
    ]


def definition(kind: Kind, size: int) -> dict[str, Any]:
    """A workload as a workflow of ours."""
    return {"name": f"{kind.replace('_', '-')}-{size}", "steps": _STEPS[kind](size)}


def parking() -> dict[str, Any]:
    """A workflow of ours that waits an hour: its model call fails, and is tried again no sooner."""
    retry = {"attempts": 2, "first_delay": "PT1H", "max_delay": "PT1H"}
    return {"name": "parking", "steps": [{**_agent(0, PARK), "retry": retry}]}


def task(kind: Kind, size: int) -> dict[str, Any]:
    """The input of an execution."""
    text = "a plan for the launch of a solar lantern"
    return {"task": text, "parts": [f"part {number} of {text}" for number in range(size if kind == "fan_out" else 0)]}


def _agent(number: int, text: str) -> dict[str, Any]:
    return {"id": f"s{number}", "agent": f"agent-{number % PARTICIPANTS}", "input": text}


def _chain(size: int) -> list[dict[str, Any]]:
    first = _agent(0, "Work on: ${input.task}")
    return [first, *(_agent(number, f"Go on from: ${{steps.s{number - 1}.output}}") for number in range(1, size))]


def _fan_out(size: int) -> list[dict[str, Any]]:
    each = {"over": "input.parts", "concurrency": min(size, MOST_AT_ONCE), "step": _agent(0, "Work on: ${item}")}
    return [{"id": "all", "map": each}]


def _chat(size: int) -> list[dict[str, Any]]:
    participants = [agent["name"] for agent in agents()]
    rules = {"participants": participants, "task": "Discuss: ${input.task}", "until": {"any": [{"turns": size}]}}
    return [{"id": "chat", "group_chat": rules}]


_STEPS = {"chain": _chain, "fan_out": _fan_out, "chat": _chat}
