"""Executions taken from one deployment to another, and what is made of them there."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.tools import Tool
from domain.values import content_hash
from domain.workflows import Workflow
from services.models.base import ModelRequest
from services.tools.functions import tool_function
from tests.api.bundles import STEPS, comparable, exported, ids, imported, sent
from tests.api.conftest import problem
from tests.api.living import OTHER, Living, living
from tests.orchestrators.bench import TENANT
from tests.support.scripted_model import Answer, unreachable

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

LONG = "word " * 5_000
"""Larger than what the log holds itself."""


def says(request: ModelRequest) -> Answer:
    return content_hash(request.messages)[:8] + (LONG if "planner" in str(request.messages[0]) else "")


def fails(request: ModelRequest) -> Answer:
    return unreachable() if "Write of" in str(request.messages[-1]) else says(request)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Living]:
    async with living(tmp_path / "here", says) as made:
        yield made


async def log_of(api: httpx.AsyncClient, id: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await api.get(f"/api/executions/{id}/events")).json()["events"]
    return events


async def test_what_is_exported_is_imported_whole(app: Living) -> None:
    id = await app.run(STEPS, {"topic": LONG})
    bundle = await exported(app.api, id)
    assert (bundle["schema_version"], bundle["execution"]["id"]) == (1, id)
    assert bundle["execution"].keys().isdisjoint({"tenant", "plan", "hold", "webhook"})
    assert bundle["events"][0]["value"] == {"topic": LONG}
    assert not any("artifact" in event for event in bundle["events"])

    record = await imported(app.other, bundle)
    original = (await app.api.get(f"/api/executions/{id}")).json()
    differs = {name for name in original if original[name] != record[name]}
    assert differs == {"id", "imported_from", "started_by"}
    assert (record["imported_from"], record["started_by"]) == (id, f"someone of {OTHER}")
    assert (await app.other.get(f"/api/executions/{record['id']}")).json() == record
    # Offsets, ids and references to what is large are what they were.
    assert await log_of(app.other, record["id"]) == await log_of(app.api, id)
    assert comparable(await exported(app.other, record["id"])) == comparable(bundle)


async def test_it_is_as_ended_as_any(app: Living) -> None:
    record = await imported(app.api, await exported(app.api, await app.run(STEPS)))
    page = (await app.api.get(f"/api/executions/{record['id']}/events")).json()
    assert page["ended"] is True
    headers = {"Accept": "text/event-stream"}
    stream = await app.api.get(f"/api/executions/{record['id']}/events", headers=headers)
    assert stream.text.endswith("event: end\ndata: {}\n\n")
    problem(await app.api.post(f"/api/executions/{record['id']}/cancel"), 409, "conflict")
    problem(await app.api.post(f"/api/executions/{record['id']}/retry"), 409, "conflict")
    assert await app.bench.services.executions.running() == []


async def test_it_is_compared_with_others(app: Living) -> None:
    id = await app.run(STEPS)
    record = await imported(app.api, await exported(app.api, id))
    document = (await app.api.get(f"/api/executions/{id}/diff/{record['id']}")).json()
    assert (document["counts"]["changed"], document["definitions"]["items"]) == (0, [])
    assert document["left"]["usage"] == document["right"]["usage"]


async def test_a_retry_elsewhere_pays_only_for_what_was_not_finished(tmp_path: Path) -> None:
    async with living(tmp_path / "there", fails) as there:
        failed = await there.run(STEPS)
        assert (await there.api.get(f"/api/executions/{failed}")).json()["status"] == "failed"
        bundle = await exported(there.api, failed)
        asked_there = len(there.bench.model.asked)
    async with living(tmp_path / "here", says) as here:
        record = await imported(here.other, bundle)
        answer = await here.other.post(f"/api/executions/{record['id']}/retry")
        assert answer.status_code == 202
        again = answer.json()["id"]
        await here.bench.instance_ended(again)
        ended = (await here.other.get(f"/api/executions/{again}")).json()
        reused = [event["data"].get("reused_from") for event in await log_of(here.other, again)
                  if event["type"] == "call.completed"]  # fmt: skip
        assert (ended["status"], ended["retry_of"], ended["usage"]["model_calls"]) == ("completed", record["id"], 1)
        assert dict(here.bench.model.keys) == {"write#0": 1}
    assert asked_there == 7
    assert reused == [record["id"]] * 6 + [None]


async def test_one_that_goes_on_is_imported_as_canceled(app: Living) -> None:
    gate = app.bench.model.gate("write#")
    id = await app.bench.begin(STEPS, {})
    await app.bench.model.until(lambda: app.bench.model.keys["write#0"] == 1)
    bundle = await exported(app.api, id)
    assert bundle["execution"]["status"] == "running"
    record = await imported(app.api, bundle)
    gate.set()
    await app.bench.ended(id)

    assert (record["status"], record["stop_reason"]) == ("canceled", "canceled")
    assert "exported while it was running" in record["error"]["message"]
    assert record["ended"] == bundle["exported"]
    assert (record["usage"]["model_calls"], record["turns"]) == (6, 6)
    events = await log_of(app.api, record["id"])
    assert [event["type"] for event in events[-1:]] == ["execution.canceled"]
    assert len(events) == len(bundle["events"]) + 1
    again = await imported(app.api, await exported(app.api, record["id"]))
    assert comparable(await exported(app.api, again["id"])) == comparable(await exported(app.api, record["id"]))
    assert (await app.api.post(f"/api/executions/{record['id']}/retry")).status_code == 202


async def test_a_record_that_ended_before_its_log_did_is_completed(app: Living) -> None:
    """As after a kill between the two."""
    bundle = await exported(app.api, await app.run(STEPS))
    last = bundle["events"].pop()
    record = await imported(app.api, bundle)
    events = await log_of(app.api, record["id"])
    assert (record["status"], events[-1]["type"], events[-1]["value"]) == ("completed", last["type"], record["output"])


class TestZip:
    async def test_there_and_back(self, app: Living) -> None:
        id = await app.run(STEPS)
        answer = await app.api.get(f"/api/executions/{id}/bundle", params={"format": "zip"})
        assert answer.headers["content-type"] == "application/zip"
        assert f'filename="execution-{id}.zip"' in answer.headers["content-disposition"]
        assert len(answer.content) == int(answer.headers["content-length"])
        with zipfile.ZipFile(BytesIO(answer.content)) as archive:
            assert archive.namelist() == ["bundle.json"]
            assert archive.infolist()[0].compress_size < archive.infolist()[0].file_size / 2
        headers = {"Content-Type": "application/zip"}
        taken = await app.other.post("/api/executions/import", content=answer.content, headers=headers)
        assert taken.status_code == 201
        assert comparable(await exported(app.other, taken.json()["id"])) == comparable(await exported(app.api, id))

    async def test_formats_are_json_and_zip(self, app: Living) -> None:
        id = await app.run(STEPS)
        problem(await app.api.get(f"/api/executions/{id}/bundle", params={"format": "tar"}), 400, "invalid_request")


class TestRepeating:
    async def test_the_same_key_imports_once(self, app: Living) -> None:
        bundle = await exported(app.api, await app.run(STEPS))
        answers = await asyncio.gather(*(sent(app.other, bundle, **{"Idempotency-Key": "k"}) for _ in range(5)))
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
        assert len(await ids(app.other)) == 1

    async def test_without_a_key_each_is_another(self, app: Living) -> None:
        bundle = await exported(app.api, await app.run(STEPS))
        assert (await imported(app.other, bundle))["id"] != (await imported(app.other, bundle))["id"]

    async def test_another_bundle_with_the_key_conflicts(self, app: Living) -> None:
        bundle = await exported(app.api, await app.run(STEPS))
        assert (await sent(app.api, bundle, **{"Idempotency-Key": "k"})).status_code == 201
        bundle["execution"]["turns"] += 1
        problem(await sent(app.api, bundle, **{"Idempotency-Key": "k"}), 409, "conflict")
        start = {"definition": {"name": "w", "steps": [{"id": "a", "agent": "x"}]}}
        problem(await app.api.post("/api/executions", json=start, headers={"Idempotency-Key": "k"}), 409, "conflict")

    async def test_a_key_must_be_one(self, app: Living) -> None:
        bundle = await exported(app.api, await app.run(STEPS))
        problem(await sent(app.other, bundle, **{"Idempotency-Key": "a b"}), 400, "invalid_request")

    @pytest.mark.parametrize("write", range(1, 5))
    async def test_one_that_is_killed_is_not_there_and_can_be_repeated(
        self, app: Living, monkeypatch: pytest.MonkeyPatch, write: int
    ) -> None:
        """Killed at each write: those of the log, in small pieces, and that of the record."""
        bundle = await exported(app.api, await app.run(STEPS))
        monkeypatch.setattr("api.importing.AT_ONCE", len(bundle["events"]) // 3 + 1)
        with monkeypatch.context() as context:
            written = fail_at(context, app, write, Killed())
            with pytest.raises(Killed):
                await sent(app.other, bundle, **{"Idempotency-Key": "k"})
        assert len(written) == write - 1
        assert await ids(app.other) == []
        assert await app.bench.services.executions.running() == []

        answer = await sent(app.other, bundle, **{"Idempotency-Key": "k"})
        assert answer.status_code == 201
        assert await ids(app.other) == [answer.json()["id"]]
        assert comparable(await exported(app.other, answer.json()["id"])) == comparable(bundle)

    @pytest.mark.parametrize("write", range(1, 5))
    async def test_one_that_fails_leaves_nothing(
        self, app: Living, monkeypatch: pytest.MonkeyPatch, write: int
    ) -> None:
        bundle = await exported(app.api, await app.run(STEPS, {"topic": LONG}))
        monkeypatch.setattr("api.importing.AT_ONCE", len(bundle["events"]) // 3 + 1)
        with monkeypatch.context() as context:
            written = fail_at(context, app, write, ZeroDivisionError("the disk is full"))
            problem(await sent(app.other, bundle), 500, "platform_failed")
        services = app.bench.services
        for partition in written:
            assert await services.documents.read_stream(partition, 0) == []
            assert await services.documents.query(partition) == ([], None)
        assert not list(app.bench.state_dir.glob(f"artifacts/*{OTHER}%2Fexecutions*"))


class Killed(BaseException):
    """The process ends here."""


def fail_at(context: pytest.MonkeyPatch, app: Living, number: int, error: BaseException) -> list[str]:
    """From now on the n-th write fails, and no other; the partitions that the writes before it were to."""
    store, before = type(app.bench.services.documents), list[str]()
    honest, failed = store.write, False

    async def write(self: Any, partition: str, operations: Any, **more: Any) -> Any:
        nonlocal failed
        if not failed and len(before) == number - 1:
            failed = True
            raise error
        if not failed:
            before.append(partition)
        return await honest(self, partition, operations, **more)

    context.setattr(store, "write", write)
    return before


class TestSize:
    async def test_what_is_too_large_is_not_exported(self, app: Living, monkeypatch: pytest.MonkeyPatch) -> None:
        id = await app.run(STEPS)
        size = len((await app.api.get(f"/api/executions/{id}/bundle")).content)
        monkeypatch.setattr("api.exporting.MAX_BYTES", size)
        assert (await app.api.get(f"/api/executions/{id}/bundle")).status_code == 200
        for most in (size - 100, 1_000):
            monkeypatch.setattr("api.exporting.MAX_BYTES", most)
            for format in ("json", "zip"):
                answer = await app.api.get(f"/api/executions/{id}/bundle", params={"format": format})
                problem(answer, 413, "too_large")
                assert "/events" in answer.json()["action"]


async def test_anothers_is_not_there(app: Living) -> None:
    id = await app.run(STEPS)
    problem(await app.other.get(f"/api/executions/{id}/bundle"), 404, "not_found")
    problem(await app.api.get(f"/api/executions/{'0' * 32}/bundle"), 404, "not_found")
    problem(await app.api.get("/api/executions/import"), 404, "not_found")


async def test_without_a_token_nothing_is_read(app: Living) -> None:
    answer = await app.api.post("/api/executions/import", content=b"{", headers={"Authorization": "Bearer nobody"})
    problem(answer, 401, "unauthenticated")


async def test_ids_of_anothers_executions_give_nothing_of_theirs(app: Living) -> None:
    """A bundle that names another tenant's execution wherever it can."""
    secret = await app.run(STEPS, {"topic": "secret"})
    bundle = json.loads(json.dumps(await exported(app.api, secret)).replace("secret", "public"))
    bundle["execution"] |= {"retry_of": secret, "imported_from": secret, "status": "failed", "output": None}
    bundle["execution"]["error"] = {"code": "timeout", "message": "m", "action": "a", "fault": "model"}
    bundle["events"][-1] |= {"type": "execution.failed", "id": "execution.failed", "value": None}
    kept = [event for event in bundle["events"] if event["type"] != "call.completed"]
    for offset, event in enumerate(kept, start=1):
        event["offset"] = offset
    record = await imported(app.other, {**bundle, "events": kept})
    assert record["id"] != secret
    problem(await app.other.get(f"/api/executions/{secret}"), 404, "not_found")

    before = len(app.bench.model.asked)
    again = (await app.other.post(f"/api/executions/{record['id']}/retry")).json()["id"]
    await app.bench.instance_ended(again)
    assert len(app.bench.model.asked) == before + 7  # no answer of theirs was used
    for id in (record["id"], again):
        assert "secret" not in json.dumps(await exported(app.other, id))
    assert await ids(app.api) == [secret]
    assert (await app.bench.services.executions.get(TENANT, record["id"])) is None


@tool_function("bundle-add")
def add(n: int) -> dict[str, int]:
    return {"sum": n + 1}


EVERY_KIND = {
    "steps": [
        {"id": "plan", "agent": "planner"},
        {"id": "add", "tool": "add", "arguments": {"n": "${input.n}"}},
        {"id": "line", "sequential": [{"id": "in", "agent": "writer"}]},
        {"id": "both", "concurrent": [{"id": "a", "agent": "writer"}, {"id": "b", "agent": "writer"}]},
        {"id": "each", "map": {"over": "['a', 'b']", "step": {"id": "item", "agent": "writer", "input": "${item}"}}},
        STEPS["steps"][2],
        {"id": "desk", "handoff": {"start": "ann", "may_pass": {"ann": ["bob"], "bob": []}}},
        {"id": "again", "loop": {"most": 2, "until": "false", "steps": [{"id": "try", "agent": "writer"}]}},
        {"id": "which", "switch": {"cases": [{"when": "true", "step": {"id": "yes", "agent": "writer"}}]}},
        {"id": "soon", "wait": {"for": "PT0.01S"}},
        {"id": "go", "wait": {"event": "go"}},
        {"id": "other", "workflow": "inner", "input": {}},
        {"id": "never", "agent": "writer", "when": "false"},
        {"id": "broken", "agent": "breaker", "retry": {"attempts": 1}, "on_error": "skip"},
        {"id": "ok", "approval": {"ask": "Well?"}},
    ]
}


def all_kinds(request: ModelRequest) -> Answer:
    who = str(request.messages[0])
    if "breaker" in who:
        return unreachable()
    if request.response_schema is not None:
        return {"answer": "Ask bob.", "pass_to": "bob", "reason": "he knows"}
    return says(request)


async def run_every_kind(app: Living) -> str:
    tool = Tool.model_validate({"name": "add", "function": "bundle-add"})
    inner = Workflow.model_validate({"name": "inner", "steps": [{"id": "deep", "agent": "writer", "input": "Deep."}]})
    id = await app.bench.begin(EVERY_KIND, {"n": 1}, tools={"add": tool}, workflows={"inner": inner})
    sent_event = await app.api.post(f"/api/executions/{id}/events/go", json={"said": "now"})
    assert sent_event.status_code == 202

    await app.bench.until(lambda: _any(questions(app.api, id)))
    (question,) = await questions(app.api, id)
    await app.api.post(f"/api/approvals/{question['id']}", json={"decision": "approve", "comment": "Good."})
    record = await app.bench.ended(id)
    assert record.status == "completed", record.error
    return id


async def questions(api: httpx.AsyncClient, execution: str) -> list[dict[str, Any]]:
    listed = await api.get("/api/approvals", params={"execution": execution})
    items: list[dict[str, Any]] = listed.json()["items"]
    return items


async def _any(found: Awaitable[list[Any]]) -> bool:
    return bool(await found)


async def test_every_kind_of_step_is_taken_along_compared_and_forked(tmp_path: Path) -> None:
    async with living(tmp_path, all_kinds) as app:
        one, two = await run_every_kind(app), await run_every_kind(app)
        document = (await app.api.get(f"/api/executions/{one}/diff/{two}")).json()
        assert [row["path"] for row in document["rows"] if row["alignment"] != "same"] == []
        statuses = {row["path"]: row["left"]["status"] for row in document["rows"]}
        assert {path for path, status in statuses.items() if status != "completed"} == {"never", "broken"}
        assert {"desk/turn[2]", "again/round[2]/try", "which/yes", "other/deep", "each[1]", "ok"} < set(statuses)

        bundle = await exported(app.api, one)
        record = await imported(app.other, bundle)
        assert comparable(await exported(app.other, record["id"])) == comparable(bundle)

        asked_before = len(app.bench.model.asked)
        fork = {"before": "go", "outputs": {"plan": LONG}}
        answer = await app.api.post(f"/api/executions/{one}/fork", json=fork)
        assert answer.status_code == 202, answer.text
        forked = answer.json()["id"]
        await app.bench.until(lambda: app.bench.waits(forked))
        document = (await app.api.get(f"/api/executions/{one}/diff/{forked}", params={"changed": True})).json()
        plan = document["rows"][0]
        assert (plan["path"], plan["differs"], plan["first"]) == ("plan", ["output"], ["output"])
        assert plan["right"]["edited"]
        assert len(app.bench.model.asked) == asked_before  # all but `plan`, which was given, is taken over
        again = await imported(app.other, await exported(app.api, forked))
        events = await log_of(app.other, again["id"])
        assert [event["artifact"] is not None for event in events if event["id"] == "fork:plan"] == [True]


async def test_one_that_was_imported_is_forked(app: Living) -> None:
    record = await imported(app.other, await exported(app.api, await app.run(STEPS)))
    fork = {"before": "write", "agents": {"writer": {"instructions": "Be brief."}}}
    answer = await app.other.post(f"/api/executions/{record['id']}/fork", json=fork)
    assert answer.status_code == 202, answer.text
    await app.bench.instance_ended(answer.json()["id"])
    document = (await app.other.get(f"/api/executions/{record['id']}/diff/{answer.json()['id']}")).json()
    assert document["first"] == {"request": "each[0]", "output": "each[0]"}
    assert [row["path"] for row in document["rows"] if row["right"]["reused"]] == [
        "plan", "debate/turn[1]", "debate/turn[2]", "debate/turn[3]",
    ]  # fmt: skip


async def test_what_was_decided_elsewhere_is_asked_anew(app: Living) -> None:
    steps = [{"id": "ok", "approval": {"ask": "Well?"}}, {"id": "no", "tool": "missing", "retry": {"attempts": 1}}]
    tool = Tool.model_validate({"name": "missing", "function": "not-registered"})
    id = await app.bench.begin({"steps": steps}, {}, tools={"missing": tool})
    await app.bench.until(lambda: _any(questions(app.api, id)))
    (question,) = await questions(app.api, id)
    await app.api.post(f"/api/approvals/{question['id']}", json={"decision": "approve"})
    assert (await app.bench.ended(id)).status == "failed"

    record = await imported(app.other, await exported(app.api, id))
    assert await questions(app.other, record["id"]) == []
    again = (await app.other.post(f"/api/executions/{record['id']}/retry")).json()["id"]
    await app.bench.until(lambda: _any(questions(app.other, again)))
    assert [question["state"] for question in await questions(app.other, again)] == ["pending"]
