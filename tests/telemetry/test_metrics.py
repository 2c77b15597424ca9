"""What is counted and measured of executions on a real host, and what its log records say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.system import wait_until
from tests.telemetry.watched import SOON, Watched, watched

WRITE = {"id": "a", "agent": "ann", "input": "hi"}
FAILING = {"id": "b", "agent": "ann", "input": "[[stub:content_filter]] no"}
TRYING = {"id": "c", "agent": "ann", "input": "[[stub:rate_limit 1]] once", "retry": SOON}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """After three executions: one that has completed, one that has failed, and one that waits for a human."""
    environment = {"MODEL_PRICES": '{"stub-model": ["1000000", "1000000"]}'}
    with watched(tmp_path_factory.mktemp("metrics"), environment) as found:
        found.system.agents("ann")
        found.spans(found.run([WRITE, {**WRITE, "id": "off", "when": "false"}, TRYING]))
        found.spans(found.run([FAILING]))
        found.run([{"id": "ok", "approval": {"ask": "May we?", "roles": ["operator"]}}])
        wait_until(lambda: found.collector.value("meta_agents.approvals.waiting") == 1, "a sweep", every=0.05)
        yield found


@pytest.mark.parametrize(
    ("metric", "labels", "value"),
    [
        ("meta_agents.executions.started", {"workflow": "tried"}, 3),
        ("meta_agents.executions.ended", {"status": "completed", "stop_reason": "finished", "workflow": "tried"}, 1),
        ("meta_agents.executions.ended", {"status": "failed", "stop_reason": "failed", "workflow": "tried"}, 1),
        ("meta_agents.steps.ended", {"outcome": "completed", "kind": "agent"}, 2),
        ("meta_agents.steps.ended", {"outcome": "failed", "kind": "agent"}, 1),
        ("meta_agents.steps.ended", {"outcome": "skipped"}, 1),
        ("meta_agents.failures", {"code": "model_refused", "fault": "author", "of": "call"}, 1),
        ("meta_agents.failures", {"code": "model_refused", "fault": "author", "of": "step"}, 1),
        ("meta_agents.failures", {"code": "model_refused", "fault": "author", "of": "execution"}, 1),
        ("meta_agents.failures", {"code": "model_rate_limited", "fault": "model", "of": "call"}, 1),
        ("meta_agents.throttled", {"service": "model"}, 1),
        ("gen_ai.client.token.usage", {"gen_ai.token.type": "input", "gen_ai.request.model": "stub-model"}, 2),
        ("gen_ai.client.token.usage", {"gen_ai.token.type": "output"}, 2),
        ("gen_ai.client.operation.duration", {"gen_ai.response.model": "stub-model"}, 4),
        ("gen_ai.client.operation.duration", {"error.type": "model_rate_limited"}, 1),
        ("meta_agents.execution.duration", {"status": "completed"}, 1),
        ("meta_agents.queue_time", {}, 3),
        ("meta_agents.executions.running", {}, 1),
        ("meta_agents.executions.stuck", {}, 0),
        ("meta_agents.approvals.waiting", {}, 1),
        ("meta_agents.approvals.overdue", {}, 0),
    ],
)
def test_it_is_counted(app: Watched, metric: str, labels: dict[str, str], value: float) -> None:
    wait_until(
        lambda: app.collector.value(metric, **labels) == value,
        f"{metric} {labels} to be {value}, not {app.collector.metrics.get(metric)}",
        seconds=20,
        every=0.05,
    )


def test_what_calls_cost_is_the_sum_of_what_executions_cost(app: Watched) -> None:
    spent = sum(
        float(execution.usage.cost_usd or 0) for execution in app.system.client.executions.list() if execution.is_ended
    )
    assert spent > 0
    wait_until(lambda: app.collector.value("meta_agents.cost", model="stub-model") == spent, "the cost", every=0.05)


def test_no_metric_tells_tenants_or_executions_apart(app: Watched) -> None:
    labels = {name for points in app.collector.metrics.values() for point in points for name in point.attributes}
    assert not {name for name in labels if "tenant" in name or "execution.id" in name}


def test_a_record_says_which_execution_step_and_trace_it_is_of(app: Watched) -> None:
    hook = {"id": "x", "agent": "ann", "input": "hi"}
    app.service.answers.append(500)
    id = app.system.client.executions.start({"name": "told", "steps": [hook]}, webhook={"url": app.service.url}).id
    spans = app.spans(id)
    wait_until(lambda: any("webhook of" in record.body for record in app.collector.logs), "the record", every=0.05)
    [record] = [record for record in app.collector.logs if "webhook of" in record.body and id in record.body]
    assert record.level == "WARN"
    assert record.attributes["meta_agents.execution.id"] == id
    assert record.attributes["meta_agents.tenant"] == "local"
    assert record.trace == spans[0].trace


def test_neither_prompts_nor_answers_nor_tokens_are_sent(app: Watched) -> None:
    said = str([app.collector.spans, app.collector.logs])
    assert "answer 1 to" not in said
    assert "content_filter" not in said
    assert "the-token-of-the-tests" not in said
