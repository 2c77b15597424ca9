from __future__ import annotations

import itertools
import threading

import pytest
from starlette.responses import Response

from meta_agents import ApiError, Client, Event, Item, MetaAgentsError, Reconnect, Unreachable
from meta_agents.following import Follower
from tests.meta_agents.fake_api import FakeApi, Server, Stream, problem
from tests.meta_agents.samples import (
    canceled,
    completed,
    delta,
    event,
    frame,
    frames,
    numbered,
    parsed,
    short_log,
    started,
)

FAST = Reconnect(first=0.01, longest=0.02, patience=5)


def offsets(items: list[Item]) -> list[int]:
    return [item.offset for item in items if isinstance(item, Event)]


def follow(client: Client, execution: str, after: int = 0, reconnect: Reconnect = FAST) -> list[Item]:
    return list(client.executions.follow(execution, after, reconnect=reconnect))


class TestOverHttp:
    def test_yields_the_log_and_ends_with_it(self, client: Client, api: FakeApi) -> None:
        log = short_log()
        execution = api.add_execution(log)

        assert follow(client, execution) == [parsed(made) for made in log]

    def test_starts_after_an_offset(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())

        assert offsets(follow(client, execution, after=3)) == [4, 5]

    def test_ends_when_there_is_nothing_after_the_offset(self, client: Client, api: FakeApi) -> None:
        assert follow(client, api.add_execution(short_log()), after=5) == []

    def test_goes_on_through_a_pause_and_a_cancel(self, client: Client, api: FakeApi) -> None:
        control = [event(1, f"execution.{what}", by="ann") for what in ("paused", "resumed", "cancel_requested")]
        log = numbered(started(), *control, canceled())
        execution = api.add_execution(log)
        api.streams += [Stream((frames(log[:2]),)), Stream((frames(log[2:4]),), "cut")]

        assert offsets(follow(client, execution)) == [1, 2, 3, 4, 5]

    @pytest.mark.parametrize("size", [1, 5, 64])
    def test_chunks_may_end_anywhere(self, client: Client, api: FakeApi, size: int) -> None:
        log = short_log(output="größer 🙂")
        execution = api.add_execution(log)
        stream = frames(log).replace(b"\n", b"\r\n")
        api.streams.append(Stream(tuple(stream[start : start + size] for start in range(0, len(stream), size))))

        assert follow(client, execution) == [parsed(made) for made in log]

    def test_deltas_come_between_events(self, client: Client, api: FakeApi) -> None:
        log = short_log()
        pieces = [delta("write", 0, "Do"), delta("write", 2, "ne.")]
        execution = api.add_execution(log)
        api.streams.append(Stream((frames(log[:3]) + b"".join(map(frame, pieces)) + b": ping\n\n" + frames(log[3:]),)))

        assert follow(client, execution) == [parsed(made) for made in (*log[:3], *pieces, *log[3:])]

    def test_a_cut_stream_is_resumed_where_it_was(self, client: Client, api: FakeApi) -> None:
        log = short_log()
        execution = api.add_execution(log)
        half = frame(log[2])[:20]
        api.streams += [Stream((frames(log[:2]), half), "cut"), Stream((frames(log[2:4]),), "close")]

        assert offsets(follow(client, execution)) == [1, 2, 3, 4, 5]
        streams = api.requests("GET", f"/api/executions/{execution}/events")
        assert [seen.headers["last-event-id"] for seen in streams] == ["0", "2", "4"]

    def test_nothing_is_yielded_twice_or_out_of_order(self, client: Client, api: FakeApi) -> None:
        log = short_log()
        execution = api.add_execution(log)
        api.streams.append(Stream((frame(log[0]), frame(log[0]), frame(log[1]), frame(log[0]), frames(log[2:]))))

        assert offsets(follow(client, execution)) == [1, 2, 3, 4, 5]

    def test_a_hole_in_the_stream_is_filled_by_asking_again(self, client: Client, api: FakeApi) -> None:
        log = short_log()
        execution = api.add_execution(log)
        api.streams.append(Stream((frame(log[0]), frame(log[3]))))

        assert offsets(follow(client, execution)) == [1, 2, 3, 4, 5]

    def test_survives_a_restart_of_the_host(self, client: Client, api: FakeApi, server: Server) -> None:
        log = short_log()
        execution = api.add_execution(log)
        api.streams.append(Stream((frames(log[:2]),), "hang"))
        causes: list[MetaAgentsError | None] = []
        restarting = threading.Thread(target=server.restart)

        def lost(cause: MetaAgentsError | None) -> None:
            causes.append(cause)
            if len(causes) == 3:
                restarting.start()

        items = client.executions.follow(execution, reconnect=FAST, on_lost=lost)
        seen = list(itertools.islice(items, 2))
        server.stop()
        seen += items
        restarting.join()

        assert offsets(seen) == [1, 2, 3, 4, 5]
        assert all(isinstance(cause, Unreachable) for cause in causes[1:])

    def test_a_busy_server_is_asked_again(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())
        api.answers += [problem(503, "platform_failed", "Starting.", "Wait."), Response(status_code=502)]

        assert offsets(follow(client, execution)) == [1, 2, 3, 4, 5]

    def test_a_refusal_is_final(self, client: Client, api: FakeApi) -> None:
        with pytest.raises(ApiError) as refused:
            follow(client, "unknown")

        assert refused.value.code == "not_found"
        assert len(api.seen) == 1

    def test_something_else_than_a_stream_is_not_asked_for_ever(self, client: Client, api: FakeApi) -> None:
        api.answers.append(Response("<html>", media_type="text/html"))

        with pytest.raises(ApiError) as refused:
            follow(client, api.add_execution(short_log()))

        assert refused.value.code == "unexpected_answer"

    def test_gives_up_when_patience_is_out(self, client: Client, server: Server) -> None:
        server.stop()
        try:
            with pytest.raises(Unreachable):
                follow(client, "x", reconnect=Reconnect(first=0.01, longest=0.01, patience=0.03))
        finally:
            server.restart()

    def test_leaving_early_ends_the_connection(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())
        api.streams.append(Stream((frames(short_log()[:2]),), "hang"))

        first = next(client.executions.follow(execution))

        assert isinstance(first, Event)
        assert first.type == "execution.started"
        assert client.me().tenant == "local"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestFollower:
    def test_waits_grow_to_a_limit_and_start_again_with_news(self) -> None:
        reconnect = Reconnect(first=1, longest=8, patience=1000)
        follower = Follower("x", 0, reconnect)

        waits = [follower.lost(None) for _ in range(6)]
        follower.connect()
        list(follower.receive(frame(numbered(started())[0])))

        for wait, whole in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
            assert whole / 2 <= wait <= whole
        assert follower.lost(None) <= 1

    def test_thousands_of_losses_do_not_overflow(self) -> None:
        assert 2.5 <= Reconnect().delay(5_000) <= 5

    def test_the_server_may_ask_for_a_longer_wait(self) -> None:
        busy = ApiError(status=503, code="platform_failed", message="Busy.", retry_after=30)

        assert Follower("x", 0, Reconnect()).lost(busy) == 30

    def test_heartbeats_keep_patience(self) -> None:
        clock = Clock()
        follower = Follower("x", 0, Reconnect(patience=100), clock=clock)
        clock.now = 90
        list(follower.receive(b": ping\n\n"))
        clock.now = 180

        assert follower.lost(None) > 0
        clock.now = 191
        with pytest.raises(Unreachable, match="keeps closing"):
            follower.lost(None)

    def test_a_log_with_a_hole_for_ever_exhausts_patience(self) -> None:
        clock = Clock()
        follower = Follower("x", 0, Reconnect(patience=100), clock=clock)
        clock.now = 101
        with pytest.raises(Unreachable) as hole:
            list(follower.receive(frame(event(2, "step.started"))))

        with pytest.raises(Unreachable, match="jumped from 0 to 2"):
            follower.lost(hole.value)

    def test_half_a_message_of_a_lost_connection_is_forgotten(self) -> None:
        follower = Follower("x", 0, Reconnect())
        whole = frame(numbered(started())[0])
        list(follower.receive(whole[:-5]))
        follower.connect()

        assert [item for item in follower.receive(whole) if isinstance(item, Event)] != []

    def test_nothing_follows_the_terminal_event(self) -> None:
        log = numbered(started(), completed())
        follower = Follower("x", 0, Reconnect())

        assert len(list(follower.receive(frames(log) + frame(event(3, "step.started"))))) == 2
        assert follower.ended

    def test_unknown_messages_and_event_types_are_let_through(self) -> None:
        follower = Follower("x", 0, Reconnect())
        unknown = {**event(1, "tool.called"), "new_key": 1}

        items = list(follower.receive(b"event: news\ndata: {}\n\n" + frame(unknown)))

        assert [item.as_sent() for item in items] == [unknown]

    def test_a_message_that_is_no_event_is_an_error(self) -> None:
        with pytest.raises(ApiError, match="not an event"):
            list(Follower("x", 0, Reconnect()).receive(b"event: event\ndata: {}\n\n"))
