from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from domain.events import Delta, Event, EventType
from services.bus import DELTA_ROOM, ROOM, LocalBus, Notice

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def event(offset: int) -> Event:
    return Event(id=f"e{offset}", type=EventType.STEP_STARTED, time=NOW, offset=offset)


def delta(position: int) -> Delta:
    return Delta(step="s", agent="a", call="c", attempt=1, position=position, text="x")


async def test_subscribers_of_the_execution_get_everything_in_order() -> None:
    bus = LocalBus()
    with bus.subscribe("t", "e") as one, bus.subscribe("t", "e") as two, bus.subscribe("t", "other") as other:
        bus.publish("t", "e", [event(1), delta(0)])
        bus.publish("t", "e", [event(2)])
        bus.publish("u", "other", [event(9)])
        for subscription in (one, two):
            assert [await anext(subscription) for _ in range(3)] == [event(1), delta(0), event(2)]
        assert await other.next(0.01) is None


async def test_nothing_from_before_or_after() -> None:
    bus = LocalBus()
    bus.publish("t", "e", [event(1)])
    with bus.subscribe("t", "e") as subscription:
        assert await subscription.next(0.01) is None
    bus.publish("t", "e", [event(2)])
    assert await subscription.next(0.01) is None
    subscription.close()
    assert bus._subscriptions == {}


async def test_it_can_be_iterated_and_timed_out_on_without_losing_anything() -> None:
    bus = LocalBus()
    with bus.subscribe("t", "e") as subscription:
        for _ in range(3):
            assert await subscription.next(0) is None
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(subscription), 0)
        bus.publish("t", "e", [event(1), event(2)])
        got = []
        async for item in subscription:
            got.append(item)
            if len(got) == 2:
                break
    assert got == [event(1), event(2)]


async def test_a_slow_reader_is_sent_back_to_the_log() -> None:
    bus = LocalBus()
    with bus.subscribe("t", "e") as subscription:
        for offset in range(1, ROOM + 3):
            bus.publish("t", "e", [event(offset)])
        got = [await subscription.next(1) for _ in range(3)]
        assert got == [Notice.REREAD, event(ROOM + 1), event(ROOM + 2)]
        assert await subscription.next(0) is None


async def test_deltas_are_dropped_before_events() -> None:
    bus = LocalBus()
    with bus.subscribe("t", "e") as subscription:
        bus.publish("t", "e", [delta(n) for n in range(DELTA_ROOM + 100)])
        bus.publish("t", "e", [event(1)])
        got = [await subscription.next(1) for _ in range(DELTA_ROOM + 1)]
        assert got == [*(delta(n) for n in range(DELTA_ROOM)), event(1)]
        bus.publish("t", "e", [delta(7)])
        assert await subscription.next(1) == delta(7)


async def test_publishers_may_be_on_other_threads() -> None:
    bus = LocalBus()
    with bus.subscribe("t", "e") as subscription:
        await asyncio.gather(*(asyncio.to_thread(bus.publish, "t", "e", [event(n + 1)]) for n in range(20)))
        got = [await subscription.next(1) for _ in range(20)]
    assert {item.offset for item in got if isinstance(item, Event)} == set(range(1, 21))


async def test_a_reader_whose_loop_is_gone_is_forgotten() -> None:
    bus = LocalBus()

    async def subscribe() -> None:
        bus.subscribe("t", "e")

    await asyncio.to_thread(asyncio.run, subscribe())
    assert len(bus._subscriptions) == 1
    bus.publish("t", "e", [event(1)])
    assert bus._subscriptions == {}
