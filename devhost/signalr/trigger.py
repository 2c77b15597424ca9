"""`signalRTrigger`: what clients of a serverless hub do, told to functions of the app."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from devhost.expressions import BindingData
from devhost.functions import SIGNALR_TRIGGER, Function
from devhost.invocation import Invoker

MESSAGES, CONNECTIONS = "messages", "connections"
CONNECTED, DISCONNECTED = "connected", "disconnected"

_Key = tuple[str, str, str]


class NoFunction(LookupError):
    """No function is triggered by this event."""


@dataclass(frozen=True)
class Caller:
    """A client as functions learn of it. `query` is what it connected with, `claims` those of its token."""

    hub: str
    connection_id: str
    user: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something a client did. A message has arguments, only a lost connection has an error.

    `headers` are those of the service's request, None when it was made here.
    """

    caller: Caller
    category: str
    name: str
    arguments: Sequence[object] | None = None
    error: str | None = None
    headers: Mapping[str, str] | None = None


Fire = Callable[[Event], Awaitable[str]]


async def nobody(event: Event) -> str:
    """Fires nothing: there are no functions."""
    raise NoFunction(f"no function serves '{event.name}' ({event.category}) of the hub '{event.caller.hub}'")


class SignalRTriggers:
    """The functions with this trigger. Hubs, categories and events compare case-insensitively."""

    def __init__(self, functions: Iterable[Function], invoker: Invoker) -> None:
        self._invoker = invoker
        self._by_hand: set[asyncio.Task[None]] = set()
        self._functions = {
            _key(function): function
            for function in functions
            if function.trigger.type == SIGNALR_TRIGGER and function.unserved is None
        }

    def find(self, event: Event) -> Function | None:
        return self._functions.get(_event_key(event))

    async def fire(self, event: Event) -> str:
        """Run the event's function and return what it returned, as JSON text.

        Raises `NoFunction`, `ValueError` for another number of arguments than the function names, and whatever the
        function raised.
        """
        function = self.find(event)
        if function is None:
            return await nobody(event)
        subject = f"{event.name} of {event.caller.user or 'a client'}"
        data = BindingData(values=_named_arguments(function, event), subject=subject)
        return await self._run(function, invocation_json(event), data)

    def fire_by_hand(self, function: Function, invocation: str) -> None:
        """Run `function` on the text of an invocation that never was."""
        task = asyncio.create_task(self._run_alone(function, invocation))
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)

    async def stop(self) -> None:
        """End what was fired by hand. What clients fired ends with their connections, which the server closes."""
        for task in self._by_hand:
            task.cancel()
        await asyncio.gather(*self._by_hand, return_exceptions=True)

    async def _run_alone(self, function: Function, invocation: str) -> None:
        with contextlib.suppress(Exception):  # user code raises anything; the log has it already
            await self._run(function, invocation, BindingData(subject="by hand"))

    async def _run(self, function: Function, invocation: str, data: BindingData) -> str:
        encode = _json if function.returns is None else _nothing
        return await self._invoker.invoke(function, invocation, data, encode)


def mark_conflicting_events(functions: Iterable[Function]) -> list[Function]:
    """The functions, with the reason at each SignalR trigger that can never fire."""
    taken: dict[_Key, str] = {}
    return [replace(function, unserved=function.unserved or _why_unfired(function, taken)) for function in functions]


def invocation_json(event: Event) -> str:
    """The `InvocationContext` of the SignalR extension, which is what functions get."""
    caller = event.caller
    return json.dumps(
        {
            "Arguments": event.arguments,
            "Error": event.error,
            "Category": event.category,
            "Event": event.name,
            "Hub": caller.hub,
            "ConnectionId": caller.connection_id,
            "UserId": caller.user,
            "Headers": _headers(event) if event.headers is None else dict(event.headers),
            "Query": dict(caller.query),
            "Claims": dict(caller.claims),
        }
    )


def _headers(event: Event) -> dict[str, str]:
    """What the service would have sent."""
    caller = event.caller
    headers = {
        "X-ASRS-Connection-Id": caller.connection_id,
        "X-ASRS-Hub": caller.hub,
        "X-ASRS-Category": event.category,
        "X-ASRS-Event": event.name,
        "X-ASRS-User-Id": caller.user or "",
        "X-ASRS-User-Claims": ", ".join(f"{name}: {value}" for name, value in caller.claims.items()),
        "X-ASRS-Client-Query": f"?{urlencode(caller.query)}",
    }
    return {name: value for name, value in headers.items() if value}


def _why_unfired(function: Function, taken: dict[_Key, str]) -> str | None:
    if function.trigger.type != SIGNALR_TRIGGER or function.disabled:
        return None
    _, category, event = key = _key(function)
    if category not in (MESSAGES, CONNECTIONS):
        return f"the category of its signalRTrigger is '{category}', not messages or connections"
    if category == CONNECTIONS and event not in (CONNECTED, DISCONNECTED):
        return f"a hub's connections have no event '{event}', only connected and disconnected"
    first = taken.setdefault(key, function.name)
    return None if first == function.name else f"the function '{first}' has the same hub, category and event"


def _key(function: Function) -> _Key:
    trigger = function.trigger
    return trigger.text("hubName").lower(), trigger.text("category").lower(), trigger.text("event").lower()


def _event_key(event: Event) -> _Key:
    return event.caller.hub.lower(), event.category.lower(), event.name.lower()


def _named_arguments(function: Function, event: Event) -> dict[str, str]:
    """The arguments by the trigger's `parameterNames`, for binding expressions of other bindings."""
    names = function.trigger.properties.get("parameterNames")
    if not isinstance(names, list) or not names:
        return {}
    arguments = event.arguments or ()
    if len(arguments) != len(names):
        raise ValueError(f"the function takes {len(names)} arguments, but {len(arguments)} were sent")
    texts = (argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments)
    return {str(name): text for name, text in zip(names, texts, strict=True)}


def _nothing(_: object) -> str:
    """What the client gets of a value that another binding takes."""
    return "null"


def _json(value: object) -> str:
    """A return value as the client gets it. Raises `TypeError` for what a generic binding does not take."""
    if isinstance(value, bytes | bytearray):
        return json.dumps(base64.b64encode(value).decode())
    if value is None or isinstance(value, str | int | float | list | dict):
        return json.dumps(value)
    raise TypeError(f"a signalRTrigger function returns text, bytes or JSON values, not {type(value).__name__}")
