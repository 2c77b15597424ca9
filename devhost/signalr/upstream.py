"""From clients' connections to the functions of the app, and what they return back to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from devhost.signalr.protocol import INVOCATION, STREAM_INVOCATION, Frame, failed_invocation_frame, result_frame
from devhost.signalr.service import Connection
from devhost.signalr.trigger import CONNECTED, CONNECTIONS, DISCONNECTED, MESSAGES, Caller, Event, Fire, NoFunction


class Upstream:
    """Tells functions what clients do. They run beside each other, as the service calls them over HTTP."""

    def __init__(self, fire: Fire) -> None:
        self._fire = fire
        self._tasks: set[asyncio.Task[None]] = set()

    def connected(self, caller: Caller) -> None:
        self._spawn(self._tell(Event(caller, CONNECTIONS, CONNECTED)))

    def disconnected(self, caller: Caller, error: str) -> None:
        self._spawn(self._tell(Event(caller, CONNECTIONS, DISCONNECTED, error=error)))

    def take(self, frame: dict[str, object], connection: Connection, caller: Caller) -> None:
        """Have an invocation run. Any other frame of a client needs no answer."""
        kind, target, arguments = frame.get("type"), str(frame.get("target")), frame.get("arguments")
        invocation_id = None if frame.get("invocationId") is None else str(frame["invocationId"])
        event = Event(caller, MESSAGES, target, arguments if isinstance(arguments, list) else [])
        if kind == INVOCATION and invocation_id is None:
            self._spawn(self._tell(event))
        elif kind == INVOCATION and invocation_id is not None:
            self._spawn(self._answer(event, invocation_id, connection))
        elif kind == STREAM_INVOCATION and invocation_id is not None:
            connection.send(_failed(invocation_id, target, "a serverless hub cannot stream"))

    async def _tell(self, event: Event) -> None:
        try:
            await self._fire(event)
        except Exception:  # user code raises anything; the log has it already, and nobody waits for an answer
            return

    async def _answer(self, event: Event, invocation_id: str, connection: Connection) -> None:
        connection.send(await answer_frame(self._fire, event, invocation_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def answer_frame(fire: Fire, event: Event, invocation_id: str) -> Frame:
    """Run the event's function, and what its caller is to get of it."""
    try:
        return result_frame(invocation_id, await fire(event))
    except NoFunction:
        return _failed(invocation_id, event.name, "no upstream serves it")
    except Exception as error:  # user code raises anything; the log has it already, the client gets what it said
        return _failed(invocation_id, event.name, f"{type(error).__name__}: {error}")


def _failed(invocation_id: str, target: str, why: str) -> Frame:
    return failed_invocation_frame(invocation_id, f"Invocation of '{target}' failed: {why}.")
