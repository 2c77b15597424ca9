"""Which trace a new execution gets, and which of them are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from domain.executions import Execution, Status
from meta_agents.testing import ModelStub
from services.embeddings.choosing import Embeddings
from services.settings import Settings
from services.telemetry.base import Request, Telemetry
from services.telemetry.choosing import telemetry_of
from tests.telemetry.collector import Collector

EXECUTION = "01a21ecd6527d281264b744c86179562"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Start = Callable[..., Telemetry]


def execution() -> Execution:
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    return Execution(
        id=EXECUTION, tenant="local", workflow="w", workflow_version=1, plan="p", status=Status.RUNNING, input={},
        started_by="test", created=now,
    )  # fmt: skip


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as found:
        yield found


@pytest.fixture
def start(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    made: list[Telemetry] = []
    for name, value in collector.environment.items():
        monkeypatch.setenv(name, value)  # for the SDK, which reads them itself

    def one(**environment: str) -> Telemetry:
        made.append(telemetry_of(Settings.from_environment({**collector.environment, **environment})))
        return made[-1]

    yield one
    for telemetry in made:
        telemetry.close()


def parent_of(telemetry: Telemetry) -> str:
    trace = telemetry.traced(execution()).trace
    assert trace is not None
    return trace.parent


def test_what_nobody_calls_begins_a_trace_that_has_its_id(start: Start) -> None:
    assert parent_of(start()) == f"00-{EXECUTION}-{'0' * 16}-01"


@pytest.mark.parametrize(("share", "kept"), [("0", "00"), ("1", "01")])
def test_whether_it_is_kept_is_decided_at_its_start(
    start: Start, monkeypatch: pytest.MonkeyPatch, share: str, kept: str
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    assert parent_of(start()).endswith(kept)


def test_within_a_request_it_is_in_the_requests_span(start: Start, collector: Collector) -> None:
    telemetry = start()
    with telemetry.request(Request("POST", "/api/executions", CALLER, 202, "/api/executions")):
        parent = parent_of(telemetry)
    telemetry.close()
    [request] = collector.spans
    assert (request.trace, request.parent) == (CALLER.split("-")[1], CALLER.split("-")[2])
    assert parent == f"00-{request.trace}-{request.id}-01"


def test_where_the_host_tells_of_requests_it_is_in_the_hosts_span(start: Start, collector: Collector) -> None:
    telemetry = start(PYTHON_ENABLE_OPENTELEMETRY="true")
    with telemetry.request(Request("POST", "/api/executions", CALLER, 202)):
        assert parent_of(telemetry) == CALLER
    telemetry.close()
    assert collector.spans == []


def test_closed_twice_it_is_closed(start: Start) -> None:
    telemetry = start()
    telemetry.close()
    telemetry.close()


async def test_embeddings_are_a_span_with_what_they_used(start: Start, collector: Collector) -> None:
    telemetry = start()
    with ModelStub() as stub:
        environment = {**stub.environment(), "EMBEDDING_MODEL": "small"}
        embeddings = Embeddings(Settings.from_environment(environment), telemetry=telemetry)
        await embeddings.embed(["one", "two"])
        await embeddings.close()
    telemetry.close()
    [span] = collector.spans
    assert (span.name, span.kind) == ("embeddings small", 3)
    assert span.attributes["gen_ai.operation.name"] == "embeddings"
    assert span.attributes["gen_ai.usage.input_tokens"] > 0
