"""The exporter of Azure Monitor against a stand-in for its ingestion: what it sends, and as whom."""

from __future__ import annotations

import gzip
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import azure.identity
import pytest
import trustme
from azure.core.credentials import AccessToken

from domain.events import Event, EventType
from domain.tracing import derived, root_of
from services.settings import Settings
from services.telemetry.choosing import telemetry_of

KEY = "00000000-0000-0000-0000-000000000001"
EXECUTION = "01a21ecd6527d281264b744c86179562"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Identity:
    """Stands where the identity of the process stands."""

    asked: ClassVar[list[str]] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.extend(scopes)
        return AccessToken("the-token", 4_000_000_000)


class Ingestion:
    """Takes what the exporter posts, over TLS: it sends no token without."""

    def __init__(self, authority: trustme.CA) -> None:
        self.envelopes: list[dict[str, Any]] = []
        self.authorizations: set[str | None] = set()
        ingestion = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                found = json.loads(body)
                ingestion.authorizations.add(self.headers.get("Authorization"))
                ingestion.envelopes += found
                answer = json.dumps({"itemsReceived": len(found), "itemsAccepted": len(found), "errors": []}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def connection(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint=https://localhost:{self.server.server_address[1]}/"


@pytest.fixture
def ingestion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingestion]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    # What it would ask of and tell to Microsoft beside.
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED", "true")
    monkeypatch.setenv("APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "true")
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Identity)
    found = Ingestion(authority)
    found.thread.start()
    yield found
    found.server.shutdown()
    found.thread.join()
    found.server.server_close()


def ended() -> list[Event]:
    """The end of an execution that failed, and of its step."""
    error = {"code": "model_refused", "message": "No.", "action": "Ask.", "fault": "author"}
    trace = derived(EXECUTION, "brief")
    root = root_of(trace, EXECUTION)
    step = root.begun(root.child("step", "a"), "agent", NOW, name="ann")
    whole = trace.begun(root.around or "", "invoke_workflow", NOW)
    about: list[tuple[EventType, str | None, Any]] = [
        (EventType.STEP_FAILED, "a", step.as_data()),
        (EventType.EXECUTION_FAILED, None, whole.as_data()),
    ]
    return [
        Event(id=str(type), type=type, time=NOW, step=path, offset=9, data={"trace": span, "error": error})
        for type, path, span in about
    ]


def test_it_sends_by_the_identity_of_the_process(ingestion: Ingestion, caplog: pytest.LogCaptureFixture) -> None:
    telemetry = telemetry_of(Settings.from_environment({"APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection}))
    telemetry.observe("local", EXECUTION, ended())
    telemetry.charge("read", 2.5)
    logging.getLogger("meta_agents.tests").warning("something happened")
    telemetry.close()
    assert caplog.get_records("call")[-1].name == "meta_agents.tests", "the exporter complains of nothing"
    assert ingestion.authorizations == {"Bearer the-token"}
    assert set(Identity.asked) == {"https://monitor.azure.com//.default"}
    assert {envelope["iKey"] for envelope in ingestion.envelopes} == {KEY}
    spans = {
        envelope["data"]["baseData"]["name"]: envelope
        for envelope in ingestion.envelopes
        if envelope["data"]["baseType"] == "RemoteDependencyData"
    }
    assert set(spans) == {"invoke_workflow brief", "invoke_agent ann"}
    assert {envelope["tags"]["ai.operation.id"] for envelope in spans.values()} == {EXECUTION}
    step = spans["invoke_agent ann"]
    assert step["tags"]["ai.operation.parentId"] == spans["invoke_workflow brief"]["data"]["baseData"]["id"]
    properties = step["data"]["baseData"]["properties"]
    # `error.type` is one of those that it leaves out.
    assert (properties["meta_agents.fault"], properties["meta_agents.code"]) == ("author", "model_refused")
    assert step["data"]["baseData"]["success"] is False
    measured = {
        metric["name"]
        for envelope in ingestion.envelopes
        if envelope["data"]["baseType"] == "MetricData"
        for metric in envelope["data"]["baseData"]["metrics"]
    }
    assert {"meta_agents.cosmos.request_charge", "meta_agents.failures", "meta_agents.executions.ended"} <= measured
    messages = [envelope for envelope in ingestion.envelopes if envelope["data"]["baseType"] == "MessageData"]
    assert [envelope["data"]["baseData"]["message"] for envelope in messages] == ["something happened"]
