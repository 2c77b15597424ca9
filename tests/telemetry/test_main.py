"""`python -m tests.telemetry` shows a trace when its execution has ended."""

from __future__ import annotations

import subprocess
import sys

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.docs.test_commands import ROOT

TRACE = bytes(range(16))
SPANS = (
    ("invoke_agent writer", 3, 2),
    ("chat m", 4, 3),
    ("invoke_workflow brief", 2, 1),
    ("POST /api/executions", 1, 0),
)


def test_a_trace_is_a_tree_that_is_written_when_its_execution_has_ended() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.telemetry", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ready, _, endpoint = process.stdout.readline().strip().partition(" ")
        assert ready == "READY"
        sent = ExportTraceServiceRequest()
        scope = sent.resource_spans.add().scope_spans.add()
        for name, id, parent in SPANS:
            scope.spans.add(
                trace_id=TRACE,
                span_id=id.to_bytes(8, "big"),
                parent_span_id=parent.to_bytes(8, "big") if parent else b"",
                name=name,
                start_time_unix_nano=id,
            )
        with httpx.Client(trust_env=False) as client:
            client.post(f"{endpoint}/v1/traces", content=sent.SerializeToString()).raise_for_status()
        lines = [process.stdout.readline().rstrip() for _ in range(1 + len(SPANS))]
    finally:
        process.kill()
        process.communicate()
    assert lines == [
        f"trace {TRACE.hex()}",
        "  POST /api/executions",
        "    invoke_workflow brief",
        "      invoke_agent writer",
        "        chat m",
    ]
