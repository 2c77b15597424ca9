"""A host that is killed: the execution stays one trace, no span is sent twice, and what goes on says from where."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from tests.crash.killing import kill_at_random_moments
from tests.crash.system import wait_until
from tests.telemetry.trees import require_sound, tree
from tests.telemetry.watched import of_call, only, watched

CHAT = "chat stub-model"


def test_a_call_that_was_cut_off_is_told_by_who_makes_it_again(tmp_path: Path) -> None:
    with watched(tmp_path) as app:
        app.system.agents("ann", "ben")
        # The first answer to the second step comes too late for who asked.
        app.system.stub.control("slow", times=1, key=":b#0", delay=60)
        id = app.run([{"id": step, "agent": agent, "input": "hi"} for step, agent in (("a", "ann"), ("b", "ben"))])
        app.until(id, lambda span: span.name == "invoke_agent ann")
        wait_until(lambda: any(asked.key == f"{id}:b#0" for asked in app.system.stub.requests), "the second call")
        wait_until(lambda: "b#0:call.started:1" in app.logged(id), "its beginning")
        app.system.host.kill()
        app.system.host.start()
        spans = app.spans(id)
    require_sound(spans)
    assert tree(spans) == [
        "invoke_workflow tried",
        "  invoke_agent ann",
        f"    {CHAT}",
        "  invoke_agent ben",
        f"    {CHAT}",
        f"    {CHAT}",
        "    resume after crash",
    ]
    cut, made = sorted(of_call(spans, "b#0"), key=lambda span: span.began)
    assert (cut.attributes["error.type"], cut.attributes["meta_agents.fault"]) == ("cut_off", "platform")
    assert (cut.is_error, made.is_error) == (True, False)
    assert [linked for _, linked in made.links] == [cut.id]
    assert [linked for _, linked in only(spans, "resume after crash").links] == [cut.id]


def test_through_kills_at_any_moment_no_span_is_sent_twice(tmp_path: Path) -> None:
    chance = random.Random(7)
    with watched(tmp_path, latency=0.05) as app:
        app.system.agents("ann", "ben")
        chat = {"participants": ["ann", "ben"], "task": "Talk.", "speaker": "round_robin"}
        id = app.run([{"id": "talk", "group_chat": {**chat, "until": {"any": [{"turns": 10}]}}}])
        kill_at_random_moments(app.system, [id], sorted(chance.sample(range(8), 2)), chance, 100)
        spans = app.spans(id)
    assert len({span.trace for span in spans}) == 1
    assert [id for id, count in Counter(span.id for span in spans).items() if count > 1] == []
    # What a killed process had not sent is lost, and no more: each turn was told of, or was under way at a kill.
    turns = {span.attributes["meta_agents.call"] for span in spans if span.name == CHAT}
    assert len(turns) >= 10 - 2
