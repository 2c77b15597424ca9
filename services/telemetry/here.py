"""Which execution, step and span the running code works for: what its log records and its requests say of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from domain.tracing import Trace


@dataclass(frozen=True)
class Here:
    """`trace`: what is done here is in its span. `notes`: what the spans that end here say beside their events.

    None of it is known of what works for no execution.
    """

    trace: Trace | None = None
    tenant: str = ""
    execution: str = ""
    step: str = ""
    notes: dict[str, Any] = field(default_factory=dict)


_HERE: ContextVar[Here | None] = ContextVar("meta_agents_here", default=None)


def here() -> Here:
    return _HERE.get() or Here()


@contextmanager
def being(place: Here) -> Iterator[None]:
    token = _HERE.set(place)
    try:
        yield
    finally:
        _HERE.reset(token)


@contextmanager
def within(trace: Trace | None) -> Iterator[None]:
    """The same place, in another span."""
    with being(replace(here(), trace=trace)):
        yield


def note(**attributes: Any) -> None:
    """Have the spans that end here say this as well."""
    here().notes.update(attributes)


def outgoing() -> dict[str, str]:
    """The headers that let another service go on with the trace; none where nobody follows it."""
    trace = here().trace
    return {"traceparent": trace.parent} if trace is not None and trace.around else {}
