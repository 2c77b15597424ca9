"""Where telemetry goes: OTLP by the standard variables, Azure Monitor by its connection string. Slow to import."""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from services.settings import Settings

CLOSE_MILLISECONDS = 5_000


class Pipelines:
    """Batches in the background: what is handed in returns at once, and is dropped where nobody takes it."""

    def __init__(self, settings: Settings, resource: Resource, ids: Any) -> None:
        azure = _Azure(settings) if settings.insights_connection else None
        self.tracers = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        spans: list[SpanExporter] = [OTLPSpanExporter()] if settings.sends("TRACES") else []
        for exporter in [*spans, *([azure.spans()] if azure else [])]:
            self.tracers.add_span_processor(BatchSpanProcessor(exporter))
        metrics: list[MetricExporter] = [OTLPMetricExporter()] if settings.sends("METRICS") else []
        readers = [
            PeriodicExportingMetricReader(exporter) for exporter in [*metrics, *([azure.metrics()] if azure else [])]
        ]
        self.meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self.loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        logs: list[LogRecordExporter] = [OTLPLogExporter()] if settings.sends("LOGS") else []
        for one in [*logs, *([azure.logs()] if azure else [])]:
            self.loggers.add_log_record_processor(BatchLogRecordProcessor(one))

    def close(self) -> None:
        """Flush, within seconds: whoever does not take it by then loses it."""
        self.tracers.force_flush(CLOSE_MILLISECONDS)
        self.loggers.force_flush(CLOSE_MILLISECONDS)
        self.tracers.shutdown()
        self.loggers.shutdown()
        self.meters.shutdown(CLOSE_MILLISECONDS)


class _Azure:
    """The exporters of Azure Monitor, by the identity of the process."""

    def __init__(self, settings: Settings) -> None:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow to import

        connection = settings.insights_connection
        self._common: dict[str, Any] = {
            "connection_string": connection.get_secret_value() if connection else None,
            "credential": DefaultAzureCredential(),
            "disable_offline_storage": True,
        }

    def spans(self) -> SpanExporter:
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter  # noqa: PLC0415 - slow to import

        return AzureMonitorTraceExporter(**self._common)

    def metrics(self) -> MetricExporter:
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter  # noqa: PLC0415 - slow to import

        return AzureMonitorMetricExporter(**self._common)

    def logs(self) -> LogRecordExporter:
        from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter  # noqa: PLC0415 - slow to import

        return AzureMonitorLogExporter(**self._common)
