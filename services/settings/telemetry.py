from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, SecretStr

from services.settings.group import Group
from services.settings.places import differs

Signal = Literal["TRACES", "METRICS", "LOGS"]


class TelemetrySettings(Group):
    """Where [traces, metrics and logs](telemetry.md) are sent."""

    insights_connection: SecretStr | None = Field(
        default=None,
        alias="APPLICATIONINSIGHTS_CONNECTION_STRING",
        description="Application Insights, by the identity of the process; unset: nothing is sent there.",
        json_schema_extra=differs(azure="that of the deployment"),
    )
    otlp_endpoint: str | None = Field(
        default=None,
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="An OTLP collector, such as `http://127.0.0.1:4318`; unset: nothing is sent to one.",
    )
    otlp_protocol: str = Field(
        default="http/protobuf",
        alias="OTEL_EXPORTER_OTLP_PROTOCOL",
        description="How it is spoken to: `http/protobuf` is the only protocol that is installed.",
    )
    traces_exporter: Literal["otlp", "none"] = Field(
        default="otlp", alias="OTEL_TRACES_EXPORTER", description="`none`: no traces go to the collector."
    )
    metrics_exporter: Literal["otlp", "none"] = Field(
        default="otlp", alias="OTEL_METRICS_EXPORTER", description="`none`: no metrics go to the collector."
    )
    logs_exporter: Literal["otlp", "none"] = Field(
        default="otlp", alias="OTEL_LOGS_EXPORTER", description="`none`: no logs go to the collector."
    )
    sdk_disabled: bool = Field(
        default=False, alias="OTEL_SDK_DISABLED", description="`true`: no telemetry, whatever else is set."
    )
    service_name: str | None = Field(
        default=None, alias="OTEL_SERVICE_NAME", description="What the app is called there; unset: `meta-agents`."
    )
    captures_content: bool = Field(
        default=False,
        alias="OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        description="`true`: spans hold what models and tools are sent and what they answer.",
    )
    host_traces: bool = Field(
        default=False,
        alias="PYTHON_ENABLE_OPENTELEMETRY",
        description=(
            "`true` on Azure, where the Functions host sends a span of each request itself, and leaves the logs of "
            "the app to the app."
        ),
        json_schema_extra=differs(azure="`true`"),
    )

    def conflicts(self) -> Iterator[str]:
        if self.otlp_endpoint and self.otlp_protocol != "http/protobuf":
            yield "OTEL_EXPORTER_OTLP_PROTOCOL must be `http/protobuf`, the only one that is installed"

    @property
    def tells_telemetry(self) -> bool:
        """Whether there is anywhere to send any to."""
        return not self.sdk_disabled and bool(self.insights_connection or self.otlp_endpoint)

    def sends(self, signal: Signal) -> bool:
        """Whether this goes to a collector."""
        chosen = {"TRACES": self.traces_exporter, "METRICS": self.metrics_exporter, "LOGS": self.logs_exporter}
        return bool(self.otlp_endpoint) and chosen[signal] == "otlp"
