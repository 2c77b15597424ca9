"""Log records on their way out: each says which execution, step, tenant and trace it belongs to. Slow to import."""

from __future__ import annotations

import logging
from collections.abc import Callable

from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from services.telemetry import names
from services.telemetry.here import here

OURS = "meta_agents"
"""The loggers of the app, all of which begin so: what libraries write stays with the host."""


class Handler(LoggingHandler):
    """Sends records with the place of the code that wrote them."""

    def emit(self, record: logging.LogRecord) -> None:
        place, token = here(), None
        told = {names.EXECUTION: place.execution, names.STEP: place.step, names.TENANT: place.tenant}
        vars(record).update({name: value for name, value in told.items() if value})
        if place.trace is not None and place.trace.around:
            trace = place.trace
            flags = TraceFlags(int(trace.parent[-2:], 16))
            span = SpanContext(int(trace.id, 16), int(trace.around or "0", 16), is_remote=True, trace_flags=flags)
            token = attach(set_span_in_context(NonRecordingSpan(span), Context()))
        try:
            super().emit(record)
        finally:
            if token is not None:
                detach(token)


def send_logs(loggers: LoggerProvider) -> Callable[[], None]:
    """Have our loggers' records sent, from INFO on; what this returns ends that."""
    handler, logger = Handler(level=logging.INFO, logger_provider=loggers), logging.getLogger(OURS)
    before = logger.level
    logger.addHandler(handler)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)

    def stop() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before)

    return stop
