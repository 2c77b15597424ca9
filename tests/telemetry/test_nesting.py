"""Every kind of step in one execution: each span stands in the one around it, whatever orchestrator it was made by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.crash.system import wait_until
from tests.telemetry.collector import SpanSeen
from tests.telemetry.trees import require_sound, tree
from tests.telemetry.watched import ROOT, Watched, watched

CHAT = "chat stub-model"


def agent(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "agent": "ann", "input": f"Say {id}.", **more}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("nesting")) as found:
        found.system.agents("ann", "ben")
        yield found


def orphans(spans: list[SpanSeen]) -> list[str]:
    """Names of those whose parent did not come."""
    known = {span.id for span in spans}
    return [span.name for span in spans if span.parent not in known]


def test_what_other_orchestrators_do_is_in_their_step(app: Watched) -> None:
    app.system.client.workflows.put({"name": "inner", "steps": [agent("deep")]})
    app.system.client.tools.put({"name": "inner", "workflow": "inner"})
    app.system.client.tools.put({"name": "ask-ben", "agent": "ben"})
    app.system.agents("boss", tools=["inner", "ask-ben"])
    spans = app.spans(
        app.run(
            [
                {"id": "each", "map": {"over": "[1, 2]", "step": agent("one")}},
                {"id": "again", "loop": {"most": 2, "until": "false", "steps": [agent("round-step")]}},
                {"id": "called", "workflow": "inner", "input": {}},
                {"id": "either", "switch": {"cases": [{"when": "true", "step": agent("then")}]}},
                {"id": "boss", "agent": "boss", "input": '[[stub:tool ask-ben {"task": "Do it."}]] Ask.'},
                {"id": "chief", "agent": "boss", "input": "[[stub:tool inner {}]] Have it done."},
            ]
        )
    )
    require_sound(spans)
    assert orphans(spans) == ["invoke_workflow tried"]
    turn = ["    invoke_agent ann", f"      {CHAT}"]
    assert tree(spans) == [
        "invoke_workflow tried",
        "  step each",
        *turn,
        *turn,
        "  step again",
        *turn,
        *turn,
        "  step called",
        *turn,
        "  step either",
        *turn,
        "  invoke_agent boss",
        f"    {CHAT}",
        "    invoke_agent ben",
        f"      {CHAT}",
        f"    {CHAT}",
        "  invoke_agent boss",
        f"    {CHAT}",
        "    invoke_agent ann",
        f"      {CHAT}",
        f"    {CHAT}",
    ]


def test_a_long_map_in_slices_is_in_its_step(app: Watched) -> None:
    over = f"[{', '.join(map(str, range(60)))}]"
    waits = {"id": "one", "wait": {"for": "PT0.01S"}}
    spans = app.spans(app.run([{"id": "each", "map": {"over": over, "step": waits}}]))
    require_sound(spans)
    assert orphans(spans) == ["invoke_workflow tried"]
    [step] = [span for span in spans if span.name == "step each"]
    assert sum(span.parent == step.id for span in spans) == 60


def test_what_loses_a_race_is_told_to_be_canceled(app: Watched) -> None:
    slow = {"id": "slow", "sequential": [{"id": "nap", "wait": {"for": "PT1H"}}, agent("late")]}
    race = {"id": "race", "concurrent": {"join": "any", "branches": [agent("quick"), slow]}}
    spans = app.spans(app.run([race]))
    require_sound(spans)
    assert orphans(spans) == ["invoke_workflow tried"]
    ended = {span.name: span.attributes.get("meta_agents.outcome") for span in spans}
    assert (ended["step race/slow"], ended["step race"]) == ("canceled", "completed")
    assert not any(span.is_error for span in spans)


def test_a_step_that_a_human_has_tried_again_is_two_spans(app: Watched) -> None:
    fails = agent("a", input="[[stub:content_filter 1]] once", on_error={"ask": {"roles": ["operator"]}})
    id = app.run([fails])
    wait_until(lambda: any(app.system.client.approvals.list(execution=id)), "the question", every=0.05)
    [asked] = app.system.client.approvals.list(execution=id)
    app.system.client.approvals.decide(asked.id, "retry")
    spans = app.spans(id)
    require_sound(spans)
    assert orphans(spans) == ["invoke_workflow tried"]
    assert [
        (span.name, span.is_error) for span in sorted(spans, key=lambda span: span.began) if ROOT not in span.name
    ] == [
        ("invoke_agent ann", True),
        (CHAT, True),
        ("ask failure", False),
        ("resume after failure", False),
        ("invoke_agent ann", False),
        (CHAT, False),
    ]


def test_what_a_fork_takes_over_says_so(app: Watched) -> None:
    first = app.run([agent("a"), agent("b")])
    before = app.spans(first)
    fork = app.system.client.executions.fork(first).id
    spans = app.spans(fork)
    require_sound(spans)
    assert {span.attributes.get("meta_agents.ledger.hit") for span in spans if span.name == CHAT} == {"reused"}
    assert not {span.id for span in before} & {span.id for span in spans}
    wait_until(lambda: app.collector.value("meta_agents.ledger.hits", kind="model") >= 2, "the hits", every=0.05)
