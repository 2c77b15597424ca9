"""The log as pages and as a stream: every event once and in order, whoever wrote it and whenever one looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api import following, streaming
from domain.chats import entity_key
from domain.events import Delta, Draft, EventType
from services.wiring import Services
from tests.api.conftest import Carried, FakeDurable, problem

Frame = dict[str, str]


def draft(id: str, type: EventType = EventType.STEP_STARTED, value: Any = None) -> Draft:
    return Draft(id=id, type=type, time=datetime.now(UTC), step="a", value=value)


END = draft("execution.completed", EventType.EXECUTION_COMPLETED)


def delta(position: int) -> Delta:
    return Delta(step="a", agent="writer", call="a#0", attempt=1, position=position, text="x")


class Stream:
    """An event stream read as it comes, over ASGI, with a reader who can leave."""

    def __init__(self, app: Carried, path: str, headers: dict[str, str]) -> None:
        url = httpx.URL(f"http://api.test{path}")
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": url.path,
            "raw_path": url.raw_path,
            "query_string": url.query,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self._app = app
        self._left = asyncio.Event()
        self._text: asyncio.Queue[str] = asyncio.Queue()
        self._waiting = ""
        self.start: dict[str, Any] = {}
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            await self._text.put(message["body"].decode())

    async def frame(self) -> Frame:
        """The next frame, field by field; a comment is the field ``."""
        while "\n\n" not in self._waiting:
            self._waiting += await self._text.get()
        raw, _, self._waiting = self._waiting.partition("\n\n")
        return {name: value.removeprefix(" ") for name, _, value in (line.partition(":") for line in raw.split("\n"))}

    async def frames(self) -> list[Frame]:
        """All frames up to the one that says it is the last."""
        found = [await self.frame()]
        while found[-1].get("event") != "end":
            found.append(await self.frame())
        await self.task
        return found

    def leave(self) -> None:
        self._left.set()


@asynccontextmanager
async def streamed(app: Carried, execution: str, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    wanted = {"Authorization": "Bearer one", "Accept": "text/event-stream", **headers}
    stream = Stream(app, f"/api/executions/{execution}/events{query}", wanted)
    try:
        async with asyncio.timeout(20):
            yield stream
    finally:
        stream.task.cancel()
        await asyncio.gather(stream.task, return_exceptions=True)


class TestPages:
    async def test_from_an_offset_to_a_limit(self, api: httpx.AsyncClient, execution: str, services: Services) -> None:
        await services.events.append("one", execution, [draft(f"e{n}") for n in range(4)])
        path = f"/api/executions/{execution}/events"
        first = (await api.get(path, params={"limit": 3})).json()
        assert [event["offset"] for event in first["events"]] == [1, 2, 3]
        assert (first["next"], first["ended"]) == (3, False)
        assert first["events"][1]["time"].endswith("Z")
        rest = (await api.get(path, params={"after": 3})).json()
        assert [event["offset"] for event in rest["events"]] == [4, 5]
        none = (await api.get(path, params={"after": 5})).json()
        assert none == {"events": [], "next": 5, "ended": False}

    async def test_the_end_is_said_once_all_is_read(
        self, api: httpx.AsyncClient, execution: str, services: Services
    ) -> None:
        # A call that was under way may be logged after the end.
        await services.events.append("one", execution, [draft("e"), END, draft("late")])
        path = f"/api/executions/{execution}/events"
        assert (await api.get(path, params={"limit": 2})).json()["ended"] is False
        assert (await api.get(path)).json()["ended"] is True
        assert (await api.get(path, params={"after": 3})).json()["ended"] is True
        assert (await api.get(path, params={"after": 4})).json() == {"events": [], "next": 4, "ended": True}

    @pytest.mark.parametrize("params", [{"after": "-1"}, {"after": "x"}, {"limit": "0"}, {"limit": "1001"}])
    async def test_bad_parameters(self, api: httpx.AsyncClient, execution: str, params: dict[str, str]) -> None:
        problem(await api.get(f"/api/executions/{execution}/events", params=params), 400, "invalid_request")


class TestStream:
    async def test_what_was_and_what_comes(self, carried: Carried, execution: str, services: Services) -> None:
        async with streamed(carried, execution) as stream:
            first = await stream.frame()
            assert first.keys() == {"id", "event", "data"}
            assert (first["id"], first["event"]) == ("1", "event")
            assert json.loads(first["data"])["type"] == "execution.started"
            headers = dict(stream.start["headers"])
            assert headers[b"content-type"].startswith(b"text/event-stream")
            assert headers[b"cache-control"] == b"no-store"

            services.realtime.publish_delta("one", execution, delta(0))
            live = await stream.frame()
            assert live.keys() == {"event", "data"}
            assert (live["event"], json.loads(live["data"])["position"]) == ("delta", 0)

            await services.events.append("one", execution, [draft("e", value="a\nb\r\nc")])
            second = await stream.frame()
            assert (second["id"], json.loads(second["data"])["value"]) == ("2", "a\nb\r\nc")

            await services.events.append("one", execution, [END])
            assert [frame.get("id") for frame in await stream.frames()] == ["3", None]

    async def test_each_event_once_and_in_order_while_many_are_written(
        self, carried: Carried, execution: str, services: Services
    ) -> None:
        async with streamed(carried, execution) as stream:
            reading = asyncio.create_task(stream.frames())
            await asyncio.gather(
                *(services.events.append("one", execution, [draft(f"e{n}"), draft(f"f{n}")]) for n in range(50))
            )
            await services.events.append("one", execution, [END])
            offsets = [int(frame["id"]) for frame in await reading if "id" in frame]
        assert offsets == list(range(1, 103))

    async def test_a_log_longer_than_a_page(
        self, carried: Carried, execution: str, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "PAGE", 3)
        await services.events.append("one", execution, [*(draft(f"e{n}") for n in range(8)), END])
        async with streamed(carried, execution) as stream:
            frames = await stream.frames()
        assert [frame["id"] for frame in frames[:-1]] == [str(offset) for offset in range(1, 11)]

    async def test_it_resumes_where_it_was_cut_off(self, carried: Carried, execution: str, services: Services) -> None:
        await services.events.append("one", execution, [draft("e"), draft("f"), END])
        async with streamed(carried, execution, "?after=1", **{"Last-Event-ID": "2"}) as stream:
            assert [frame.get("id") for frame in await stream.frames()] == ["3", "4", None]
        async with streamed(carried, execution, "?after=3") as stream:
            assert [frame.get("id") for frame in await stream.frames()] == ["4", None]
        async with streamed(carried, execution, "?after=4") as stream:
            assert await stream.frames() == [{"event": "end", "data": "{}"}]

    async def test_nothing_after_the_end(self, carried: Carried, execution: str, services: Services) -> None:
        await services.events.append("one", execution, [END, draft("late")])
        async with streamed(carried, execution) as stream:
            assert [frame.get("id") for frame in await stream.frames()] == ["1", "2", None]
        async with streamed(carried, execution, "?after=3") as stream:
            assert [frame.get("id") for frame in await stream.frames()] == [None]

    async def test_what_another_instance_writes_is_found(
        self, carried: Carried, execution: str, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "REREAD_SECONDS", 0.02)
        async with streamed(carried, execution) as stream:
            await stream.frame()
            monkeypatch.setattr(services.events, "_publish", None)  # nobody tells this process's bus
            await services.events.append("one", execution, [draft("e"), END])
            assert [frame.get("id") for frame in await stream.frames()] == ["2", "3", None]

    async def test_a_reader_too_slow_for_the_bus_rereads_the_log(
        self, carried: Carried, execution: str, services: Services
    ) -> None:
        async with streamed(carried, execution) as stream:
            await stream.frame()
            for n in range(25):
                await services.events.append("one", execution, [draft(f"e{n}.{m}") for m in range(100)])
            await services.events.append("one", execution, [END])
            offsets = [int(frame["id"]) for frame in await stream.frames() if "id" in frame]
        assert offsets == list(range(2, 2503))

    async def test_silence_is_broken_by_heartbeats(
        self, carried: Carried, execution: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "REREAD_SECONDS", 0.01)
        monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.02)
        async with streamed(carried, execution) as stream:
            assert (await stream.frame())["id"] == "1"
            assert await stream.frame() == {"": "ping"}
            assert await stream.frame() == {"": "ping"}

    async def test_a_reader_who_leaves_is_let_go(self, carried: Carried, execution: str, services: Services) -> None:
        async with streamed(carried, execution) as stream:
            await stream.frame()
            stream.leave()
            await stream.task
        assert services.realtime.bus._subscriptions == {}

    async def test_a_host_that_stops_is_not_held_up(self, carried: Carried, execution: str, services: Services) -> None:
        async with streamed(carried, execution) as stream:
            await stream.frame()
            stream.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stream.task
        assert services.realtime.bus._subscriptions == {}

    @pytest.mark.parametrize("value", ["-1", "x", "1.5", "9" * 30])
    async def test_a_bad_last_event_id(self, api: httpx.AsyncClient, execution: str, value: str) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": value}
        answer = await api.get(f"/api/executions/{execution}/events", headers=headers)
        assert list(problem(answer, 400, "invalid_request")) == ["/header/last-event-id"]


class TestParts:
    async def test_a_chat(self, api: httpx.AsyncClient, execution: str, durable: FakeDurable) -> None:
        state = {"turns": 1, "window": [{"turn": 1, "speaker": "writer", "text": "Hi.", "event": "e"}]}
        durable.chats[entity_key(execution, "review/debate")] = state
        assert (await api.get(f"/api/executions/{execution}/chats/review/debate")).json() == state
        problem(await api.get(f"/api/executions/{execution}/chats/other"), 404, "not_found")

    @pytest.mark.parametrize("ref", ["x", "0" * 64, "%2e%2e%2fx"])
    async def test_artifacts_that_are_not_there(self, api: httpx.AsyncClient, execution: str, ref: str) -> None:
        problem(await api.get(f"/api/executions/{execution}/artifacts/{ref}"), 404, "not_found")
