"""Whatever a model asks for, and whenever somebody steps in: results in order, no call twice, and an end."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ProblemError
from domain.executions import Execution, Status
from domain.tool_use import MOST_AT_ONCE
from domain.tools import Tool
from domain.workflows import Workflow
from kit.clock import Clock
from services.models.base import ModelRequest
from services.tools import functions
from services.tools.functions import tool_function
from services.tools.problems import tool_refused
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import Calls, ScriptedModel

KINDS = ("did", "failed", "asked", "inner", "helper", "unknown", "wrong")
"""A tool that works; one that fails; one about which a human is asked (who allows the even ones); a workflow; an agent;
one that is not there; and one with arguments that it does not take."""
NUMBER = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@dataclass
class Scenario:
    """What the model asks for, round by round; somebody `steps_in` once so many events are logged."""

    rounds: list[list[str]]
    steps_in: str
    after: int


SCENARIOS = st.builds(
    Scenario,
    rounds=st.lists(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4), min_size=1, max_size=3)
    | st.lists(st.lists(st.sampled_from(KINDS), min_size=18, max_size=20), min_size=1, max_size=1),
    steps_in=st.sampled_from(["never", "pause", "cancel", "pause and cancel"]),
    after=st.integers(1, 30),
)


@dataclass
class Played:
    record: Execution
    called: Counter[int] = field(default_factory=Counter)
    results: list[str] = field(default_factory=list)
    pending: int = 0


@given(SCENARIOS)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_whatever_is_asked_for(scenario: Scenario) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "_registered", {})
        played = asyncio.run(play(scenario))
    assert set(played.called.values()) <= {1}, "something was called twice"
    assert played.pending == 0, "a question was left open"
    if "cancel" in scenario.steps_in and played.record.status is Status.CANCELED:
        return
    assert played.record.status is Status.COMPLETED, played.record.error
    expected = [words(kind, number, place) for number, place, kind in numbered(scenario)]
    for result, (beginning, end) in zip(played.results, expected, strict=True):
        assert result.startswith(beginning)
        assert result.endswith(end)
    made = [n for n, place, kind in numbered(scenario) if carried_out(kind, n, place)]
    assert sorted(played.called) == made


def numbered(scenario: Scenario) -> list[tuple[int, int, str]]:
    """Each call that is asked for: its number, its place in its round, and its kind."""
    flat = [(place, kind) for one in scenario.rounds for place, kind in enumerate(one)]
    return [(number, place, kind) for number, (place, kind) in enumerate(flat)]


def carried_out(kind: str, number: int, place: int) -> bool:
    return place < MOST_AT_ONCE and (kind in ("did", "failed", "inner") or (kind == "asked" and number % 2 == 0))


def words(kind: str, number: int, place: int) -> tuple[str, str]:
    """How a result begins and ends."""
    if place >= MOST_AT_ONCE:
        return "(failed) At most 16", "ask again for this one."
    if kind == "asked" and number % 2:
        return "(failed) A human", "call to be made."
    said = {
        "helper": (f"helped {number}",) * 2,
        "failed": (f"(failed) No {number}.", "Never."),
        "unknown": ("(failed) There is no tool 'unknown'", "."),
        "wrong": ("(failed) The tool does not take this, at /n", ""),
    }
    return said.get(kind, (f"did {number}",) * 2)


def model_says(scenario: Scenario, request: ModelRequest) -> str | Calls:
    if request.messages[0]["content"] == "You are y.":
        return str(request.messages[-1]["content"])
    done = sum(message["role"] == "assistant" for message in request.messages)
    if done == len(scenario.rounds):
        return "done"
    first = sum(map(len, scenario.rounds[:done]))
    return Calls(tuple(asked(kind, first + n) for n, kind in enumerate(scenario.rounds[done])))


def asked(kind: str, number: int) -> tuple[str, dict[str, Any]]:
    if kind == "wrong":
        return "did", {"n": "one"}
    return kind, {"task": f"helped {number}"} if kind == "helper" else {"n": number}


async def play(scenario: Scenario) -> Played:
    called: Counter[int] = Counter()
    register(called)
    with tempfile.TemporaryDirectory() as folder:
        clock, model = Clock(), ScriptedModel(lambda request: model_says(scenario, request))
        async with Bench(Path(folder), model, clock) as bench:
            desk = Desk(bench, clock)
            id = await begin(bench)
            human = asyncio.create_task(decides(desk, id))
            try:
                await step_in(desk, scenario, id)
                record = await bench.ended(id)
            finally:
                human.cancel()
                with suppress(asyncio.CancelledError):
                    await human
            last = model.asked[-1].messages
            pending = len(await bench.services.approvals.pending_of(TENANT, id))
    results = [message["content"] for message in last if message["role"] == "tool"]
    return Played(record, called, results, pending)


def register(called: Counter[int]) -> None:
    def did(n: int) -> str:
        called[n] += 1
        return f"did {n}"

    def failed(n: int) -> str:
        called[n] += 1
        raise tool_refused(f"No {n}.", "Never.")

    for name, function in (("did", did), ("failed", failed)):
        tool_function(name)(function)


async def begin(bench: Bench) -> str:
    inner = Workflow.model_validate(
        {"name": "inner", "input": NUMBER, "steps": [{"id": "t", "tool": "did", "arguments": {"n": "${input.n}"}}]}
    )
    made: dict[str, dict[str, Any]] = {
        "did": {"function": "did", "input": NUMBER},
        "failed": {"function": "failed", "input": NUMBER},
        "asked": {"function": "did", "input": NUMBER, "approval": {}},
        "inner": {"workflow": "inner"},
        "helper": {"agent": "y"},
    }
    tools = {name: Tool.model_validate({"name": name, **more}) for name, more in made.items()}
    step = {"id": "s", "agent": "x", "input": "Go."}
    return await bench.begin({"steps": [step]}, {}, tools=tools, workflows={"inner": inner}, x={"tools": list(tools)})


async def decides(desk: Desk, id: str) -> None:
    """A human who allows the calls with even numbers."""
    while True:
        for question in await desk.bench.services.approvals.pending_of(TENANT, id):
            number = json.loads(json.dumps(question.show))["n"]
            with suppress(ProblemError):
                await desk.decide(question, "reject" if number % 2 else "approve")
        await asyncio.sleep(0.01)


async def step_in(desk: Desk, scenario: Scenario, id: str) -> None:
    async def is_time() -> bool:
        log = await desk.bench.log(id)
        return len(log) >= scenario.after or log[-1].type.startswith("execution.completed")

    if scenario.steps_in == "never":
        return
    await desk.bench.until(is_time)
    with suppress(ProblemError):  # it has ended already
        if "pause" in scenario.steps_in:
            await desk.pause(id)
        if "cancel" in scenario.steps_in:
            await desk.cancel(id)
        else:
            await desk.resume(id)
