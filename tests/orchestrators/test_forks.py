"""Forks over the real engine and stores: what is taken over, what is made anew, and that the other stays as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from api.durable import DurableClient
from api.forking import ForkRequest, fork_execution, given_to
from domain.errors import ProblemError
from domain.executions import Execution
from services.approvals import decided
from services.identity import Principal
from tests.orchestrators.bench import TENANT, Bench, EngineClient
from tests.support.scripted_model import ScriptedModel, unreachable

ANN = Principal(tenant=TENANT, name="ann", roles=("author",))
CHAIN: dict[str, Any] = {
    "input": {},
    "steps": [
        {"id": "one", "agent": "a", "input": "1 ${input}"},
        {"id": "two", "agent": "b", "input": "2 ${steps.one.output}"},
        {"id": "three", "agent": "c", "input": "3 ${steps.two.output}"},
    ],
}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Every call answers with its system message and what it was asked."""

    def script(request: Any) -> str:
        name = request.messages[0]["content"].removeprefix("You are ").removesuffix(".")
        return f"{name}<{request.messages[-1]['content']}>"

    async with Bench(tmp_path, ScriptedModel(script)) as made:
        yield made


async def forked(bench: Bench, parent: Execution, key: str | None = None, **request: Any) -> Execution:
    asked = ForkRequest.model_validate(request)
    client = cast(DurableClient, EngineClient(bench.engine))
    made = await fork_execution(bench.services, client, ANN, parent, asked, key)
    return await bench.ended(made.id)


async def test_without_changes_everything_is_taken_over(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    fork = await forked(bench, parent)
    assert (fork.output, fork.retry_of, fork.usage.model_calls) == (parent.output, parent.id, 0)
    assert len(bench.model.asked) == 3
    assert await bench.services.executions.get(TENANT, parent.id) == parent


async def test_before_a_step_it_and_what_came_later_is_made_anew(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    fork = await forked(bench, parent, before="two")
    assert (fork.output, fork.usage.model_calls) == (parent.output, 2)
    assert bench.model.keys == {"one#0": 1, "two#0": 2, "three#0": 2}
    assert fork.fork is not None
    assert fork.fork.before == "two"


async def test_after_an_offset(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    answered = [event.offset for event in await bench.log(parent.id) if event.type == "call.completed"]
    fork = await forked(bench, parent, after=answered[1])
    assert fork.usage.model_calls == 1
    assert (await forked(bench, parent, after=0)).usage.model_calls == 3


async def test_another_input_is_paid_for_only_where_it_matters(bench: Bench) -> None:
    definition = {"input": {}, "steps": [{"id": "same", "agent": "a", "input": "always"}, *CHAIN["steps"]]}
    parent = await bench.run(definition, "x")
    fork = await forked(bench, parent, input="y")
    assert fork.output == "c<3 b<2 a<1 y>>>"
    assert bench.model.keys == {"same#0": 1, "one#0": 2, "two#0": 2, "three#0": 2}


@pytest.mark.parametrize("given", ["mine", "long " * 1_000])
async def test_an_output_of_ones_own(bench: Bench, given: str) -> None:
    parent = await bench.run(CHAIN, "x")
    fork = await forked(bench, parent, outputs={"two": given})
    assert fork.output == f"c<3 {given}>"
    assert bench.model.keys["two#0"] == 1
    assert fork.fork is not None
    assert fork.fork.outputs == ("two",)
    edited = [event.step for event in await bench.log(fork.id) if event.data.get("edited")]
    assert edited == ["two"]
    assert (await given_to(bench.services, fork)).keys() == {"two"}  # what recovery would start it with


async def test_an_output_deep_inside(bench: Bench) -> None:
    mapped = {"over": "input", "step": {"id": "m", "agent": "a", "input": "${item}"}}
    loop = {"most": 2, "until": "false", "steps": [{"id": "each", "map": mapped}]}
    parent = await bench.run({"input": {}, "steps": [{"id": "again", "loop": loop}]}, ["p", "q"])
    fork = await forked(bench, parent, outputs={"again/round[2]/each[1]": "mine"})
    assert fork.output == ["a<p>", "mine"]
    assert fork.usage.model_calls == 0


async def test_null_is_an_input_too(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    assert (await forked(bench, parent, input=None)).output == "c<3 b<2 a<1 null>>>"


async def test_another_prompt(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    fork = await forked(bench, parent, agents={"b": {"instructions": "You are new."}})
    assert fork.output == "c<3 new<2 a<1 x>>>"
    assert (fork.usage.model_calls, bench.model.keys["one#0"]) == (2, 1)
    assert fork.fork is not None
    assert fork.fork.edited == ("agents/b",)


async def test_another_workflow_keeps_the_pinned_agents(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    steps = [*CHAIN["steps"][:2], {"id": "other", "agent": "a", "input": "new ${steps.two.output}"}]
    fork = await forked(bench, parent, workflow={"input": {}, "steps": steps})
    assert fork.output == "a<new b<2 a<1 x>>>"
    assert fork.usage.model_calls == 1


async def test_a_fork_of_a_fork(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    first = await forked(bench, parent, outputs={"one": "mine"})
    second = await forked(bench, first, agents={"c": {"instructions": "You are new."}})
    assert second.output == "new<3 b<2 mine>>"  # the first one's edit is part of what it was made from
    assert second.usage.model_calls == 1
    third = await forked(bench, first, before="one")
    assert third.output == parent.output  # done anew, and so no longer given


async def test_a_decision_is_taken_over_and_not_one_that_came_later(bench: Bench) -> None:
    steps = [{"id": "ok", "approval": {"ask": "Go?"}}, {"id": "a", "agent": "a", "retry": {"attempts": 1}}]
    id = await bench.begin({"input": {}, "steps": steps})
    services = bench.services

    async def decide(execution: str, by: str) -> None:
        await bench.until(lambda: bench.waits(execution))
        [question] = await services.approvals.pending_of(TENANT, execution)
        async with services.waits.change(EngineClient(bench.engine), TENANT, execution, "ok"):
            await services.approvals.settle(TENANT, question.id, decided(by, "approve", ""))

    bench.model._script = lambda request: unreachable()
    await decide(id, "ann")
    parent = await bench.ended(id)
    bench.model._script = lambda request: "fine"
    assert (await forked(bench, parent)).output == "fine"
    asked = ForkRequest(before="ok")
    client = cast(DurableClient, EngineClient(bench.engine))
    anew = await fork_execution(services, client, ANN, parent, asked, None)
    await decide(anew.id, "bob")
    assert (await bench.ended(anew.id)).output == "fine"


async def test_an_event_that_was_taken_is_taken_over_and_not_one_that_came_later(bench: Bench) -> None:
    waits = [{"id": name, "wait": {"event": "go"}} for name in ("first", "second")]
    id = await bench.begin(
        {"input": {}, "steps": [*waits, {"id": "a", "agent": "a", "input": "${steps.first.output}"}]}
    )
    for number in (1, 2):
        await bench.until(lambda: bench.waits(id))
        await bench.send(id, "go", number)
    parent = await bench.ended(id)
    fork = await forked(bench, parent)
    assert (fork.output, fork.usage.model_calls) == (parent.output, 0)
    client = cast(DurableClient, EngineClient(bench.engine))
    anew = await fork_execution(bench.services, client, ANN, parent, ForkRequest(before="first"), None)
    await bench.until(lambda: bench.waits(anew.id))
    await bench.send(anew.id, "go", 3)
    await bench.send(anew.id, "go", 4)
    assert (await bench.ended(anew.id)).output == "a<3>"


async def test_the_same_key_makes_one_fork(bench: Bench) -> None:
    parent = await bench.run(CHAIN, "x")
    first = await forked(bench, parent, key="k", before="two")
    assert (await forked(bench, parent, key="k", before="two")).id == first.id
    with pytest.raises(ProblemError, match="Idempotency-Key"):
        await forked(bench, parent, key="k", before="three")


@pytest.mark.parametrize(
    ("request_", "pointer", "what"),
    [
        ({"before": "nine"}, "/before", "not begun"),
        ({"before": "two", "after": 3}, "/after", "not both"),
        ({"outputs": {"thre": 1}}, "/outputs/thre", "did you mean `three`"),
        ({"agents": {"bb": {"instructions": "x"}}}, "/agents/bb", "uses no agent"),
        ({"agents": {"b": {"instructions": ""}}}, "/agents/b/instructions", "exactly one"),
        ({"workflow": {"steps": []}}, "/workflow/steps", "at least 1"),
        ({"workflow": {"steps": [{"id": "z", "agent": "zz"}]}}, "/workflow/steps/0/agent", "no agent"),
    ],
)
async def test_what_cannot_be_is_said_and_starts_nothing(
    bench: Bench, request_: dict[str, Any], pointer: str, what: str
) -> None:
    parent = await bench.run(CHAIN, "x")
    with pytest.raises(ProblemError) as caught:
        await forked(bench, parent, **request_)
    assert [detail.pointer for detail in caught.value.problem.details] == [pointer]
    assert what in caught.value.problem.details[0].message
    assert len((await bench.services.executions.list(TENANT))[0]) == 1
