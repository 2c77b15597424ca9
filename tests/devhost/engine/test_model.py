"""Random orchestrations against a model of what they must return.

Also the one invariant that everything hangs on: after every turn the engine's next id is the SDK's next id. A hidden id
counted wrongly would hand a result to the wrong task.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import traceback
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devhost.engine.draft import Draft
from devhost.engine.sdk_app import SdkApp
from devhost.ports import FunctionFailed
from tests.devhost.engine.conftest import Bench

Node = list[Any]
MAX_ATTEMPTS = 3


class CountingApp(SdkApp):
    """Remembers the SDK's own sequence number after each turn."""

    def __init__(self) -> None:
        super().__init__()
        self.sequence: dict[str, int] = {}

    def run_orchestrator(self, name: str, context_json: str) -> str:
        context = df.DurableOrchestrationContext.from_json(context_json)
        try:
            return str(df.Orchestrator(self._find("orchestrator", name)).handle(context))
        except Exception as error:
            raise FunctionFailed(str(error), traceback.format_exc()) from error
        finally:
            self.sequence[context.instance_id] = context._sequence_number


def task_of(context: df.DurableOrchestrationContext, node: Node) -> Any:  # noqa: PLR0911 - a table
    kind, *rest = node
    match kind:
        case "activity":
            return context.call_activity("echo", rest[0])
        case "flaky":
            return context.call_activity_with_retry("flaky", df.RetryOptions(1, MAX_ATTEMPTS), rest)
        case "timer":
            return context.create_timer(context.current_utc_datetime + timedelta(milliseconds=rest[0]))
        case "entity":
            return context.call_entity(df.EntityId("store", context.instance_id), "echo", rest[0])
        case "child":
            return context.call_sub_orchestrator("plan", rest[0])
        case "flaky_child":
            return context.call_sub_orchestrator_with_retry("flaky_child", df.RetryOptions(1, MAX_ATTEMPTS), rest)
        case "event":
            return context.wait_for_external_event(rest[0])
    raise AssertionError(kind)


def one_by_one(context: df.DurableOrchestrationContext, nodes: list[Node]) -> Generator[Any, Any, list[Any]]:
    """Take whichever task ends next until none is left; their results in the order of the nodes."""
    tasks = [task_of(context, node) for node in nodes]
    open_tasks = list(tasks)
    while open_tasks:
        winner = yield context.task_any(open_tasks)
        open_tasks.remove(winner)
    return ["failed" if isinstance(task.result, Exception) else task.result for task in tasks]


def plan(context: df.DurableOrchestrationContext) -> Generator[Any, Any, list[Any]]:
    results: list[Any] = []
    for kind, *rest in context.get_input():
        if kind == "signal":
            context.signal_entity(df.EntityId("store", context.instance_id), "count")
            results.append("signalled")
        elif kind == "any":
            results.append((yield from one_by_one(context, rest[0])))
        else:
            task = (
                context.task_all([task_of(context, node) for node in rest[0]])
                if kind == "all"
                else task_of(context, [kind, *rest])
            )
            try:
                results.append((yield task))
            except Exception:
                results.append("failed")
    return results


def expected(node: Node) -> Any:  # noqa: PLR0911 - a table
    kind, *rest = node
    match kind:
        case "activity" | "entity":
            return rest[0]
        case "flaky" | "flaky_child":
            return "failed" if rest[1] >= MAX_ATTEMPTS else f"after {rest[1]}"
        case "timer":
            return None
        case "child":
            return [expected(inner) for inner in rest[0]]
        case "event":
            return f"event {rest[0]}"
        case "signal":
            return "signalled"
        case "any":
            return [expected(inner) for inner in rest[0]]
        case "all":
            results = [expected(inner) for inner in rest[0]]
            return "failed" if "failed" in results else results
    raise AssertionError(kind)


def build_app() -> CountingApp:
    app = CountingApp()
    tries: Counter[str] = Counter()
    app.orchestrator(plan)

    @app.activity
    async def echo(value: Any) -> Any:
        for _ in range(value % 5):
            await asyncio.sleep(0)
        return value

    @app.activity
    async def flaky(value: list[Any]) -> str:
        key, failures = value
        tries[key] += 1
        if tries[key] <= failures:
            raise OSError(f"try {tries[key]}")
        return f"after {failures}"

    @app.orchestrator
    def flaky_child(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_activity("flaky", context.get_input()))

    @app.entity
    def store(context: df.DurableEntityContext) -> None:
        context.set_result(context.get_input() if context.operation_name == "echo" else None)

    return app


keys = st.uuids().map(str)
failures = st.integers(0, MAX_ATTEMPTS + 1)
leaf: st.SearchStrategy[Node] = st.one_of(
    st.tuples(st.just("activity"), st.integers(0, 50)),
    st.tuples(st.just("flaky"), keys, failures),
    st.tuples(st.just("timer"), st.integers(-1, 3)),
    st.tuples(st.just("entity"), st.integers(0, 50)),
    st.tuples(st.just("flaky_child"), keys, failures),
    st.tuples(st.just("event"), st.sampled_from("ab")),
).map(list)
group = st.tuples(st.sampled_from(["all", "any"]), st.lists(leaf, min_size=1, max_size=5)).map(list)
simple = st.one_of(leaf, leaf, group, st.just(["signal"]))
child = st.tuples(st.just("child"), st.lists(simple.filter(lambda n: "event" not in str(n)), max_size=3)).map(list)
plans = st.lists(st.one_of(simple, simple, child), max_size=6)


async def execute(nodes: list[Node], *, extended_sessions: bool) -> Any:
    app = build_app()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "state.db", app)
        bench.options = replace(bench.options, extended_sessions=extended_sessions)
        await bench.start()
        try:
            instance_id = await bench.begin("plan", nodes)
            text = json.dumps(nodes)
            for name in "ab":
                for _ in range(text.count(f'["event", "{name}"]')):
                    await bench.engine.raise_event(instance_id, name, json.dumps(f"event {name}"))
            status = await bench.end_of(instance_id, within=30)
            assert status.runtime_status == "Completed", status.output
            return json.loads(status.output or "null")
        finally:
            await bench.stop()
            app.close()


@pytest.fixture(scope="module", autouse=True)
def compare_ids() -> Iterator[None]:
    """Make every turn fail whose ids are out of step with the SDK's."""
    save = Draft.save

    def checked(draft: Draft) -> None:
        app = draft.kernel.app
        if isinstance(app, CountingApp) and not draft.instance.ended and draft.instance.ended_turn is None:
            session = draft.memory.session
            sequence = session._executor.context._sequence_number if session else app.sequence[draft.instance.id]
            assert draft.instance.next_id == sequence
        save(draft)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft, "save", checked)
        yield


@given(plans, st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_orchestrations_return_what_they_must(nodes: list[Node], extended_sessions: bool) -> None:
    assert asyncio.run(execute(nodes, extended_sessions=extended_sessions)) == [expected(node) for node in nodes]
