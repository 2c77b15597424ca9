"""Neither a model nor a tool can make the machine work or remember without end: each limit, from outside."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from activities.loading import Loader
from domain.errors import Code
from domain.events import Draft, EventType
from domain.executions import Execution
from domain.tool_use import MOST_AT_ONCE, SHOWN_CHARACTERS
from domain.toolcalls import Round, ToolResult
from domain.values import MOST_DEPTH, reference
from kit.bench import TENANT
from kit.clock import Clock
from meta_agents.testing import ModelStub
from meta_agents.testing.answers import Answer
from meta_agents.testing.control import Turn
from services.models.asked import MOST_ASKED
from services.models.client import ModelClient
from services.models.stream import LONGEST
from services.settings import Settings
from tests.orchestrators.bench import Bench
from tests.security.world import Wire, begun, call, crm, overtaken, told, tool_client
from tests.support.scripted_model import calls

MEGABYTE = 1_000_000


class TestAnswers:
    """By the real client, over the wire."""

    async def run(self, folder: Path, wire: Wire, answer: Answer, **agent: Any) -> tuple[Execution, Wire, ModelStub]:
        """A model that says this first, and then that it is done."""

        def script(asked: Any) -> Turn:
            return Turn(answer=answer if asked.key.endswith("s#0") else Answer("done"))

        with ModelStub(script=script) as stub:
            settings = Settings.from_environment(stub.environment())
            made: Any = ModelClient(settings)
            async with Bench(folder, made, Clock(), tools=tool_client(wire)) as bench:
                step = {"id": "s", "agent": "x", "input": "Go.", "retry": {"attempts": 1}}
                id = await bench.begin({"steps": [step]}, tools={"crm": crm()}, x={"tools": ["crm"], **agent})
                return await bench.ended(id), wire, stub

    async def test_so_many_calls_are_made_of_one(self, tmp_path: Path, wire: Wire) -> None:
        wanted = tuple(("crm", json.dumps({"id": n})) for n in range(MOST_ASKED))
        record, wire, stub = await self.run(tmp_path, wire, Answer(tool_calls=wanted))
        assert record.output == "done"
        assert len(wire.sent) == MOST_AT_ONCE
        results = [one["content"] for one in stub.requests[-1].messages if one["role"] == "tool"]
        assert all("At most 16 tools" in result for result in results[MOST_AT_ONCE:])

    @pytest.mark.parametrize("number", [MOST_ASKED + 1, 3_000])
    async def test_one_that_asks_for_more_is_refused_and_paid_for(
        self, tmp_path: Path, wire: Wire, number: int
    ) -> None:
        record, wire, stub = await self.run(tmp_path, wire, Answer(tool_calls=(("crm", "{}"),) * number))
        assert wire.sent == []
        assert "more than 64 tools at once" in stub.requests[-1].last
        assert (record.output, record.usage.model_calls) == ("done", 2)

    @pytest.mark.parametrize("depth", [MOST_DEPTH, 300, 900, 100_000])
    async def test_deep_arguments_are_refused(self, tmp_path: Path, wire: Wire, depth: int) -> None:
        deep = '{"a":' * (depth + 1) + "1" + "}" * (depth + 1)
        record, wire, stub = await self.run(tmp_path, wire, Answer(tool_calls=(("crm", deep),)))
        assert (record.output, wire.sent) == ("done", [])
        assert "These are no arguments" in stub.requests[-1].last

    async def test_arguments_that_no_window_holds_end_the_turn(self, tmp_path: Path, wire: Wire) -> None:
        many = json.dumps({"id": 1, "n": [1] * 400_000})
        record, wire, _ = await self.run(tmp_path, wire, Answer(tool_calls=(("crm", many),)))
        assert record.error is not None
        assert (record.error.code, len(wire.sent)) == (Code.CONTEXT_EXCEEDED, 1)

    async def test_an_endless_answer_is_broken_off(self, tmp_path: Path, wire: Wire) -> None:
        piece = "x" * (LONGEST // 8)
        record, _, _ = await self.run(tmp_path, wire, Answer(" ".join([piece] * 9)))
        assert record.error is not None
        assert record.error.code is Code.MODEL_BAD_ANSWER
        assert f"longer than {LONGEST}" in record.error.message


class TestResults:
    async def test_deep_ones_are_refused(self, bench: Bench, wire: Wire) -> None:
        deep: Any = 1
        for _ in range(300):
            deep = [deep]
        wire.answer = {"deep": deep}
        step = {"id": "s", "agent": "x", "input": "Go.", "retry": {"attempts": 1}}
        record = await overtaken(bench, call(id=1), "done", step=step)
        assert record.output == "done"
        assert "nested more than 100 deep" in told(bench)[0]

    async def test_large_ones_are_shown_in_part_each_round(self, bench: Bench, wire: Wire) -> None:
        wire.answer = "x" * (4 * MEGABYTE - 100)
        wide = calls(("crm", {"id": 1}), ("crm", {"id": 2}))
        await overtaken(bench, wide, wide, wide, "done")
        assert len(told(bench)) == 6
        assert all(len(result) < SHOWN_CHARACTERS + 200 for result in told(bench))

    async def test_larger_ones_are_refused(self, bench: Bench, wire: Wire) -> None:
        wire.answer = "x" * (4 * MEGABYTE + 1)
        await overtaken(bench, call(id=1), "done")
        assert "more than 4000000 bytes" in told(bench)[0]

    async def test_all_of_a_turn_are_never_held_at_once(self, bench: Bench) -> None:
        record = await overtaken(bench, "done")
        log = bench.services.events
        about = {"type": EventType.CALL_COMPLETED, "time": record.created}
        ids = [f"large {n}" for n in range(24)]
        await log.append(TENANT, record.id, [Draft(id=id, value=id * (MEGABYTE // len(id)), **about) for id in ids])
        results = tuple(ToolResult(value=reference(id)) for id in ids)
        rounds = [Round(event=EventType.EXECUTION_STARTED, results=results[n : n + 8]) for n in (0, 8, 16)]
        loader = Loader(bench.services, TENANT, record.id)
        tracemalloc.start()
        try:
            shown = await loader.played(rounds)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert [len(part) for _, part in shown] == [8] * 3
        assert most < 8 * MEGABYTE

    @pytest.mark.parametrize("rule", ["arguments.n.exists(a, arguments.n.exists(b, arguments.n.all(c, c < 0)))"])
    async def test_a_rule_over_large_arguments_ends(self, bench: Bench, wire: Wire, rule: str) -> None:
        tools = {"crm": crm(approval={"when": rule, "deadline": "PT1S", "otherwise": "reject"})}
        id = await begun(bench, call(id=1, n=list(range(3_000))), "done", tools=tools)
        await bench.until(lambda: _asked(bench, id))
        assert wire.sent == []


async def _asked(bench: Bench, id: str) -> bool:
    return any(event.type is EventType.APPROVAL_REQUESTED for event in await bench.log(id))
