"""A collector that is down, slow or broken: the app neither waits nor fails, and sends what is left at its end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.crash.system import System
from tests.telemetry.collector import Collector
from tests.telemetry.watched import watched

STEPS = [{"id": "a", "agent": "ann", "input": "hi"}]


def test_one_that_answers_badly_is_left_to_itself(tmp_path: Path) -> None:
    with watched(tmp_path) as app:
        app.system.agents("ann")
        for status in (400, 500, 503):
            app.collector.status = status
            assert app.system.ended(app.run(STEPS)).status == "completed", status


def test_one_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with System(tmp_path, environment=environment) as system:
        system.agents("ann")
        for _ in range(3):
            id = system.client.executions.start({"name": "w", "steps": STEPS}).id
            assert system.ended(id).status == "completed"
        began = time.monotonic()
        system.host.stop(60)
        assert time.monotonic() - began < 30
        assert system.host.process.returncode == 0


def test_one_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    with watched(tmp_path) as app:
        app.system.agents("ann")
        app.collector.stall = threading.Event()
        id = app.run(STEPS)
        assert app.system.ended(id).status == "completed"
        app.collector.stall.set()


def test_what_is_left_is_sent_when_the_host_is_stopped(tmp_path: Path) -> None:
    patient = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
    with Collector() as collector, System(tmp_path, environment={**collector.environment, **patient}) as system:
        system.agents("ann")
        id = system.client.executions.start({"name": "w", "steps": STEPS}).id
        system.ended(id)
        assert collector.of(id) == []
        system.host.stop(60)
        assert {span.name for span in collector.of(id)} == {"invoke_workflow w", "invoke_agent ann", "chat stub-model"}
        assert collector.value("meta_agents.executions.ended") == 1
