"""Where nothing says where to send it, there is no telemetry: nothing is imported, kept or sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.settings import Settings, SettingsError
from services.telemetry.base import Telemetry
from services.telemetry.choosing import telemetry_of
from services.telemetry.here import Here, being, note, outgoing

ROOT = Path(__file__).resolve().parents[3]
LOADED = """
import sys, function_app
from services.settings import Settings
from services.wiring import build
build(Settings.from_environment({"META_AGENTS_STATE_DIR": sys.argv[1]}))
slow = ("opentelemetry.sdk", "opentelemetry.exporter", "azure.monitor")
print([name for name in sys.modules if name.startswith(slow)])
"""


def test_neither_the_app_nor_its_services_import_an_sdk(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", LOADED, str(tmp_path)]
    done = subprocess.run(arguments, cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}]
)
def test_it_is_off(environment: dict[str, str]) -> None:
    assert type(telemetry_of(Settings.from_environment(environment))) is Telemetry


def test_a_protocol_that_is_not_installed_is_refused() -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL must be `http/protobuf`"):
        Settings.from_environment(environment)


def test_a_signal_may_be_left_out() -> None:
    settings = Settings.from_environment(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_LOGS_EXPORTER": "none"}
    )
    assert (settings.sends("TRACES"), settings.sends("METRICS"), settings.sends("LOGS")) == (True, True, False)


def test_nobody_is_told_of_a_trace_that_nobody_follows() -> None:
    note(anything=1)
    assert outgoing() == {}
    with being(Here()):
        assert outgoing() == {}
