"""Where telemetry goes: OTLP by the standard variables, Azure Monitor by its connection string. Slow to import."""

from __future__ import annotations

from threading import Thread
from time import monotonic
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
from opentelemetry.sdk.trace.id_generator import IdGenerator

from services.settings import Settings

CLOSE_SECONDS = 5.0


class Pipelines:
    """Batches in the background: what is handed in returns at once, and is dropped where nobody takes it."""

    def __init__(self, settings: Settings, resource: Resource, ids: IdGenerator) -> None:
        self.tracers = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        azure = _Azure(settings) if settings.insights_connection else None
        spans: list[SpanExporter] = [OTLPSpanExporter()] if settings.sends("TRACES") else []
        metrics: list[MetricExporter] = [OTLPMetricExporter()] if settings.sends("METRICS") else []
        logs: list[LogRecordExporter] = [OTLPLogExporter()] if settings.sends("LOGS") else []
        if azure is not None:
            spans, metrics, logs = (
                [*spans, azure.spans(self.tracers)],
                [*metrics, azure.metrics()],
                [*logs, azure.logs()],
            )
        self._exporters: list[SpanExporter | MetricExporter | LogRecordExporter] = [*spans, *metrics, *logs]
        for sender in spans:
            self.tracers.add_span_processor(BatchSpanProcessor(sender))
        readers = [PeriodicExportingMetricReader(measured) for measured in metrics]
        self.meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self.loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        for writer in logs:
            self.loggers.add_log_record_processor(BatchLogRecordProcessor(writer))

    def close(self) -> None:
        """Send what is left, all three at the same time and within seconds: what nobody takes by then is lost."""
        closing = [Thread(target=one.shutdown, daemon=True) for one in (self.tracers, self.meters, self.loggers)]
        try:
            for thread in closing:
                thread.start()
        except RuntimeError:  # from Python 3.12 on, nothing can be started any more when a process ends
            self.tracers.shutdown()
            self.loggers.shutdown()
            self.meters.shutdown()
            return
        until = monotonic() + CLOSE_SECONDS
        for thread in closing:
            thread.join(max(0.0, until - monotonic()))
        if any(thread.is_alive() for thread in closing):
            for exporter in self._exporters:  # ends its waiting for another try
                exporter.shutdown()


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

    def spans(self, tracers: TracerProvider) -> SpanExporter:
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter  # noqa: PLC0415 - slow to import

        return AzureMonitorTraceExporter(tracer_provider=tracers, **self._common)

    def metrics(self) -> MetricExporter:
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter  # noqa: PLC0415 - slow to import

        return AzureMonitorMetricExporter(**self._common)

    def logs(self) -> LogRecordExporter:
        from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter  # noqa: PLC0415 - slow to import

        return AzureMonitorLogExporter(**self._common)
