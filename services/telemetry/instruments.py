"""What is counted and measured of the events of executions. Slow to import: it comes with the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from domain.errors import Code
from domain.events import TERMINAL, Event, EventType
from services.telemetry import names
from services.telemetry.base import Level

FRESH = timedelta(minutes=3)
"""How long a gauge is shown by the process that measured it: the next sweep may run in another."""
STEP_ENDS = {
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_FAILED: "failed",
    EventType.STEP_CANCELED: "canceled",
    EventType.STEP_SKIPPED: "skipped",
}
ANSWERS = (EventType.CALL_COMPLETED, EventType.CALL_REJECTED, EventType.CALL_ASKED)
FIRST = 2
"""Offset of the first event that an orchestrator causes."""
GAUGES: Mapping[str, str] = {
    "meta_agents.executions.running": "{execution}",
    "meta_agents.executions.stuck": "{execution}",
    "meta_agents.approvals.waiting": "{approval}",
    "meta_agents.approvals.overdue": "{approval}",
    "meta_agents.budget.used": "1",
}
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bounds that the conventions for generative AI advise for durations, in seconds."""
LONG_SECONDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0, 604800.0)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


class Instruments:
    def __init__(self, meter: Meter, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._measured: dict[str, tuple[datetime, Sequence[Level]]] = {}
        count = meter.create_counter
        self.started = count("meta_agents.executions.started", "{execution}", "Executions that were started.")
        self.ended = count("meta_agents.executions.ended", "{execution}", "Executions that have ended.")
        self.steps = count("meta_agents.steps.ended", "{step}", "Steps that have ended, or were skipped.")
        self.failures = count("meta_agents.failures", "{failure}", "Failures of calls, steps and executions.")
        self.hits = count("meta_agents.ledger.hits", "{call}", "Calls that were not made, as their end was known.")
        self.throttled = count("meta_agents.throttled", "{answer}", "Answers of other services that ask for a pause.")
        self.charge = count("meta_agents.cosmos.request_charge", "{RU}", "Request units that Cosmos DB has charged.")
        self.cost = count("meta_agents.cost", "USD", "What model calls have cost.")
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a model call, in and out.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "Duration of a model call.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self.execution = meter.create_histogram(
            "meta_agents.execution.duration",
            "s",
            "From the start of an execution to its end.",
            explicit_bucket_boundaries_advisory=LONG_SECONDS,
        )
        self.queue_time = meter.create_histogram(
            "meta_agents.queue_time",
            "s",
            "From the start of an execution to the first turn of its orchestrator.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        for name, unit in GAUGES.items():
            meter.create_observable_gauge(name, [self._callback(name)], unit)

    def levels(self, found: Mapping[str, Sequence[Level]], at: datetime) -> None:
        self._measured |= {name: (at, levels) for name, levels in found.items()}

    def count(self, execution: str, event: Event, notes: Mapping[str, Any]) -> None:
        if event.type is EventType.EXECUTION_STARTED:
            self.started.add(1, {"workflow": str(event.data.get("workflow", ""))})
        elif event.type in TERMINAL:
            self._ended(execution, event)
        elif event.type in STEP_ENDS:
            kind = (event.data.get("trace") or {}).get("kind", "unknown")
            self.steps.add(1, {"outcome": STEP_ENDS[event.type], "kind": kind})
            if event.type is EventType.STEP_FAILED:
                self._failed(event, "step")
        elif event.type in ANSWERS or event.type is EventType.CALL_FAILED:
            self._call(event, notes)
        if event.offset == FIRST and event.type is EventType.STEP_STARTED:
            self.queue_time.record(max(0.0, (event.time - created(execution)).total_seconds()))

    def _ended(self, execution: str, event: Event) -> None:
        workflow = (event.data.get("trace") or {}).get("workflow", "")
        status = event.type.removeprefix("execution.")
        labels = {"status": status, "stop_reason": str(event.data.get("stop_reason")), "workflow": workflow}
        self.ended.add(1, labels)
        self.execution.record(
            max(0.0, (event.time - created(execution)).total_seconds()), {"status": status, "workflow": workflow}
        )
        if "error" in event.data:
            self._failed(event, "execution")

    def _failed(self, event: Event, of: str) -> None:
        error = event.data.get("error") or {}
        code = str(error.get("code"))
        if code == Code.CANCELED:
            return
        self.failures.add(1, {"code": code, "fault": str(error.get("fault")), "of": of})
        if of == "call" and code == Code.MODEL_RATE_LIMITED:
            self.throttled.add(1, {"service": "model"})

    def _call(self, event: Event, notes: Mapping[str, Any]) -> None:
        if "error" in event.data:
            self._failed(event, "call")
        for passed in event.data.get("passed_over", ()):
            if passed.get("code") == Code.MODEL_RATE_LIMITED:
                self.throttled.add(1, {"service": "model"})
        hit = (event.data.get("trace") or {}).get("hit")
        is_tool = "tool" in event.data
        if hit:
            self.hits.add(1, {"kind": "tool" if is_tool else "model"})
        elif not is_tool:
            self._model(event, notes)

    def _model(self, event: Event, notes: Mapping[str, Any]) -> None:
        data = event.data
        usage = data.get("usage") or data.get("spent") or {}
        model = str(data.get("model") or notes.get(names.REQUEST_MODEL) or "")
        labels = {
            names.OPERATION: names.CHAT,
            names.PROVIDER: str(notes.get(names.PROVIDER, "")),
            names.REQUEST_MODEL: str(notes.get(names.REQUEST_MODEL) or model),
            names.RESPONSE_MODEL: model,
        }
        for key, kind in (("tokens_in", "input"), ("tokens_out", "output")):
            if usage.get(key):
                self.tokens.record(int(usage[key]), {**labels, names.TOKEN_TYPE: kind})
        if usage.get("cost_usd"):
            self.cost.add(float(usage["cost_usd"]), {"model": model})
        began = (data.get("trace") or {}).get("began")
        if began is not None:
            seconds = data.get("seconds")
            taken = seconds if seconds is not None else (event.time - datetime.fromisoformat(began)).total_seconds()
            error = {names.ERROR_TYPE: str(data["error"]["code"])} if "error" in data else {}
            self.duration.record(max(0.0, float(taken)), {**labels, **error})

    def _callback(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            at, levels = self._measured.get(name, (None, ()))
            if at is not None and self._now() - at <= FRESH:
                yield from (Observation(level, dict(labels)) for level, labels in levels)

        return observe


def created(execution: str) -> datetime:
    """When an execution was started: its id begins with that, in milliseconds."""
    return datetime.fromtimestamp(int(execution[:12], 16) / 1000, UTC)
