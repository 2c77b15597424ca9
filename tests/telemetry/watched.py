"""A real host that runs the whole app, and the collector that it sends its telemetry to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.crash.system import System, wait_until
from tests.support.receiver import Receiver
from tests.telemetry.collector import Collector, SpanSeen
from tests.telemetry.trees import tree

SOON = {"attempts": 3, "first_delay": "PT0.05S"}
ROOT = "invoke_workflow "


class Watched:
    """The app, what it sends, and a service that its tools may call."""

    def __init__(self, system: System, collector: Collector, service: Receiver) -> None:
        self.system = system
        self.collector = collector
        self.service = service

    def run(self, steps: list[dict[str, Any]], **more: Any) -> str:
        """Start a workflow of these steps."""
        return self.system.client.executions.start({"name": "tried", "steps": steps, **more}).id

    def spans(self, execution: str) -> list[SpanSeen]:
        """All of an execution, once the last has come."""
        self.system.ended(execution)
        self.until(execution, lambda span: span.name.startswith(ROOT))
        return self.collector.of(execution)

    def tree(self, execution: str) -> list[str]:
        return tree(self.spans(execution))

    def logged(self, execution: str) -> set[str]:
        """Ids of its events."""
        return {event.id for event in self.system.client.executions.events(execution).events}

    def until(self, execution: str, holds: Any) -> None:
        """Wait for a span of the execution of which this holds."""
        what = f"a span of execution {execution}"
        wait_until(lambda: any(holds(span) for span in self.collector.of(execution)), what, every=0.02)


@contextmanager
def watched(folder: Path, environment: Mapping[str, str] | None = None, latency: float = 0.01) -> Iterator[Watched]:
    with Collector() as collector, Receiver() as service:
        tools = {"TOOL_HOSTS": f"127.0.0.1:{service.port}", "SWEEP_CRON": "* * * * * *"}
        settings = {**tools, **service.environment, **collector.environment, **(environment or {})}
        with System(folder, latency=latency, environment=settings) as system:
            yield Watched(system, collector, service)


def only(spans: list[SpanSeen], name: str) -> SpanSeen:
    """The one of this name."""
    [found] = [span for span in spans if span.name == name]
    return found


def of_call(spans: list[SpanSeen], call: str) -> list[SpanSeen]:
    """Those of the attempts at a call."""
    kinds = ("chat", "execute_tool")
    return [
        span
        for span in spans
        if span.attributes.get("meta_agents.call") == call and span.attributes["gen_ai.operation.name"] in kinds
    ]
