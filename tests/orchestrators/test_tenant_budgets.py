"""Budgets of tenants over whole executions: pausing, raising, periods, cancels, and many executions at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from api.controlling import cancel_execution
from api.going_on import go_on
from domain.books import Account, Tally
from domain.errors import Code
from domain.executions import Status
from domain.tenant_budgets import TenantBudget
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.test_budget_pauses import client, paused_again, record
from tests.support.scripted_model import unreachable

STEPS = [{"id": f"s{n}", "agent": "x"} for n in range(4)]


async def define(bench: Bench, **fields: Any) -> TenantBudget:
    budget = TenantBudget.model_validate({"name": "b", "period": "total", **fields})
    await bench.services.tenant_budgets.put(TENANT, budget, "ada")
    return budget


async def account(bench: Bench, budget: TenantBudget) -> Account:
    return (await bench.services.tenant_budgets.standing(TENANT, budget, datetime.now(UTC))).account


async def test_it_pauses_says_which_and_goes_on_when_it_is_raised(bench: Bench) -> None:
    await define(bench, model_calls=2)
    held = await paused_again(bench, await bench.begin({"steps": STEPS}))
    assert held.paused_for is not None
    assert (held.paused_for.budget, held.paused_for.period) == ("b", "total")
    await go_on(bench.services, client(bench), TENANT)
    assert (await record(bench, held.id)).status is Status.PAUSED  # there is no room yet
    budget = await define(bench, model_calls=4)
    await go_on(bench.services, client(bench), TENANT)
    assert (await bench.ended(held.id)).status is Status.COMPLETED
    assert set(bench.model.keys.values()) == {1}
    assert (await account(bench, budget)).reserved == Tally()
    assert await bench.services.tenant_budgets.paused(TENANT) == {}


async def test_it_may_fail_the_step_instead(bench: Bench) -> None:
    await define(bench, model_calls=2, at_cap="fail")
    ended = await bench.run({"steps": STEPS})
    assert ended.error is not None
    assert ended.error.code is Code.BUDGET_EXCEEDED
    assert "`b`" in ended.error.message


async def test_only_what_is_of_its_scope_counts(bench: Bench) -> None:
    workflow = await define(bench, name="w", scope="workflow", of="other", model_calls=1)
    agent = await define(bench, name="a", scope="agent", of="x", model_calls=9)
    assert (await bench.run({"steps": [*STEPS[:2], {"id": "y", "agent": "y"}]})).status is Status.COMPLETED
    assert (await account(bench, workflow)).spent.model_calls == 0
    assert (await account(bench, agent)).spent.model_calls == 2


async def test_beside_the_executions_own_nothing_stays_held(bench: Bench) -> None:
    budget = await define(bench, model_calls=9)
    bench.model._script = lambda request: unreachable() if len(bench.model.asked) == 1 else "fine"
    retry = {"first_delay": "PT0.01S"}
    ended = await bench.run({"limits": {"model_calls": 1}, "steps": [{**step, "retry": retry} for step in STEPS[:2]]})
    assert ended.error is not None
    assert ended.error.code is Code.BUDGET_EXCEEDED
    standing = await account(bench, budget)
    assert (standing.spent.model_calls, standing.reserved) == (1, Tally())


async def test_canceled_while_it_waits_it_holds_nothing(bench: Bench) -> None:
    budget = await define(bench, model_calls=1)
    held = await paused_again(bench, await bench.begin({"steps": STEPS}))
    await cancel_execution(bench.services, client(bench), held, "ada")
    assert (await bench.ended(held.id)).status is Status.CANCELED
    assert (await account(bench, budget)).reserved == Tally()


async def test_forty_executions_at_once_spend_exactly_what_there_is_and_then_the_rest(bench: Bench) -> None:
    budget = await define(bench, model_calls=50)
    ids = [await bench.begin({"steps": STEPS[:2]}) for _ in range(40)]

    async def is_used_up() -> bool:
        records = [await record(bench, id) for id in ids]
        return all(one.status.is_ended or (one.paused_for is not None) for one in records)

    await bench.until(is_used_up)
    assert len(bench.model.asked) == 50
    assert (await account(bench, budget)).spent.model_calls == 50
    await define(bench, model_calls=80)
    await go_on(bench.services, client(bench), TENANT)
    ended = await asyncio.gather(*(bench.ended(id) for id in ids))
    assert {one.status for one in ended} == {Status.COMPLETED}
    assert len(bench.model.asked) == 80
    assert (await account(bench, budget)) == Account(spent=(await account(bench, budget)).spent)


async def test_what_a_call_had_said_when_it_broke_off_is_charged(bench: Bench) -> None:
    budget = await define(bench, tokens=10_000)
    bench.model.says_first = "Once upon a time "
    bench.model._script = lambda request: unreachable() if len(bench.model.asked) == 1 else "The end."
    step = {"id": "s", "agent": "x", "retry": {"first_delay": "PT0.01S"}}
    ended = await bench.run({"steps": [step], "limits": {"tokens": 10_000}})
    assert ended.status is Status.COMPLETED
    [failed] = [event.data for event in await bench.log(ended.id) if event.type == "call.failed"]
    assert failed["spent"]["tokens_out"] > 0
    spent = (await account(bench, budget)).spent
    assert spent.model_calls == 1
    assert spent.tokens_out == ended.usage.tokens_out > failed["spent"]["tokens_out"]
    known = await bench.services.budgets.known(TENANT, ended.id)
    assert known.spent[""].tokens_out == spent.tokens_out
