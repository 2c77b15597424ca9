"""Rows of what was used: each call counted once, by whichever process, however often; and read by any dimensions."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.events import Draft, EventType
from services.usage import AT_ONCE, partition_of_usage
from services.wiring import Services

DAY = datetime(2026, 11, 27, 12, tzinfo=UTC)
PAID = {"model_calls": 1, "tokens_in": 10, "tokens_out": 5, "cost_usd": "0.01"}


def event(number: int, type: EventType = EventType.CALL_COMPLETED, time: datetime = DAY, **data: Any) -> Draft:
    return Draft(id=f"e{number}", type=type, time=time, step="s", agent="a", data={"call": "s#0", **data})


def paid(number: int, model: str = "m", **more: Any) -> Draft:
    return event(number, model=model, usage=PAID, seconds=0.5, **more)


async def sums(services: Services, *by: Any) -> list[dict[str, Any]]:
    return (await services.usage.query("acme", date(2026, 11, 1), date(2026, 11, 30), by)).items()


async def total(services: Services) -> dict[str, Any]:
    return (await services.usage.query("acme", date(2026, 11, 1), date(2026, 11, 30), ())).total()


async def test_each_kind_of_event_adds_its_own(services: Services) -> None:
    drafts = [
        paid(1),
        paid(2, "other"),
        event(3, EventType.CALL_REJECTED, model="m", usage={**PAID, "cost_usd": None}),
        event(4, EventType.CALL_ASKED, model="m", usage=PAID),
        event(5, tool="search", seconds=1.25),
        event(6, EventType.CALL_FAILED, error={"code": "model_unreachable"}),
        event(7, EventType.CALL_FAILED, error={"code": "canceled"}),
        paid(8, reused_from="x"),
        Draft(id="end", type=EventType.EXECUTION_FAILED, time=DAY),
    ]
    await services.events.append("acme", "e", drafts)
    await services.usage.add("acme", "e", "w")
    assert await total(services) == {
        "executions": 1, "executions_failed": 1, "model_calls": 4, "tool_calls": 1, "reused": 1, "failures": 1,
        "tokens_in": 40, "tokens_out": 20, "cost_usd": "0.03", "unpriced": 1, "seconds": "2.25",
    }  # fmt: skip
    by_model = {item["model"]: item["model_calls"] for item in await sums(services, "model")}
    assert by_model == {"": 0, "m": 3, "other": 1}
    assert [item["tool"] for item in await sums(services, "tool") if item["tool_calls"]] == ["search"]
    assert {item["agent"]: item["executions"] for item in await sums(services, "agent")} == {"": 1, "a": 0}
    assert (await services.usage.query("other", date(2026, 11, 1), date(2026, 11, 30), ())).items() == []


async def test_days_are_those_of_the_calls_and_both_ends_count(services: Services) -> None:
    days = [DAY.replace(day=day) for day in (1, 2, 30)]
    drafts = [paid(number).model_copy(update={"time": day}) for number, day in enumerate(days)]
    await services.events.append("acme", "e", drafts)
    await services.usage.add("acme", "e", "w")
    assert [item["day"] for item in await sums(services, "day")] == ["2026-11-01", "2026-11-02", "2026-11-30"]
    only = await services.usage.query("acme", date(2026, 11, 2), date(2026, 11, 29), ("day", "workflow"))
    assert [(item["day"], item["workflow"]) for item in only.items()] == [("2026-11-02", "w")]


async def test_added_again_and_again_by_two_processes_each_call_counts_once(
    services: Services, others: Services
) -> None:
    ids = [f"e{number}" for number in range(AT_ONCE + 5)]
    for round in range(3):
        for id in ids:
            await services.events.append("acme", id, [paid(round), paid(10 + round)])
        both = [services, others] * 2
        await asyncio.gather(*(one.usage.add("acme", id, f"w{id[-1]}") for one in both for id in ids))
        assert (await total(services))["model_calls"] == 2 * (round + 1) * len(ids)
        assert (await total(others))["cost_usd"] == f"{0.02 * (round + 1) * len(ids):.2f}"


async def test_what_could_not_be_written_is_counted_the_next_time(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.events.append("acme", "e", [paid(1)])

    async def killed(*_: object, **__: object) -> None:
        raise OSError("the machine is gone")

    with monkeypatch.context() as broken:
        broken.setattr(services.documents, "write", killed)
        with pytest.raises(OSError, match="gone"):
            await services.usage.add("acme", "e", "w")
    await services.usage.add("acme", "e", "w")
    assert (await total(services))["model_calls"] == 1


async def test_a_long_log_and_many_rows_are_added_in_pieces(services: Services) -> None:
    await services.events.append("acme", "long", [paid(number) for number in range(1_200)])
    ids = [f"e{number}" for number in range(100)]
    for id in ids:
        await services.events.append("acme", id, [paid(0)])
    await asyncio.gather(*(services.usage.add("acme", id, f"w-{id}") for id in ids))
    await services.usage.add("acme", "long", "w")
    assert (await total(services))["model_calls"] == 1_300


async def test_one_execution_is_summed_from_its_log(services: Services) -> None:
    await services.events.append("acme", "e", [paid(1), paid(2), event(3, tool="t", seconds=1)])
    found = await services.usage.of_execution("acme", "e", ("step", "tool"))
    assert [(item["step"], item["tool"], item["model_calls"]) for item in found.items()] == [
        ("s", "", 2),
        ("s", "t", 0),
    ]
    assert found.total()["cost_usd"] == "0.02"


async def test_marks_are_removed_with_their_execution(services: Services) -> None:
    await services.events.append("acme", "e", [paid(1)])
    await services.usage.add("acme", "e", "w")
    assert await services.documents.get(partition_of_usage("acme"), "e") is not None


@pytest.mark.parametrize("first", ["told", "logged"])
async def test_the_end_counts_once_whether_it_is_told_or_in_the_log(services: Services, first: str) -> None:
    end = Draft(id="end", type=EventType.EXECUTION_COMPLETED, time=DAY)
    await services.events.append("acme", "e", [paid(1)])
    if first == "logged":
        await services.events.append("acme", "e", [end])
        await services.usage.add("acme", "e", "w")
    await asyncio.gather(services.usage.add("acme", "e", "w"), services.usage.add("acme", "e", "w", end))
    await services.events.append("acme", "e", [end])
    for last in (None, end):
        await services.usage.add("acme", "e", "w", last)
    assert ((await total(services))["executions"], (await total(services))["model_calls"]) == (1, 1)
