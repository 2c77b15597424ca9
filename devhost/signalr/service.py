"""The state of the emulated service: who is connected to which hub, and who is in which group.

Everything runs on the event loop and nothing waits, so messages leave in the order in which they were sent.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from devhost.signalr.messages import GroupAction, Message
from devhost.signalr.protocol import Frame, close_frame, invocation_frame

# A client that is this many frames behind is not reading; the real service drops it too.
BACKLOG = 10_000
_PROMISES = 10_000


@dataclass(eq=False)
class Connection:
    """A client's connection. Frames put into `outgoing` reach it in order; None ends it."""

    hub: str
    user: str | None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    groups: set[str] = field(default_factory=set)
    outgoing: asyncio.Queue[Frame | None] = field(default_factory=lambda: asyncio.Queue(BACKLOG))

    def send(self, frame: Frame) -> None:
        """Queue a frame, or end a connection that has stopped reading."""
        if self.outgoing.full():
            while not self.outgoing.empty():
                self.outgoing.get_nowait()
            self.outgoing.put_nowait(None)
        else:
            self.outgoing.put_nowait(frame)


class Service:
    """All hubs. Hub names compare case-insensitively; users, groups and connections do not."""

    def __init__(self) -> None:
        self._promised: dict[str, Connection] = {}  # negotiated, not yet connected; by connection token
        self._live: dict[tuple[str, str], Connection] = {}
        self._user_groups: dict[tuple[str, str], set[str]] = {}  # outlives the user's connections

    def negotiate(self, hub: str, user: str | None) -> Connection:
        """Promise a connection to a client that will come back with its token."""
        connection = Connection(hub.lower(), user)
        self._promised[connection.token] = connection
        if len(self._promised) > _PROMISES:
            del self._promised[next(iter(self._promised))]  # the oldest: that client never came
        return connection

    def connect(self, hub: str, user: str | None, token: str | None) -> Connection:
        """The client arrived. Without a promise (it skipped negotiation) it gets a new connection."""
        promised = self._promised.pop(token or "", None)
        if promised is None or (promised.hub, promised.user) != (hub.lower(), user):
            promised = Connection(hub.lower(), user)
        if user is not None:
            promised.groups |= self._user_groups.get((promised.hub, user), set())
        self._live[promised.hub, promised.id] = promised
        return promised

    def disconnect(self, connection: Connection) -> None:
        self._live.pop((connection.hub, connection.id), None)

    def find(self, hub: str, connection_id: str) -> Connection | None:
        return self._live.get((hub.lower(), connection_id))

    def has_user(self, hub: str, user: str) -> bool:
        return any(connection.user == user for connection in self.connections(hub))

    def has_group(self, hub: str, group: str) -> bool:
        return any(group in connection.groups for connection in self.connections(hub))

    def close(self, connection: Connection, reason: str | None) -> None:
        """Tell a client to go away and not to come back."""
        connection.send(close_frame(reason))
        connection.outgoing.put_nowait(None)

    def send(self, hub: str, message: Message, excluded: Collection[str] = ()) -> None:
        """Queue a message for every client in its scope, except the excluded connection ids."""
        frame = invocation_frame(message.target, message.arguments)
        for connection in self._scope(hub, message):
            if connection.id not in excluded:
                connection.send(frame)

    def apply(self, hub: str, action: GroupAction) -> bool:
        """Change groups. False when it names a connection that is not there."""
        if action.connection_id is not None:
            connection = self.find(hub, action.connection_id)
            if connection is None:
                return False
            _change(connection.groups, action)
        elif action.user_id is not None:
            _change(self._user_groups.setdefault((hub.lower(), action.user_id), set()), action)
            for connection in self.connections(hub):
                if connection.user == action.user_id:
                    _change(connection.groups, action)
        return True

    def _scope(self, hub: str, message: Message) -> Iterable[Connection]:
        for connection in self.connections(hub):
            if message.connection_id is not None:
                wanted = connection.id == message.connection_id
            elif message.user_id is not None:
                wanted = connection.user == message.user_id
            else:
                wanted = message.group_name is None or message.group_name in connection.groups
            if wanted:
                yield connection

    def connections(self, hub: str) -> list[Connection]:
        """Who is connected to a hub."""
        return [connection for connection in self._live.values() if connection.hub == hub.lower()]


def _change(groups: set[str], action: GroupAction) -> None:
    if action.action == "removeAll":
        groups.clear()
    elif action.group_name is not None and action.action == "add":
        groups.add(action.group_name)
    elif action.group_name is not None:
        groups.discard(action.group_name)
