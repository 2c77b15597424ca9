"""Pause, cancel, time limits, joins, retries and forks at every point of a turn that calls tools."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from api.durable import DurableClient
from api.forking import ForkRequest, fork_execution
from domain.approvals import Kind, State
from domain.errors import Code, ProblemError
from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.tools import Tool
from domain.workflows import Workflow
from services.documents.base import Delete
from services.eventlog import partition_of
from services.identity import Principal
from services.tools import functions
from services.tools.functions import tool_function
from services.tools.problems import tool_failed
from tests.orchestrators.bench import TENANT, Bench, EngineClient
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import calls, unreachable

STEP = {"id": "s", "agent": "x", "input": "Go.", "retry": {"attempts": 1}}
SLOW = ("slow", {"n": 1})
KEY = "s/tool[0]#0"


@dataclass
class Slow:
    """A tool that is under way until it is let go: its calls, and those that came to their end."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)

    async def is_under_way(self) -> bool:
        return len(self.begun) > len(self.done)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr(functions, "_registered", {})

    @tool_function("slow")
    async def call(n: int) -> str:
        made.begun.append(n)
        await made.gate.wait()
        made.done.append(n)
        return f"did {n}"

    return made


def tool(**more: Any) -> dict[str, Tool]:
    return {"slow": Tool.model_validate({"name": "slow", "function": "slow", **more})}


def script(bench: Bench, *answers: Any) -> None:
    bench.model._script = lambda request: answers[len(bench.model.asked) - 1]


async def begun(bench: Bench, tools: dict[str, Tool] | None = None, steps: list[Any] | None = None, **more: Any) -> str:
    tools = tools or tool()
    agents = {"x": {"tools": [*tools]}, **more.pop("agents", {})}
    return await bench.begin({"steps": steps or [STEP]}, {}, tools=tools, **agents, **more)


async def only_question(desk: Desk, id: str, state: State) -> None:
    [approval], _ = await desk.bench.services.approvals.list(TENANT, execution=id)
    assert approval.state is state


def results(bench: Bench) -> list[str]:
    return [one["content"] for one in bench.model.asked[-1].messages if one["role"] == "tool"]


class TestPause:
    async def test_while_the_model_is_asked_holds_the_tools(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW, ("slow", {"n": 2})), "done")
        gate = desk.bench.model.gate("s#0")
        id = await begun(desk.bench)
        await desk.bench.model.until(lambda: bool(desk.bench.model.asked))
        await desk.pause(id)
        gate.set()
        await desk.until_logged(id, "step.waiting", 2)
        assert slow.begun == []
        slow.gate.set()
        await desk.resume(id)
        assert (await desk.bench.ended(id)).output == "done"
        assert sorted(slow.done) == [1, 2]

    async def test_while_a_tool_is_called_holds_what_comes_next(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW), "done")
        id = await begun(desk.bench)
        await desk.bench.until(slow.is_under_way)
        await desk.pause(id)
        slow.gate.set()
        await desk.until_logged(id, "step.waiting")
        assert slow.done == [1]
        assert len(desk.bench.model.asked) == 1
        await desk.resume(id)
        assert (await desk.bench.ended(id)).output == "done"
        assert slow.begun == [1]

    async def test_a_decision_that_comes_meanwhile_counts_afterwards(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW), "done")
        slow.gate.set()
        id = await begun(desk.bench, tool(approval={}))
        question = await desk.question(id)
        await desk.pause(id)
        await desk.decide(question, "approve")
        await desk.until_logged(id, "step.waiting")
        assert slow.begun == []
        await desk.resume(id)
        assert (await desk.bench.ended(id)).output == "done"
        assert slow.begun == [1]

    async def test_holds_the_agent_that_is_a_tool(self, desk: Desk, slow: Slow) -> None:
        tools = {"ask": Tool.model_validate({"name": "ask", "agent": "y"}), **tool()}
        script(desk.bench, calls(("ask", {"task": "Go."})), calls(SLOW), "inner", "done")
        agents = {"x": {"tools": ["ask"]}, "y": {"tools": ["slow"]}}
        id = await begun(desk.bench, tools, agents=agents)
        await desk.bench.until(slow.is_under_way)
        await desk.pause(id)
        slow.gate.set()
        await desk.until_logged(id, "step.waiting")
        assert len(desk.bench.model.asked) == 2
        await desk.resume(id)
        assert (await desk.bench.ended(id)).output == "done"
        assert slow.begun == [1]


class TestCancel:
    async def test_withdraws_the_question_about_a_call(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW, SLOW))
        id = await begun(desk.bench, tool(approval={}))
        await desk.until_logged(id, "approval.requested", 2)
        await desk.cancel(id)
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        approvals, _ = await desk.bench.services.approvals.list(TENANT, execution=id)
        assert [approval.state for approval in approvals] == [State.WITHDRAWN] * 2
        assert slow.begun == []

    async def test_withdraws_the_question_what_became_of_one(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW))
        gate = desk.bench.model.gate("s#0")
        id = await begun(desk.bench)
        await desk.bench.model.until(lambda: bool(desk.bench.model.asked))
        await desk.bench.services.ledger.begin(TENANT, id, "s/tool[0]#0", 1, [])  # and then the process died
        gate.set()
        assert (await desk.question(id)).kind is Kind.UNCERTAIN
        await desk.cancel(id)
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        await only_question(desk, id, State.WITHDRAWN)
        assert slow.begun == []

    async def test_breaks_off_a_call_that_may_be_made_again(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW))
        id = await begun(desk.bench, tool(delivery="idempotent"))
        await desk.bench.until(slow.is_under_way)
        await desk.cancel(id)
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        assert slow.done == []

    async def test_waits_for_one_that_may_not(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW))
        id = await begun(desk.bench)
        await desk.bench.until(slow.is_under_way)
        await desk.cancel(id)
        slow.gate.set()
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        assert slow.done == [1]
        # What it gave is kept: whoever goes on from here does not call it again.
        assert [event.value for event in await desk.bench.log(id) if event.type == "call.completed"] == ["did 1"]
        assert len(desk.bench.model.asked) == 1

    async def test_ends_workflows_and_agents_that_are_tools(self, desk: Desk, slow: Slow) -> None:
        inner = Workflow.model_validate({"name": "inner", "steps": [{"id": "w", "wait": {"event": "go"}}]})
        tools = {
            "inner": Tool.model_validate({"name": "inner", "workflow": "inner"}),
            "ask": Tool.model_validate({"name": "ask", "agent": "y"}),
            **tool(approval={}),
        }
        script(desk.bench, calls(("inner", {}), ("ask", {"task": "Go."})), calls(SLOW))
        agents = {"x": {"tools": ["inner", "ask"]}, "y": {"tools": ["slow"]}}
        id = await begun(desk.bench, tools, agents=agents, workflows={"inner": inner})
        await desk.question(id)
        await desk.bench.until(lambda: desk.bench.waits(id))
        await desk.cancel(id)
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        await only_question(desk, id, State.WITHDRAWN)


class TestTimeAndJoins:
    async def test_a_steps_time_limit_ends_its_questions(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW))
        id = await begun(desk.bench, tool(approval={}), [{**STEP, "timeout": "PT1H"}])
        await desk.question(id)
        await desk.passes(id, timedelta(hours=1))
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.TIMEOUT
        await only_question(desk, id, State.WITHDRAWN)
        assert slow.begun == []

    async def test_a_loser_calls_nothing_more(self, desk: Desk, slow: Slow) -> None:
        branches = [{**STEP, "id": "loser"}, {"id": "winner", "agent": "y", "input": "Go."}]
        steps = [{"id": "race", "concurrent": {"join": "any", "branches": branches}}]
        desk.bench.model._script = lambda request: (
            "won" if "winner" in request.idempotency_key else calls(SLOW, ("slow", {"n": 2}))
        )
        gate = desk.bench.model.gate("winner")
        id = await begun(desk.bench, tool(delivery="idempotent"), steps)
        await desk.bench.until(slow.is_under_way)
        gate.set()
        assert (await desk.bench.ended(id)).status is Status.COMPLETED
        assert slow.done == []
        assert [request.idempotency_key.partition(":")[2] for request in desk.bench.model.asked].count("loser#1") == 0

    async def test_a_losers_questions_are_withdrawn(self, desk: Desk, slow: Slow) -> None:
        branches = [{**STEP, "id": "loser"}, {"id": "winner", "agent": "y", "input": "Go."}]
        steps = [{"id": "race", "concurrent": {"join": "any", "branches": branches}}]
        desk.bench.model._script = lambda request: "won" if "winner" in request.idempotency_key else calls(SLOW)
        gate = desk.bench.model.gate("winner")
        id = await begun(desk.bench, tool(approval={}), steps)
        await desk.question(id)
        gate.set()
        assert (await desk.bench.ended(id)).status is Status.COMPLETED
        await only_question(desk, id, State.WITHDRAWN)
        assert slow.begun == []


class TestGoingOnFromAnother:
    async def test_a_retry_asks_no_human_twice(self, desk: Desk, slow: Slow) -> None:
        slow.gate.set()
        script(desk.bench, calls(SLOW, ("slow", {"n": 2})), unreachable(), "done")
        id = await begun(desk.bench, tool(approval={}))
        await desk.until_logged(id, "approval.requested", 2)
        for question in await desk.bench.services.approvals.pending_of(TENANT, id):
            await desk.decide(question, "approve" if question.show == {"n": 1} else "reject")
        assert (await desk.bench.ended(id)).status is Status.FAILED
        again = await desk.bench.ended(await begun(desk.bench, tool(approval={}), retry_of=id))
        assert (again.output, again.usage.model_calls) == ("done", 1)
        assert slow.done == [1]
        assert results(desk.bench) == ["did 1", "(failed) A human does not want this call to be made."]

    async def test_what_was_approved_is_no_approval_of_something_else(self, desk: Desk, slow: Slow) -> None:
        """The model is asked anew, because its agent is another; the same call number now is of other arguments."""
        slow.gate.set()
        script(desk.bench, calls(SLOW), unreachable(), calls(("slow", {"n": 1_000})), "done")
        id = await begun(desk.bench, tool(approval={}))
        await desk.decide(await desk.question(id), "approve")
        await desk.bench.ended(id)
        more: dict[str, Any] = {"agents": {"x": {"tools": ["slow"], "instructions": "Be greedy."}}}
        again = await begun(desk.bench, tool(approval={}), retry_of=id, **more)
        question = await desk.question(again)
        assert question.show == {"n": 1_000}
        assert slow.done == [1]
        await desk.decide(question, "reject")
        await desk.bench.ended(again)
        assert slow.done == [1]

    async def test_a_rule_that_was_added_since_holds(self, desk: Desk, slow: Slow) -> None:
        """The answer is the one that was paid for; what is to be done about it is what the tool now says."""
        slow.gate.set()
        script(desk.bench, calls(SLOW), unreachable(), "done")
        id = await begun(desk.bench, tool(delivery="idempotent"))
        await desk.bench.ended(id)
        again = await begun(desk.bench, tool(delivery="idempotent", approval={}), retry_of=id)
        await desk.decide(await desk.question(again), "approve")
        assert (await desk.bench.ended(again)).output == "done"

    async def test_a_fork_takes_over_the_steps_before_and_their_tools(self, desk: Desk, slow: Slow) -> None:
        slow.gate.set()
        steps = [{**STEP, "id": "one"}, {**STEP, "id": "two", "input": "Then ${steps.one.output}"}]
        script(desk.bench, calls(SLOW), "one", calls(("slow", {"n": 2})), "two", calls(("slow", {"n": 2})), "other")
        parent = await desk.bench.ended(await begun(desk.bench, steps=steps))
        fork = await forked(desk.bench, parent, before="two")
        assert (fork.output, fork.usage.model_calls) == ("other", 2)
        assert slow.done == [1, 2, 2]

    async def test_a_fork_without_changes_calls_nothing(self, desk: Desk, slow: Slow) -> None:
        slow.gate.set()
        script(desk.bench, calls(SLOW, ("slow", {"n": 2})), "one")
        parent = await desk.bench.ended(await begun(desk.bench))
        fork = await forked(desk.bench, parent)
        assert (fork.output, fork.usage.model_calls) == ("one", 0)
        assert sorted(slow.done) == [1, 2]


async def forked(bench: Bench, parent: Execution, **request: Any) -> Execution:
    ann = Principal(tenant=TENANT, name="ann", roles=("author",))
    client = cast(DurableClient, EngineClient(bench.engine))
    asked = ForkRequest.model_validate(request)
    made = await fork_execution(bench.services, client, ann, parent, asked, None)
    return await bench.ended(made.id)


class TestCallsLeftOpen:
    """An execution failed while nobody knew what had become of a call; another goes on from there."""

    async def left_open(self, desk: Desk) -> str:
        gate = desk.bench.model.gate("s#0")
        id = await begun(desk.bench)
        await desk.bench.model.until(lambda: bool(desk.bench.model.asked))
        began = Draft(
            id=f"{KEY}:call.started:1", type=EventType.CALL_STARTED, time=datetime.now(UTC), step="s/tool[0]",
            data={"call": KEY, "attempt": 1, "tool": "slow"},
        )  # fmt: skip
        await desk.bench.services.ledger.begin(TENANT, id, KEY, 1, [began])  # and then the process died
        gate.set()
        await desk.decide(await desk.question(id), "fail")
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.TOOL_UNCERTAIN
        return id

    @pytest.mark.parametrize(
        ("decision", "comment", "result", "made"),
        [
            ("carried_out", '"it did"', "it did", []),
            ("carried_out", "NaN", "NaN", []),
            ("carried_out", "[" * 5_000, "[" * 5_000, []),
            ("carried_out", "[" * 101 + "]" * 101, "[" * 101 + "]" * 101, []),
            ("call_again", "", "did 1", [1]),
        ],
    )
    async def test_a_retry_asks_what_became_of_it(
        self, desk: Desk, slow: Slow, decision: str, comment: str, result: str, made: list[int]
    ) -> None:
        slow.gate.set()
        script(desk.bench, calls(SLOW), "done")
        id = await self.left_open(desk)
        again = await begun(desk.bench, retry_of=id)
        question = await desk.question(again)
        assert question.kind is Kind.UNCERTAIN
        assert f"execution {id} began the call" in question.ask
        assert slow.begun == []
        await desk.decide(question, decision, comment=comment)
        assert (await desk.bench.ended(again)).output == "done"
        assert (results(desk.bench), slow.begun) == ([result], made)

    async def test_so_does_a_retry_of_one_that_was_imported(self, desk: Desk, slow: Slow) -> None:
        """Its log says what was begun; what the ledger notes beside it stays where it was."""
        script(desk.bench, calls(SLOW))
        id = await self.left_open(desk)
        await desk.bench.services.documents.write(partition_of(TENANT, id), [Delete(f"{KEY}:call")])
        again = await begun(desk.bench, retry_of=id)
        assert (await desk.question(again)).kind is Kind.UNCERTAIN
        assert slow.begun == []
        await desk.cancel(again)
        await desk.bench.ended(again)

    async def test_so_does_a_retry_of_that_one(self, desk: Desk, slow: Slow) -> None:
        script(desk.bench, calls(SLOW))
        second = await begun(desk.bench, retry_of=await self.left_open(desk))
        await desk.decide(await desk.question(second), "fail")
        await desk.bench.ended(second)
        third = await begun(desk.bench, retry_of=second)
        assert (await desk.question(third)).kind is Kind.UNCERTAIN
        assert slow.begun == []
        await desk.cancel(third)
        await desk.bench.ended(third)

    async def test_what_is_made_again_is_the_same_call_to_the_other_side(self, desk: Desk, slow: Slow) -> None:
        keys: list[str] = []

        @tool_function("keyed")
        def keyed(n: int, idempotency_key: str) -> str:
            keys.append(idempotency_key)
            if len(keys) < 3:
                raise ProblemError(tool_failed("It broke.").problem.model_copy(update={"code": Code.PLATFORM_FAILED}))
            return "did it"

        keyed_tool = {"keyed": Tool.model_validate({"name": "keyed", "function": "keyed", "delivery": "idempotent"})}
        asks = calls(("keyed", {"n": 1}))
        script(desk.bench, asks, "done", "done")
        first = await desk.bench.ended(await begun(desk.bench, keyed_tool))
        second = await desk.bench.ended(await begun(desk.bench, keyed_tool, retry_of=first.id))
        third = await desk.bench.ended(await begun(desk.bench, keyed_tool, retry_of=second.id))
        assert (second.status, third.output) == (Status.FAILED, "done")
        assert keys == [f"{first.id}:s/tool[0]#0"] * 3
        assert slow.begun == []

    async def test_other_arguments_are_another_call(self, desk: Desk, slow: Slow) -> None:
        keys: list[str] = []

        @tool_function("keyed")
        def keyed(n: int, idempotency_key: str) -> str:
            keys.append(idempotency_key)
            return "did it"

        keyed_tool = {"keyed": Tool.model_validate({"name": "keyed", "function": "keyed", "delivery": "idempotent"})}
        script(desk.bench, calls(("keyed", {"n": 1})), unreachable(), calls(("keyed", {"n": 2})), "done")
        first = await desk.bench.ended(await begun(desk.bench, keyed_tool))
        more: dict[str, Any] = {"agents": {"x": {"tools": ["keyed"], "instructions": "Other."}}}
        second = await desk.bench.ended(await begun(desk.bench, keyed_tool, retry_of=first.id, **more))
        assert second.output == "done"
        assert keys == [f"{id}:s/tool[0]#0" for id in (first.id, second.id)]
