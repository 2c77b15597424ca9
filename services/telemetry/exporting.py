"""The telemetry that is on: events become spans and counts, log records get their place. Slow to import."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from domain.errors import ProblemError
from domain.events import Event, EventType
from domain.executions import Execution
from domain.tracing import Trace, continued, derived
from services.settings import Settings
from services.telemetry import names
from services.telemetry.base import Level, Request, Telemetry
from services.telemetry.exporters import Pipelines
from services.telemetry.here import here, within
from services.telemetry.instruments import Instruments
from services.telemetry.logs import send_logs
from services.telemetry.spans import CALL_ENDS, Span, spans_of

log = logging.getLogger("meta_agents.telemetry")

SCOPE = "meta_agents"
CALLS = CALL_ENDS | {EventType.CALL_STARTED}
KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT, "server": SpanKind.SERVER}
_IDS: ContextVar[tuple[int, int] | None] = ContextVar("meta_agents_ids", default=None)


class Ids(IdGenerator):
    """Those that were decided on, by the spans' places; else by chance."""

    def __init__(self) -> None:
        self._chance = RandomIdGenerator()

    def generate_span_id(self) -> int:
        decided = _IDS.get()
        return decided[1] if decided else self._chance.generate_span_id()

    def generate_trace_id(self) -> int:
        decided = _IDS.get()
        return decided[0] if decided else self._chance.generate_trace_id()


class Exporting(Telemetry):
    is_on = True

    def __init__(self, settings: Settings) -> None:
        resource = Resource.create({"service.name": "meta-agents"} if not settings.service_name else {})
        self._pipelines = Pipelines(settings, resource, Ids())
        self._tracer = self._pipelines.tracers.get_tracer(SCOPE)
        self._instruments = Instruments(self._pipelines.meters.get_meter(SCOPE))
        self._hosted = settings.host_traces
        self._stop_logs = send_logs(self._pipelines.loggers)
        self._is_closed = False
        atexit.register(self.close)

    def traced(self, execution: Execution) -> Execution:
        trace = here().trace
        found = Trace(parent=trace.parent, workflow=execution.workflow) if trace else self._begun(execution)
        return execution.model_copy(update={"trace": found})

    def _begun(self, execution: Execution) -> Trace:
        """A trace of its own. Whether it is kept is decided once, here: all that is in it heeds that."""
        trace = derived(execution.id, execution.workflow)
        sampler = self._pipelines.tracers.sampler
        decision = sampler.should_sample(
            Context(), int(trace.id, 16), f"{names.WORKFLOW} {execution.workflow}"
        ).decision
        dropped = {"parent": f"{trace.parent[:-2]}00"}
        return trace.model_copy(update=dropped) if decision is Decision.DROP else trace

    def observe(self, tenant: str, execution: str, events: Sequence[Event]) -> None:
        try:
            for event in events:
                notes = here().notes if event.type in CALLS else {}
                self._instruments.count(execution, event, notes)
                if "trace" not in event.data and here().trace is not None:
                    continue  # it has a trace, and this event ends no span in it
                for span in spans_of(tenant, execution, event, notes):
                    self._send(span)
        except Exception:  # telemetry must keep nothing from its end; what is wrong with it is for the log
            log.exception("events of execution %s could not be told of", execution)

    def hit(self, kind: str) -> None:
        self._instruments.hits.add(1, {"kind": kind})

    def throttled(self, service: str) -> None:
        self._instruments.throttled.add(1, {"service": service})

    def charge(self, operation: str, units: float) -> None:
        self._instruments.charge.add(units, {"operation": operation})

    def levels(self, found: Mapping[str, Sequence[Level]], at: datetime) -> None:
        self._instruments.levels(found, at)

    @contextmanager
    def request(self, request: Request) -> Iterator[None]:
        around = continued(request.traceparent, "")
        if self._hosted:  # the host sends a span of the same request, and has given its own id
            with within(around):
                yield
            return
        context = _context(around) if around else Context()
        span = self._tracer.start_span(request.method, context, SpanKind.SERVER)
        try:
            with within(_trace_of(span.get_span_context())):
                yield
        finally:
            if request.route:
                span.update_name(f"{request.method} {request.route}")
                span.set_attribute("http.route", request.route)
            span.set_attribute("http.request.method", request.method)
            span.set_attribute("url.path", request.path)
            span.set_attribute("http.response.status_code", request.status)
            if request.status >= 500:
                span.set_attribute(names.ERROR_TYPE, str(request.status))
                span.set_status(Status(StatusCode.ERROR))
            span.end()

    @contextmanager
    def span(self, name: str, kind: str, attributes: Mapping[str, str | int | float]) -> Iterator[dict[str, object]]:
        trace, told = here().trace, dict[str, Any]()
        context = _context(trace) if trace else Context()
        span = self._tracer.start_span(name, context, KINDS[kind], dict(attributes))
        try:
            with within(_trace_of(span.get_span_context())):
                yield told
        except ProblemError as error:
            told |= {names.ERROR_TYPE: error.problem.code, names.FAULT: error.problem.fault}
            span.set_status(Status(StatusCode.ERROR, error.problem.message))
            raise
        finally:
            span.set_attributes(told)
            span.end()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            atexit.unregister(self.close)
            self._stop_logs()
            self._pipelines.close()

    def _send(self, span: Span) -> None:
        trace = span.within
        token = _IDS.set((int(trace.id, 16), int(span.id, 16)))
        try:
            made = self._tracer.start_span(
                span.name,
                _context(trace) if trace.around else Context(),
                KINDS[span.kind],
                span.attributes,
                [Link(_span_context(trace, id), {names.RESUMED: why}) for id, why in span.links],
                _nanoseconds(span.began),
            )
        finally:
            _IDS.reset(token)
        if span.error:
            made.set_attribute(names.ERROR_TYPE, span.error)
            made.set_status(Status(StatusCode.ERROR, span.message[:500]))
        made.end(_nanoseconds(max(span.began, span.ended)))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000


def _span_context(trace: Trace, span: str) -> SpanContext:
    flags = TraceFlags(int(trace.parent[-2:], 16))
    return SpanContext(int(trace.id, 16), int(span, 16), is_remote=True, trace_flags=flags)


def _context(trace: Trace) -> Context:
    """What is in the trace's span, however long ago and wherever that began."""
    return set_span_in_context(NonRecordingSpan(_span_context(trace, trace.around or "0")), Context())


def _trace_of(context: SpanContext) -> Trace:
    return Trace(parent=f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}")
