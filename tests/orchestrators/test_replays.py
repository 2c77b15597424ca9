"""Replays over the real engine and stores: all from the log, nothing called, and what differs is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from api.exporting import export
from api.forking import ReplayRequest, replay_execution
from api.importing import import_bundle
from domain.errors import ProblemError
from domain.executions import Execution, Status
from domain.tools import Tool
from domain.values import Json
from kit.clock import Clock
from services.identity import Principal
from services.tools.client import Attempt, ToolClient
from services.tools.problems import tool_failed
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import ScriptedModel, unreachable

ANN = Principal(tenant=TENANT, name="ann", roles=("author",))
CHAIN: dict[str, Any] = {
    "input": {},
    "steps": [
        {"id": "one", "agent": "a", "input": "1 ${input}"},
        {"id": "two", "agent": "b", "input": "2 ${steps.one.output}"},
    ],
}
LOOK = Tool.model_validate({"name": "look", "input": {"type": "object"}, "function": "look"})
LOOKING: dict[str, Any] = {
    "input": {},
    "steps": [
        {"id": "look", "tool": "look", "arguments": {"for": "${input}"}},
        {"id": "say", "agent": "a", "input": "${steps.look.output}"},
    ],
}


class Tools:
    """Stands where the tool client stands."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.fails = False

    async def call(self, attempt: Attempt) -> Json:
        self.asked.append(attempt.arguments)
        if self.fails:
            raise tool_failed("It is down.")
        return {"found": attempt.arguments}

    async def close(self) -> None:
        """Nothing to close."""


class Theatre:
    """A bench whose time stands still, where what was called is counted."""

    def __init__(self, bench: Bench, clock: Clock, tools: Tools) -> None:
        self.bench = bench
        self.desk = Desk(bench, clock)
        self.tools = tools
        self.fails = False

    def script(self, request: Any) -> Any:
        name = request.messages[0]["content"].removeprefix("You are ").removesuffix(".")
        return unreachable() if self.fails else f"{name}<{request.messages[-1]['content']}>"

    @property
    def called(self) -> int:
        return len(self.bench.model.asked) + len(self.tools.asked)

    async def replayed(self, parent: Execution, **request: Any) -> Execution:
        asked = ReplayRequest.model_validate(request)
        made = await replay_execution(self.bench.services, self.bench.client, ANN, parent, asked, None)
        return await self.bench.ended(made.id)

    async def imported(self, parent: Execution) -> Execution:
        """The same from its bundle: its log, and nothing else of it."""
        content = b"".join(await export(self.bench.services, parent))
        return (await import_bundle(self.bench.services, ANN, content, False, None))[0]

    async def offline(self, parent: Execution, **request: Any) -> Execution:
        """The replay, in which nothing may be called."""
        before = self.called
        made = await self.replayed(parent, **request)
        assert self.called == before
        assert made.usage.model_calls == 0
        return made


@pytest.fixture
async def theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    clock, tools, model = Clock(), Tools(), ScriptedModel(lambda request: "")
    async with Bench(tmp_path, model, clock, tools=cast(ToolClient, tools)) as bench:
        made = Theatre(bench, clock, tools)
        model._script = made.script
        yield made


async def test_all_is_taken_from_the_log(theatre: Theatre) -> None:
    parent = await theatre.bench.run(CHAIN, "x")
    replay = await theatre.offline(parent)
    assert (replay.output, replay.status, replay.retry_of) == (parent.output, Status.COMPLETED, parent.id)
    assert replay.fork is not None
    assert replay.fork.offline
    again = await theatre.offline(replay)
    assert again.output == parent.output


@pytest.mark.parametrize(
    ("agent", "part"),
    [
        ({"instructions": "You are new."}, "the prompt"),
        ({"instructions": "You are b.", "model": "other"}, "the model"),
        ({"instructions": "You are b.", "max_output_tokens": 7}, "the settings"),
        ({"instructions": "No.", "output_schema": {"type": "object"}}, "the prompt, the output schema"),
    ],
)
async def test_what_differs_is_told_and_nothing_called(theatre: Theatre, agent: dict[str, Any], part: str) -> None:
    parent = await theatre.bench.run(CHAIN, "x")
    replay = await theatre.offline(parent, agents={"b": agent})
    assert replay.error is not None
    assert (replay.error.code, replay.error.retryable) == ("not_recorded", False)
    assert replay.error.message.endswith(f"was asked something else in `two#0`; what differs: {part}.")


async def test_another_input_too(theatre: Theatre) -> None:
    parent = await theatre.bench.run(CHAIN, "x")
    replay = await theatre.offline(parent, input="y")
    assert replay.error is not None
    assert "`one#0`; what differs: the prompt." in replay.error.message


async def test_live_it_is_called_from_where_it_differs(theatre: Theatre) -> None:
    parent = await theatre.bench.run(CHAIN, "x")
    replay = await theatre.replayed(parent, live=True, agents={"b": {"instructions": "You are new."}})
    assert (replay.output, replay.usage.model_calls) == ("new<2 a<1 x>>", 1)
    assert replay.fork is not None
    assert not replay.fork.offline


async def test_a_step_that_was_not_there_is_told(theatre: Theatre) -> None:
    parent = await theatre.bench.run(CHAIN, "x")
    more = {**CHAIN, "name": "w", "steps": [*CHAIN["steps"], {"id": "three", "agent": "a", "input": "z"}]}
    replay = await theatre.offline(parent, workflow=more)
    assert replay.error is not None
    assert "made no call `three#0`" in replay.error.message


async def test_tools_are_not_called_either(theatre: Theatre) -> None:
    begun = await theatre.bench.begin(LOOKING, "x", tools={"look": LOOK})
    parent = await theatre.bench.ended(begun)
    assert (await theatre.offline(parent)).output == parent.output
    replay = await theatre.offline(parent, input="y")
    assert replay.error is not None
    assert "`look#0`; what differs: the arguments." in replay.error.message


@pytest.mark.parametrize("retry", [{"attempts": 1}, {"attempts": 2, "first_delay": "PT1H", "on": ["tool_failed"]}])
async def test_a_failure_is_the_same_failure_at_once(theatre: Theatre, retry: dict[str, Any]) -> None:
    theatre.tools.fails = True
    steps = [{**LOOKING["steps"][0], "retry": retry}, LOOKING["steps"][1]]
    id = await theatre.bench.begin({**LOOKING, "steps": steps}, "x", tools={"look": LOOK})
    if retry["attempts"] > 1:
        await theatre.desk.passes(id, timedelta(hours=2))
    parent = await theatre.bench.ended(id)
    theatre.tools.fails = False
    replay = await theatre.offline(parent)
    assert (parent.status, replay.status) == (Status.FAILED, Status.FAILED)
    assert replay.error == parent.error


async def test_a_model_that_failed_in_between_is_not_waited_for(theatre: Theatre) -> None:
    theatre.fails = True
    id = await theatre.bench.begin(CHAIN, "x")
    await theatre.bench.timers(id, 1)
    theatre.fails = False
    await theatre.desk.passes(id, timedelta(hours=1))
    parent = await theatre.bench.ended(id)
    assert (await theatre.offline(parent)).output == parent.output


async def test_nobody_is_asked_again_and_no_time_passes(theatre: Theatre) -> None:
    steps = [
        {"id": "rest", "wait": {"for": "P2D"}},
        {"id": "sent", "wait": {"event": "go", "within": "P1D"}},
        {"id": "unsent", "wait": {"event": "stop", "within": "P1D", "otherwise": {"fallback": "none"}}},
        {"id": "ok", "approval": {"ask": "Publish?", "deadline": "P1D"}},
        {"id": "late", "approval": {"ask": "Really?", "deadline": "PT1H", "otherwise": "approve"}},
    ]
    output = (
        "${steps.rest.output} ${steps.sent.output} ${steps.unsent.output} ${steps.ok.output.by} ${steps.late.output}"
    )
    desk = theatre.desk
    id = await theatre.bench.begin({"input": {}, "steps": steps, "output": output}, "x")
    await desk.passes(id, timedelta(days=2))
    await desk.until_logged(id, "step.waiting", 2)
    await desk.send(id, "go", {"n": 1})
    await desk.until_logged(id, "step.waiting", 3)
    await desk.passes(id, timedelta(days=1), timers=3)
    await desk.decide(await desk.question(id), "approve", "ida")
    await desk.until_logged(id, "approval.requested", 2)
    await desk.passes(id, timedelta(hours=1), timers=5)
    parent = await theatre.bench.ended(id)
    assert parent.status is Status.COMPLETED, parent.error
    for recorded in (parent, await theatre.imported(parent)):
        replay = await theatre.offline(recorded)
        assert (replay.output, replay.status) == (parent.output, Status.COMPLETED), replay.error


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [({"ask": "Another?"}, "asked people something else in `ok?0`"), ({"id": "ko"}, "question `ko?0` was not asked")],
)
async def test_a_question_that_is_not_recorded_is_not_asked(
    theatre: Theatre, asked: dict[str, Any], complaint: str
) -> None:
    def workflow(id: str = "ok", ask: str = "Publish?") -> dict[str, Any]:
        return {"name": "w", "input": {}, "steps": [{"id": id, "approval": {"ask": ask, "deadline": "P1D"}}]}

    id = await theatre.bench.begin(workflow(), "x")
    await theatre.desk.decide(await theatre.desk.question(id), "approve")
    parent = await theatre.bench.ended(id)
    replay = await theatre.offline(parent, workflow=workflow(**asked))
    assert replay.error is not None
    assert (replay.error.code, complaint in replay.error.message) == ("not_recorded", True), replay.error


async def test_what_people_did_about_a_failure_is_done_again(theatre: Theatre) -> None:
    theatre.tools.fails = True
    look = {**LOOKING["steps"][0], "retry": {"attempts": 1}, "on_error": {"ask": {"deadline": "P1D"}}}
    id = await theatre.bench.begin({**LOOKING, "steps": [look]}, "x", tools={"look": LOOK})
    await theatre.desk.decide(await theatre.desk.question(id), "skip")
    parent = await theatre.bench.ended(id)
    replay = await theatre.offline(parent)
    assert (parent.status, replay.status) == (Status.COMPLETED, Status.COMPLETED), replay.error


async def test_one_that_goes_on_cannot_be_replayed(theatre: Theatre) -> None:
    id = await theatre.bench.begin({"input": {}, "steps": [{"id": "w", "wait": {"for": "P1D"}}]}, "x")
    record = await theatre.desk.record(id)
    with pytest.raises(ProblemError, match="only one that has ended can be replayed"):
        await theatre.replayed(record)
