from __future__ import annotations

import json
from datetime import UTC, datetime

from devhost.signalr.messages import Message, parse_output
from domain.events import Delta, Draft, Event, EventType
from services.bus import LocalBus
from services.realtime import SIGNALR_OUTPUT, Realtime, to_signalr
from services.signalr import EVENTS_PER_MESSAGE, SignalRPublisher
from services.signalr_endpoint import Endpoint
from services.wiring import Services
from tests.services.models.endpoint import RawEndpoint, http

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DELTA = Delta(step="s", agent="a", call="c", attempt=1, position=0, text="x")


def event(offset: int) -> Event:
    return Event(id=f"e{offset}", type=EventType.STEP_STARTED, time=NOW, offset=offset)


async def test_deltas_go_to_everyone_events_to_watchers_elsewhere() -> None:
    """Readers in this process hear of events from the log, so telling them here too would say it twice."""
    async with RawEndpoint(http(202)) as service:
        realtime = Realtime(LocalBus(), SignalRPublisher(Endpoint(service.origin, key="k" * 32)))
        realtime.watch("t", "e")
        with realtime.subscribe("t", "e") as subscription:
            realtime.publish_events("t", "e", [event(1)])
            realtime.publish_delta("t", "e", DELTA)
            assert await subscription.next(1) == DELTA
            assert await subscription.next(0) is None
        await realtime.close()
    assert [received.body["target"] for received in service.received] == ["events", "delta"]


async def test_what_nobody_watches_is_not_pushed() -> None:
    async with RawEndpoint(http(202)) as service:
        realtime = Realtime(LocalBus(), SignalRPublisher(Endpoint(service.origin, key="k" * 32)))
        realtime.watch("t", "other")
        realtime.publish_events("t", "e", [event(1)])
        realtime.publish_delta("t", "e", DELTA)
        realtime.publish_delta("t", "other", DELTA)
        await realtime.close()
    assert [received.path.partition("groups/")[2].partition("/")[0] for received in service.received] == ["t.other"]


async def test_without_signalr_followers_still_hear() -> None:
    realtime = Realtime(LocalBus())
    with realtime.subscribe("t", "e") as subscription:
        realtime.publish_events("t", "e", [event(1)])
        realtime.publish_delta("t", "e", DELTA)
        assert await subscription.next(1) == DELTA
    await realtime.close()


async def test_the_log_tells_followers(services: Services) -> None:
    with services.realtime.subscribe("t", "e") as subscription:
        draft = Draft(id="a", type=EventType.STEP_STARTED, time=NOW)
        logged = await services.events.append("t", "e", [draft])
        await services.events.append("t", "e", [draft])
        assert await subscription.next(1) == logged[0]
        assert await subscription.next(0) is None


def test_the_output_binding_gets_messages_a_host_takes() -> None:
    events = [event(n + 1) for n in range(EVENTS_PER_MESSAGE + 1)]
    messages = parse_output(to_signalr("acme", "0123", events))
    assert all(isinstance(message, Message) for message in messages)
    sent = [message.model_dump() for message in messages]
    assert {(message["target"], message["group_name"]) for message in sent} == {("events", "acme.0123")}
    offsets = [shown["offset"] for message in sent for shown in message["arguments"][0]]
    assert offsets == [event.offset for event in events]
    assert json.loads(to_signalr("acme", "0123", [])) == []
    assert SIGNALR_OUTPUT["hubName"] == "executions"
