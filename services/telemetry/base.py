"""The telemetry of a process as the app sees it. As it stands here, it is off: nothing is kept, counted or sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from domain.events import Event
from domain.executions import Execution

Labels = Mapping[str, str]
Level = tuple[float, Labels]
"""What a gauge shows, and of what."""


@dataclass
class Request:
    """An HTTP request under way; `status` is told before its end."""

    method: str
    path: str
    traceparent: str | None
    status: int = 500
    route: str = ""


class Telemetry:
    """Does nothing. Its makers never block and never raise: what cannot be sent is dropped."""

    is_on = False

    def traced(self, execution: Execution) -> Execution:
        """A new execution, with its place in the trace of what starts it."""
        return execution

    def observe(self, tenant: str, execution: str, events: Sequence[Event]) -> None:
        """Events that have just been logged for the first time."""

    def hit(self, kind: str) -> None:
        """A call, `model` or `tool`, was not made again: the ledger had its end."""

    def throttled(self, service: str) -> None:
        """Another service, such as `cosmos`, has asked for a pause."""

    def charge(self, operation: str, units: float) -> None:
        """What an operation of Cosmos DB has cost, in request units."""

    def levels(self, found: Mapping[str, Sequence[Level]], at: datetime) -> None:
        """What the gauges of these names show until they are measured again."""

    @contextmanager
    def request(self, request: Request) -> Iterator[None]:
        """The handling of an HTTP request."""
        yield

    @contextmanager
    def span(self, name: str, kind: str, attributes: Mapping[str, str | int | float]) -> Iterator[dict[str, object]]:
        """A span of the running code; what is put in the mapping is said of it at its end."""
        yield {}

    def close(self) -> None:
        """Send what is left, within a few seconds."""
