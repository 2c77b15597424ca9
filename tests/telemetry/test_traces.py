"""What a collector sees of executions on a real host: each is one trace, whose tree is that of its steps."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from meta_agents.cli.documents import read_documents
from tests.crash.system import TOKEN, wait_until
from tests.examples.library import EXAMPLES
from tests.telemetry.trees import require_sound, tree
from tests.telemetry.watched import SOON, Watched, only, watched

TALK = {"participants": ["ann", "ben"], "task": "Talk.", "speaker": "round_robin"}
CHAT = "chat stub-model"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("traces")) as found:
        found.system.agents("ann", "ben", "chair")
        yield found


def test_the_steps_of_a_sequence_stand_beside_each_other(app: Watched) -> None:
    id = app.run([{"id": name, "agent": name, "input": name} for name in ("ann", "ben")])
    spans = app.spans(id)
    require_sound(spans)
    assert tree(spans) == [
        "invoke_workflow tried",
        "  invoke_agent ann",
        f"    {CHAT}",
        "  invoke_agent ben",
        f"    {CHAT}",
    ]


def test_the_example_of_the_readme(app: Watched) -> None:
    client = app.system.client
    [workflow] = read_documents([EXAMPLES / "workflows" / "design-review.yaml"])
    for agent in ("security-reviewer", "cost-reviewer", "traveller-reviewer", "editor"):
        [document] = read_documents([EXAMPLES / "agents" / f"{agent}.yaml"])
        client.agents.put(document.content)
    client.workflows.put(workflow.content)
    proposal = (EXAMPLES / "inputs" / "design-proposal.md").read_text("utf-8")
    spans = app.spans(client.executions.start("design-review", {"proposal": proposal}).id)
    require_sound(spans)
    lines = tree(spans)
    assert lines[:2] == ["invoke_workflow design-review", "  step reviews"]
    assert sorted(lines[2:-2][::2]) == [
        f"    invoke_agent {name}-reviewer" for name in ("cost", "security", "traveller")
    ]
    assert lines[-2:] == ["  invoke_agent editor", f"    {CHAT}"]


def test_branches_are_in_their_step(app: Watched) -> None:
    branches = [{"id": name, "agent": name, "input": name} for name in ("ann", "ben")]
    spans = app.spans(app.run([{"id": "both", "concurrent": branches}]))
    require_sound(spans)
    [root, both, *rest] = tree(spans)
    assert (root, both) == ("invoke_workflow tried", "  step both")
    assert sorted(rest) == sorted(["    invoke_agent ann", f"      {CHAT}", "    invoke_agent ben", f"      {CHAT}"])


def test_each_turn_of_a_chat_is_an_agents(app: Watched) -> None:
    chat = {**TALK, "speaker": {"agent": "chair"}, "until": {"any": [{"turns": 2}]}}
    spans = app.spans(app.run([{"id": "talk", "group_chat": chat}]))
    require_sound(spans)
    lines = tree(spans)
    assert lines[:2] == ["invoke_workflow tried", "  step talk"]
    assert len(lines[2:]) == 2 * 4
    assert {line.strip() for line in lines[3::2]} == {CHAT}
    assert [line.strip() for line in lines[2::4]] == ["invoke_agent chair"] * 2


def test_a_long_chat_is_one_trace_over_its_generations(app: Watched) -> None:
    id = app.run([{"id": "talk", "group_chat": {**TALK, "until": {"any": [{"turns": 30}]}}}])
    spans = app.spans(id)
    require_sound(spans)
    assert tree(spans) == [
        "invoke_workflow tried",
        "  step talk",
        *(line for turn in range(30) for line in (f"    invoke_agent {('ann', 'ben')[turn % 2]}", f"      {CHAT}")),
    ]


def test_a_tool_is_called_within_the_agents_turn_and_is_told_of_the_trace(app: Watched) -> None:
    put = app.system.client.tools.put
    put({"name": "notes", "http": {"url": f"http://127.0.0.1:{app.service.port}/notes", "method": "POST"}})
    app.system.agents("clerk", tools=["notes"])
    id = app.run([{"id": "ask", "agent": "clerk", "input": "[[stub:tool notes {}]] Note it."}])
    spans = app.spans(id)
    require_sound(spans)
    assert tree(spans) == [
        "invoke_workflow tried",
        "  invoke_agent clerk",
        f"    {CHAT}",
        "    execute_tool notes",
        f"    {CHAT}",
    ]
    tool = only(spans, "execute_tool notes")
    assert app.service.received[-1].headers["traceparent"] == f"00-{tool.trace}-{tool.id}-01"
    sent = {asked.headers["traceparent"] for asked in app.system.stub.requests if asked.key.startswith(f"{id}:")}
    assert sent == {f"00-{span.trace}-{span.id}-01" for span in spans if span.name == CHAT}


def test_an_approval_is_gone_on_from(app: Watched) -> None:
    id = app.run([{"id": "ok", "approval": {"ask": "May we?", "roles": ["operator"]}}])
    # The question is told of while it waits, not at its end.
    app.until(id, lambda span: span.name == "ask approval")
    [approval] = app.system.client.approvals.list(execution=id)
    app.system.client.approvals.decide(approval.id, "approve")
    spans = app.spans(id)
    require_sound(spans)
    assert tree(spans) == [
        "invoke_workflow tried",
        "  step ok",
        "    ask approval",
        "    resume after approval",
    ]
    resumed = only(spans, "resume after approval")
    assert [linked for _, linked in resumed.links] == [only(spans, "ask approval").id]


def test_a_wait_and_a_pause_are_gone_on_from(app: Watched) -> None:
    id = app.run([{"id": "nap", "wait": {"for": "PT0.3S"}}, {"id": "go", "wait": {"event": "go"}}])
    app.until(id, lambda span: span.name == "wait event")
    executions = app.system.client.executions
    executions.pause(id)
    executions.resume(id)
    executions.send(id, "go")
    spans = app.spans(id)
    require_sound(spans)
    links = {span.name: [linked for _, linked in span.links] for span in spans if span.links}
    assert links == {
        "resume after time": [only(spans, "wait time").id],
        "resume after event": [only(spans, "wait event").id],
        "resume after pause": [only(spans, "pause").id],
    }


def test_a_failed_attempt_is_followed_by_one_that_leads_to_it(app: Watched) -> None:
    id = app.run([{"id": "a", "agent": "ann", "input": "[[stub:down 1]] once", "retry": SOON}])
    spans = app.spans(id)
    require_sound(spans)
    failed, done = sorted((span for span in spans if span.name == CHAT), key=lambda span: span.began)
    assert (failed.is_error, done.is_error) == (True, False)
    assert [linked for _, linked in done.links] == [failed.id]
    told = {name: failed.attributes[name] for name in ("error.type", "meta_agents.code", "meta_agents.fault")}
    assert told == {
        "error.type": "model_unreachable",
        "meta_agents.code": "model_unreachable",
        "meta_agents.fault": "model",
    }


def test_a_failure_is_told_at_each_level_with_whose_fault_it_is(app: Watched) -> None:
    spans = app.spans(app.run([{"id": "a", "agent": "ann", "input": "[[stub:content_filter]] no"}]))
    require_sound(spans)
    assert {span.name: span.attributes["meta_agents.fault"] for span in spans} == {
        "invoke_workflow tried": "author",
        "invoke_agent ann": "author",
        CHAT: "author",
    }
    assert all(span.is_error for span in spans)


def test_an_evaluation_is_one_trace(app: Watched) -> None:
    cases = [{"id": f"c{number}", "input": f"Say {number}."} for number in range(3)]
    graders = [{"name": "judged", "judge": {"agent": "ben", "ask": "Is ${output} right?"}}]
    id = app.system.client.evaluations.start(agent="ann", cases=cases, graders=graders).id
    spans = app.spans(id)
    require_sound(spans)
    assert sum(span.name == CHAT for span in spans) == 6
    assert sum(not span.parent or span.parent not in {one.id for one in spans} for span in spans) == 1


def test_the_callers_trace_is_gone_on_with(app: Watched) -> None:
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {"definition": {"name": "called", "steps": [{"id": "a", "agent": "ann", "input": "hi"}]}}
    headers = {"Authorization": f"Bearer {TOKEN}", "traceparent": caller}
    answer = httpx.post(f"{app.system.host.address}/api/executions", json=body, headers=headers, timeout=30)
    spans = app.spans(answer.json()["id"])
    require_sound(spans)
    root = only(spans, "invoke_workflow called")
    assert root.trace == caller.split("-")[1]
    [request] = [span for span in app.collector.spans if span.id == root.parent]
    assert (request.name, request.parent, request.kind) == ("POST /api/executions", caller.split("-")[2], 2)


def test_a_caller_who_does_not_want_to_be_followed_is_not(app: Watched) -> None:
    body = {"definition": {"name": "unseen", "steps": [{"id": "a", "agent": "ann", "input": "hi"}]}}
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00",
    }
    url = f"{app.system.host.address}/api/executions"
    id = httpx.post(url, json=body, headers=headers, timeout=30).json()["id"]
    app.system.ended(id)
    # What is told in its turn comes after it.
    app.spans(app.run([{"id": "a", "agent": "ann", "input": "hi"}]))
    assert app.collector.of(id) == []


def test_a_webhook_is_told_of_the_trace(app: Watched) -> None:
    steps = [{"id": "a", "agent": "ann", "input": "hi"}]
    hook = {"url": app.service.url}
    id = app.system.client.executions.start({"name": "told", "steps": steps}, webhook=hook).id
    app.until(id, lambda span: span.name == "deliver webhook")
    sent = only(app.spans(id), "deliver webhook")
    [received] = [one for one in app.service.received if id in one.body.decode()]
    assert received.headers["traceparent"] == f"00-{sent.trace}-{sent.id}-01"
    require_sound(app.spans(id))


def test_a_schedule_begins_a_trace_that_has_the_executions_id(app: Watched) -> None:
    app.system.client.workflows.put({"name": "due", "steps": [{"id": "a", "agent": "ann", "input": "hi"}]})
    app.system.client.schedules.put({"name": "due", "workflow": "due", "cron": "* * * * *", "paused": True})
    started = app.system.client.schedules.run("due")
    spans = app.spans(started.id)
    require_sound(spans)


def test_what_a_model_call_says(app: Watched) -> None:
    id = app.run([{"id": "a", "agent": "ann", "input": "hi"}])
    call = only(app.spans(id), CHAT)
    assert call.kind == 3
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "stub-model",
        "gen_ai.response.model": "stub-model",
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.output.type": "text",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.agent.name": "ann",
        "meta_agents.execution.id": id,
        "meta_agents.tenant": "local",
        "meta_agents.workflow": "tried",
        "meta_agents.step.path": "a",
        "meta_agents.call": "a#0",
        "meta_agents.attempt": 1,
    }
    tokens = {f"gen_ai.usage.{way}_tokens" for way in ("input", "output")}
    assert {name: value for name, value in call.attributes.items() if name not in tokens} == expected
    assert all(call.attributes[name] > 0 for name in tokens)
    wait_until(lambda: bool(app.collector.resources), "a resource")
    assert app.collector.resources[-1]["service.name"] == "meta-agents"
