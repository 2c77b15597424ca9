"""A budget that pauses at its cap: the call is held, nothing is lost or asked twice, and raising it goes on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from api.controlling import cancel_execution, pause_execution, resume_execution
from api.durable import DurableClient
from api.raising import RaiseRequest, raise_and_go_on
from domain.errors import Code, ProblemError
from domain.executions import Execution, Status
from tests.orchestrators.bench import TENANT, Bench, EngineClient

STEPS = [{"id": f"s{n}", "agent": "x"} for n in range(4)]
CHAT = {"participants": ["p", "q"], "task": "Talk.", "until": {"any": [{"turns": 6}]}}


def client(bench: Bench) -> DurableClient:
    return cast(DurableClient, EngineClient(bench.engine))


async def record(bench: Bench, id: str) -> Execution:
    found = await bench.services.executions.get(TENANT, id)
    assert found is not None
    return found


async def paused(bench: Bench, definition: dict[str, Any]) -> Execution:
    """An execution that its budget has paused, with whoever was refused waiting."""
    id = await bench.begin(definition)
    return await paused_again(bench, id)


async def paused_again(bench: Bench, id: str) -> Execution:
    async def is_held() -> bool:
        return (await record(bench, id)).paused_for is not None and await bench.waits(id)

    await bench.until(is_held)
    return await record(bench, id)


async def raised(bench: Bench, execution: Execution, **asked: Any) -> Execution:
    request = RaiseRequest.model_validate(asked)
    return await raise_and_go_on(bench.services, client(bench), execution, request, "ada")


async def told(bench: Bench, id: str, *types: str) -> list[dict[str, Any]]:
    return [event.data for event in await bench.log(id) if event.type in types]


async def test_at_the_cap_it_pauses_and_raised_it_goes_on(bench: Bench) -> None:
    held = await paused(bench, {"limits": {"model_calls": 2, "at_cap": "pause"}, "steps": STEPS})
    assert held.status is Status.PAUSED
    assert held.paused_for is not None
    assert (held.paused_for.path, held.paused_for.what) == ("", "2 of 2 model calls")
    assert held.paused_for.spent.model_calls == 2
    going = await raised(bench, held, model_calls=4)
    assert (going.status, going.paused_for) == (Status.RUNNING, None)
    ended = await bench.ended(held.id)
    assert ended.status is Status.COMPLETED
    assert ended.paused_for is None
    assert bench.model.keys == {f"s{n}#0": 1 for n in range(4)}
    [reached] = await told(bench, held.id, "budget.reached")
    assert reached["cap"] == {"model_calls": 2}
    assert await told(bench, held.id, "budget.raised") == [{"by": "ada", "path": "", "to": {"model_calls": 4}}]


async def test_resumed_without_being_raised_it_pauses_again(bench: Bench) -> None:
    held = await paused(bench, {"limits": {"tokens": 1, "at_cap": "pause"}, "steps": STEPS[:2]})
    await resume_execution(bench.services, client(bench), held, "ada")

    async def is_told_twice() -> bool:
        return len(await told(bench, held.id, "budget.reached")) == 2

    await bench.until(is_told_twice)
    again = await paused_again(bench, held.id)
    await raised(bench, again, tokens=1_000)
    assert (await bench.ended(held.id)).status is Status.COMPLETED


async def test_a_steps_own_budget_over_chats_loops_and_branches(bench: Bench) -> None:
    loop = {"most": 3, "until": "false", "steps": [{"id": "in", "agent": "x"}]}
    branches = [{"id": "talk", "group_chat": CHAT}, {"id": "again", "loop": loop}]
    step = {"id": "c", "concurrent": branches, "budget": {"cost_usd": "0.05", "at_cap": "pause"}}
    bench.model.price = Decimal("0.001")
    held = await paused(bench, {"steps": [step]})
    await raised(bench, held, path="c", cost_usd="9")
    ended = await bench.ended(held.id)
    assert ended.status is Status.COMPLETED
    assert set(bench.model.keys.values()) == {1}


async def test_canceled_while_it_waits_it_ends(bench: Bench) -> None:
    held = await paused(bench, {"limits": {"model_calls": 1, "at_cap": "pause"}, "steps": STEPS})
    await cancel_execution(bench.services, client(bench), held, "ada")
    ended = await bench.ended(held.id)
    assert (ended.status, ended.paused_for) == (Status.CANCELED, None)


async def test_raised_when_somebody_has_paused_it_too_it_stays_paused(bench: Bench) -> None:
    held = await paused(bench, {"limits": {"model_calls": 1, "at_cap": "pause"}, "steps": STEPS[:2]})
    held = await pause_execution(bench.services, held, "bob")
    assert held.paused_for is None
    assert (await raised(bench, held, model_calls=2)).status is Status.PAUSED
    await resume_execution(bench.services, client(bench), held, "bob")
    assert (await bench.ended(held.id)).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"model_calls": 1}, "/model_calls"),
        ({"tokens": 100}, "/tokens"),
        ({"path": "s1", "model_calls": 9}, "/path"),
    ],
)
async def test_what_is_not_more_is_refused(bench: Bench, asked: dict[str, Any], pointer: str) -> None:
    held = await paused(bench, {"limits": {"model_calls": 2, "at_cap": "pause"}, "steps": STEPS})
    with pytest.raises(ProblemError) as caught:
        await raised(bench, held, **asked)
    assert caught.value.problem.code is Code.INVALID_REQUEST
    assert [detail.pointer for detail in caught.value.problem.details] == [pointer]
    assert (await record(bench, held.id)).status is Status.PAUSED


async def test_raised_before_it_is_reached_it_is_never_reached(bench: Bench) -> None:
    gate = bench.model.gate("s0#")
    id = await bench.begin({"limits": {"model_calls": 2, "at_cap": "pause"}, "steps": STEPS})
    await bench.model.until(lambda: bench.model.keys["s0#0"] == 1)
    await raised(bench, await record(bench, id), model_calls=4)
    gate.set()
    assert (await bench.ended(id)).status is Status.COMPLETED
    assert await told(bench, id, "budget.reached") == []
