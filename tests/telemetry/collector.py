"""A collector on a loopback port: it takes OTLP over HTTP and keeps what came, or answers badly, as a test says."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


@dataclass(frozen=True)
class SpanSeen:
    """A span as it came. `links`: trace and span ids."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    began: int
    ended: int
    is_error: bool
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LogSeen:
    body: str
    level: str
    trace: str
    span: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class PointSeen:
    """The latest of a series: a sum's or gauge's value, a histogram's sum and count."""

    value: float
    count: int
    attributes: dict[str, Any]


class Collector:
    """Up while its context lasts. `status`: what it answers; `stall`: until it is set, it does not."""

    def __init__(self, port: int = 0) -> None:
        self.spans: list[SpanSeen] = []
        self.logs: list[LogSeen] = []
        self.metrics: dict[str, list[PointSeen]] = {}
        self.resources: list[dict[str, Any]] = []
        self.requests = 0
        self.status = 200
        self.stall: threading.Event | None = None
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.requests += 1
                if collector.stall is not None:
                    collector.stall.wait(60)
                if collector.status == 200:
                    collector.take(self.path, body)
                try:
                    self.send_response(collector.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    return  # whoever sent it waits no longer

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What the app must be started with to send here, and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    def take(self, path: str, body: bytes) -> None:
        match path:
            case "/v1/traces":
                traces = ExportTraceServiceRequest.FromString(body)
                for resource in traces.resource_spans:
                    self.resources.append(_attributes(resource.resource.attributes))
                    for scope in resource.scope_spans:
                        self.spans += map(_span, scope.spans)
            case "/v1/metrics":
                metrics = ExportMetricsServiceRequest.FromString(body)
                for group in metrics.resource_metrics:
                    for one in group.scope_metrics:
                        self.metrics |= {metric.name: _points(metric) for metric in one.metrics}
            case "/v1/logs":
                logs = ExportLogsServiceRequest.FromString(body)
                for logged in logs.resource_logs:
                    for part in logged.scope_logs:
                        self.logs += map(_log, part.log_records)

    def of(self, execution: str) -> list[SpanSeen]:
        """The spans that say that they are of the execution."""
        return [span for span in self.spans if span.attributes.get("meta_agents.execution.id") == execution]

    def value(self, metric: str, **labels: str) -> float:
        """The sum over the series with these labels, as they were sent last; of a histogram its count."""
        points = [
            point
            for point in self.metrics.get(metric, [])
            if all(point.attributes.get(name) == value for name, value in labels.items())
        ]
        return sum(point.count or point.value for point in points)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.stall is not None:
            self.stall.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _span(span: Any) -> SpanSeen:
    return SpanSeen(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        is_error=span.status.code == 2,
        attributes=_attributes(span.attributes),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
    )


def _log(record: Any) -> LogSeen:
    return LogSeen(
        body=_value(record.body),
        level=record.severity_text,
        trace=record.trace_id.hex(),
        span=record.span_id.hex(),
        attributes=_attributes(record.attributes),
    )


def _points(metric: Any) -> list[PointSeen]:
    data = getattr(metric, metric.WhichOneof("data"))
    return [
        PointSeen(point.sum, point.count, _attributes(point.attributes))
        if hasattr(point, "bucket_counts")
        else PointSeen(getattr(point, point.WhichOneof("value")), 0, _attributes(point.attributes))
        for point in data.data_points
    ]


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return None if kind is None else getattr(value, kind)
