"""Every operation, through both clients."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from meta_agents import ApiError, Client, Unreachable
from meta_agents.errors import InvalidArgument
from meta_agents.results import Detail
from tests.meta_agents.fake_api import TOKEN, FakeApi, Server, problem
from tests.meta_agents.samples import call_completed, diff, diff_row, failed, numbered, parsed, short_log, started

WRITER = {"name": "writer", "instructions": "Write."}
DAILY = {"name": "daily", "workflow": "brief", "cron": "30 7 * * *", "time_zone": "Europe/Berlin"}


class TestDefinitions:
    def test_put_get_list_delete(self, client: Client) -> None:
        for name in ("writer", "critic", "editor"):
            client.agents.put(WRITER | {"name": name})

        assert client.agents.get("writer").definition == WRITER
        assert [summary.name for summary in client.agents.list()] == ["critic", "editor", "writer"]
        client.agents.delete("critic")
        assert [summary.name for summary in client.agents.list(page_size=1)] == ["editor", "writer"]

    def test_versions(self, client: Client) -> None:
        changed = WRITER | {"instructions": "Write well."}
        stored = [client.agents.put(definition) for definition in (WRITER, WRITER, changed, WRITER)]

        assert [result.version for result in stored] == [1, 1, 2, 3]
        assert [version.version for version in client.agents.versions("writer")] == [1, 2, 3]
        assert client.agents.get("writer", 2).definition == changed

    def test_etags_guard_against_races(self, client: Client) -> None:
        first = client.workflows.put({"name": "brief", "steps": []}, create_only=True)
        client.workflows.put({"name": "brief", "steps": [1]}, if_match=first.etag)

        with pytest.raises(ApiError, match="has changed") as raced:
            client.workflows.put({"name": "brief", "steps": [2]}, if_match=first.etag)
        with pytest.raises(ApiError, match="exists"):
            client.workflows.put({"name": "brief", "steps": [2]}, create_only=True)
        assert (raced.value.status, raced.value.code) == (412, "precondition_failed")

    def test_delete_honours_the_etag(self, client: Client, api: FakeApi) -> None:
        client.agents.put(WRITER)
        client.agents.delete("writer", if_match='"1"')

        assert api.seen[-1].headers["if-match"] == '"1"'

    def test_names_cannot_leave_their_place_in_the_address(self, client: Client, api: FakeApi) -> None:
        with pytest.raises(ApiError):
            client.agents.get("../me?x=1#y")

        assert api.seen[-1].path == "/api/agents/../me?x=1#y"
        assert api.seen[-1].query == {}

    @pytest.mark.parametrize("name", ["", ".", "..", "\udcff"])
    def test_names_that_are_no_names_are_not_sent(self, client: Client, api: FakeApi, name: str) -> None:
        with pytest.raises(InvalidArgument):
            client.agents.delete(name)

        assert api.seen == []

    def test_a_definition_needs_a_name(self, client: Client) -> None:
        with pytest.raises(InvalidArgument, match="no `name`"):
            client.agents.put({"instructions": "Write."})

    def test_validate(self, client: Client) -> None:
        result = client.workflows.validate({"name": "brief", "steps": [{"id": "write", "agent": "writer"}]})

        assert not result.valid
        assert result.errors == (Detail(pointer="/steps/0/agent", message="there is no agent `writer`"),)
        assert result.estimate.model_calls is None

    def test_definitions_are_validated_together(self, client: Client) -> None:
        workflow = {"name": "brief", "steps": [{"id": "write", "agent": "writer", "when": "false"}]}
        first, second = client.validate([("workflows", workflow), ("agents", {"name": "writer", "instructions": "x"})])

        assert first.valid
        assert second.valid
        assert [detail.pointer for detail in first.warnings] == ["/steps/0/when"]
        assert first.estimate.output_usd == Decimal("0.003")

    def test_tools_are_definitions_too(self, client: Client, api: FakeApi) -> None:
        client.tools.put({"name": "mail", "function": "send-mail"})

        assert client.tools.get("mail").version == 1
        assert set(api.definitions["tools"]) == {"mail"}

    def test_prompts_and_their_labels(self, client: Client, api: FakeApi) -> None:
        client.prompts.put({"name": "greet", "template": "Hi."})
        placed = client.prompts.put_label("greet", "production", 2, if_match='"0"')
        assert (placed.version, placed.protected, placed.etag) == (2, True, '"1"')
        assert (api.seen[-1].body, api.seen[-1].headers["if-match"]) == ({"version": 2}, '"0"')
        assert client.prompts.labels("greet").moves[0].before == 1
        assert [move.after for move in client.prompts.moves("greet")] == [2, 2, 2]
        client.prompts.delete_label("greet", "production")
        assert api.seen[-1].path == "/api/prompts/greet/labels/production"

    def test_versions_of_a_prompt_side_by_side(self, client: Client, api: FakeApi) -> None:
        found = client.prompts.diff("greet", 1, "production")
        assert api.seen[-1].query == {"from": "1", "to": "production"}
        assert (found.before.version, found.after.version) == (1, 2)
        assert [piece.kind for piece in found.lines[1].pieces] == ["same", "removed", "added"]
        assert found.as_sent()["from"] == {"version": 1}

    def test_uses(self, client: Client) -> None:
        found = list(client.agents.uses("host"))
        assert [(use.kind, use.name, use.direct) for use in found] == [
            ("agent", "host", True),
            ("workflow", "hello", False),
            ("schedule", "daily", False),
        ]

    def test_evaluations(self, client: Client, api: FakeApi) -> None:
        graders = [{"name": "exact", "rule": "equals"}]
        started = client.evaluations.start(agent="host", data="capitals", graders=graders, idempotency_key="k")
        assert api.seen[-1].body == {"agent": "host", "data": "capitals", "graders": graders}
        assert api.seen[-1].headers["idempotency-key"] == "k"
        assert started.evaluation.target == "host@2"
        found = client.evaluations.get(started.id, cases="failed", page_size=7)
        assert api.seen[-1].query == {"cases": "failed", "limit": "7"}
        assert (found.summary.graders[0].passed, found.cases.items[0].grades["exact"].passed) == (1, False)
        assert [one.evaluation.kind for one in client.evaluations.list(kind="trial")] == ["trial"] * 3
        compared = client.evaluations.compare(started.id, "b" * 32)
        assert (compared.graders[0].lost[0].id, compared.cost_difference) == ("it", Decimal("0.0003"))

    def test_a_prompt_tried_on_past_executions(self, client: Client, api: FakeApi) -> None:
        record = client.prompts.try_on("greet", "host", ["e" * 32], version=3)
        assert api.seen[-1].body == {"agent": "host", "executions": ["e" * 32], "version": 3, "graders": []}
        assert client.evaluations.get(record.id).cases.items[0].recorded is not None

    def test_schema(self, client: Client, api: FakeApi) -> None:
        assert client.agents.schema()["type"] == "object"
        assert api.seen[-1].path == "/api/schemas/agent"


class TestExecutions:
    def test_start_sends_what_is_asked(self, client: Client, api: FakeApi) -> None:
        execution = client.executions.start("brief@2", {"product": "tea"}, wait=20, idempotency_key="k")

        seen = api.seen[-1]
        assert seen.body == {"workflow": "brief@2", "input": {"product": "tea"}}
        assert seen.query == {"wait": "20"}
        assert seen.headers["idempotency-key"] == "k"
        assert execution.status == "running"
        assert not execution.is_ended

    def test_start_takes_a_whole_definition_and_no_input(self, client: Client, api: FakeApi) -> None:
        client.executions.start({"name": "draft", "steps": []})

        assert api.seen[-1].body == {"definition": {"name": "draft", "steps": []}, "input": {}}
        assert "idempotency-key" not in api.seen[-1].headers

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("https://a.example/x", {"url": "https://a.example/x"}),
            ({"url": "https://a.example/x", "events": ["failed"]},) * 2,
        ],
    )
    def test_a_webhook_is_named_and_asked_after(self, client: Client, api: FakeApi, given: Any, sent: Any) -> None:
        execution = client.executions.start("brief", webhook=given)

        assert api.seen[-1].body == {"workflow": "brief", "input": {}, "webhook": sent}
        delivery = client.executions.webhook(execution.id)
        assert (delivery.url, delivery.state, delivery.attempts[0].status) == ("https://a.example/x", "delivering", 500)
        assert delivery.next is not None

    def test_get(self, client: Client, api: FakeApi) -> None:
        execution = client.executions.get(api.add_execution(short_log("Tea.")))

        assert (execution.status, execution.output, execution.usage.cost_usd) == ("completed", "Tea.", Decimal("0.001"))
        assert execution.is_ended

    def test_list_turns_pages_as_it_is_read(self, client: Client, api: FakeApi) -> None:
        ids = [api.add_execution(short_log()) for _ in range(5)]
        listed = client.executions.list()

        assert next(listed).id == ids[-1]
        assert len(api.seen) == 1
        assert [execution.id for execution in listed] == ids[-2::-1]
        assert len(api.seen) == 3

    def test_list_by_status(self, client: Client, api: FakeApi) -> None:
        api.add_execution(short_log())
        running = api.add_execution(short_log()[:2])

        assert [execution.id for execution in client.executions.list(status="running", workflow="brief")] == [running]
        assert api.seen[-1].query == {"status": "running", "workflow": "brief", "limit": "50"}

    def test_hold_and_release(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())

        held = client.executions.hold(execution, "a law suit")
        assert held.hold is not None
        assert (held.hold.reason, held.hold.by) == ("a law suit", "local")
        with pytest.raises(ApiError, match="on hold"):
            client.executions.delete(execution)
        assert client.executions.release(execution).hold is None

    def test_delete(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())
        client.executions.delete(execution)

        assert api.executions == {}
        with pytest.raises(ApiError) as missing:
            client.executions.delete(execution)
        assert missing.value.status == 404

    def test_events_page(self, client: Client, api: FakeApi) -> None:
        log = short_log()
        execution = api.add_execution(log)
        first = client.executions.events(execution, limit=3)
        rest = client.executions.events(execution, first.next)

        assert [*first.events, *rest.events] == [parsed(made) for made in log]
        assert (first.ended, rest.ended) == (False, True)

    def test_value_loads_what_is_too_large_for_the_log(self, client: Client, api: FakeApi) -> None:
        log = numbered(started(), call_completed("write", "writer", None, artifact="sha/1"))
        execution = api.add_execution(log)
        api.artifacts["sha"] = "wrong"
        api.artifacts["sha-1"] = {"long": "text"}
        log[1]["artifact"] = "sha-1"
        small, large = client.executions.events(execution).events

        assert client.executions.value(execution, small) == {}
        assert client.executions.value(execution, large) == {"long": "text"}

    def test_diff(self, client: Client, api: FakeApi) -> None:
        api.answers.append(JSONResponse(diff(diff_row("write", "changed", "output", first=["output"]))))
        made = client.executions.diff("1" * 32, "2" * 32, changed=True, limit=5)

        assert (api.seen[-1].path, api.seen[-1].query) == (
            f"/api/executions/{'1' * 32}/diff/{'2' * 32}",
            {"changed": "true", "limit": "5"},
        )
        assert (made.rows[0].alignment, made.rows[0].first, made.left.usage.cost_usd) == (
            "changed",
            ("output",),
            Decimal("0.001"),
        )

    @pytest.mark.parametrize(
        ("content", "media_type"), [(b"PK\x03\x04", "application/zip"), (b"{}", "application/json")]
    )
    def test_a_bundle_there_and_back(self, client: Client, api: FakeApi, content: bytes, media_type: str) -> None:
        execution = api.add_execution(short_log(), imported_from="1" * 32)
        api.answers.extend([Response(content), JSONResponse(api.executions[execution], 201)])
        exported = client.executions.export(execution, zipped=content != b"{}")
        record = client.executions.import_bundle(exported, idempotency_key="k")

        asked, sent = api.seen[-2:]
        assert (exported, asked.path) == (content, f"/api/executions/{execution}/bundle")
        assert asked.query == ({} if content == b"{}" else {"format": "zip"})
        assert (sent.method, sent.path) == ("POST", "/api/executions/import")
        assert (sent.headers["content-type"], sent.headers["idempotency-key"]) == (media_type, "k")
        assert sent.body == (content if content != b"{}" else {})
        assert record.imported_from == "1" * 32

    def test_a_bundle_that_is_refused(self, client: Client, api: FakeApi) -> None:
        bad = {"pointer": "/events/3/id", "message": "another event has this id"}
        api.answers.append(problem(400, "invalid_request", "It cannot be imported.", "Export it again.", bad))
        api.answers.append(problem(413, "too_large", "It is too large.", "Read its log."))
        with pytest.raises(ApiError) as refused:
            client.executions.import_bundle(b"{}")
        assert refused.value.details == (Detail(**bad),)
        with pytest.raises(ApiError, match="too large"):
            client.executions.export("1" * 32)

    def test_chat_of_a_step_inside_another(self, client: Client, api: FakeApi) -> None:
        chat = client.executions.chat(api.add_execution(short_log()), "each[0]/debate")

        assert chat.window[0].speaker == "each[0]/debate"


class TestControl:
    def test_pause_and_resume(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log()[:2])

        paused = client.executions.pause(execution)
        assert (paused.status, paused.is_ended) == ("paused", False)
        assert client.executions.resume(execution).status == "running"

    def test_cancel_may_be_waited_for(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log()[:2])

        canceling = client.executions.cancel(execution)
        assert (canceling.status, canceling.is_ended) == ("canceling", False)
        assert api.seen[-1].query == {}
        canceled = client.executions.cancel(execution, wait=20)
        assert (canceled.status, canceled.is_ended) == ("canceled", True)
        assert api.seen[-1].query == {"wait": "20"}

    def test_what_has_ended_takes_no_orders(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())

        for order in (client.executions.pause, client.executions.resume, client.executions.cancel):
            with pytest.raises(ApiError, match="is completed") as refused:
                order(execution)
            assert (refused.value.status, refused.value.code) == (409, "conflict")

    def test_retry(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(numbered(started(), failed()))

        assert client.executions.retry(execution, idempotency_key="k").retry_of == execution
        assert api.seen[-1].headers["idempotency-key"] == "k"

    def test_fork_sends_what_is_changed_alone(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log())
        changes: dict[str, Any] = {"input": {"product": "tea"}, "outputs": {"a/b": None}, "agents": {"writer": WRITER}}

        made = client.executions.fork(execution, before="write", **changes, idempotency_key="k")
        assert api.seen[-1].body == {"before": "write", **changes}
        assert api.seen[-1].headers["idempotency-key"] == "k"
        assert made.retry_of == execution
        assert made.fork is not None
        assert (made.fork.before, made.fork.outputs, made.fork.edited) == (
            "write",
            ("a/b",),
            ("input", "agents/writer"),
        )

    def test_fork_after_an_offset_with_another_workflow(self, client: Client, api: FakeApi) -> None:
        made = client.executions.fork(api.add_execution(short_log()), after=0, workflow={"name": "brief"})

        assert api.seen[-1].body == {"after": 0, "workflow": {"name": "brief"}}
        assert made.fork is not None
        assert made.fork.until == 1

    @pytest.mark.parametrize("value", [None, False, 0, "", "text", [1], {"a": None}])
    def test_send_takes_any_json(self, client: Client, api: FakeApi, value: Any) -> None:
        sent = client.executions.send(api.add_execution(short_log()[:2]), "go", value, idempotency_key="k")

        assert (sent.type, sent.data["name"], sent.value) == ("signal.received", "go", value)
        assert api.seen[-1].body == value
        assert api.seen[-1].headers["idempotency-key"] == "k"

    @pytest.mark.parametrize("value", ["\udcff", float("nan"), {1}], ids=["half a character", "nan", "set"])
    def test_what_no_json_can_say_is_not_sent(self, client: Client, api: FakeApi, value: Any) -> None:
        with pytest.raises(InvalidArgument, match="cannot be sent"):
            client.executions.send("x", "go", value)

        assert api.seen == []

    def test_a_key_that_no_header_can_carry_is_not_sent(self, client: Client, api: FakeApi) -> None:
        with pytest.raises(InvalidArgument, match="cannot be sent"):
            client.executions.retry("x", idempotency_key="ключ")

        assert api.seen == []


class TestApprovals:
    def test_list_turns_pages_as_it_is_read(self, client: Client, api: FakeApi) -> None:
        execution = api.add_execution(short_log()[:2])
        made = [api.add_approval(execution) for _ in range(5)]
        client.approvals.decide(made[2], "approve")

        assert [one.id for one in client.approvals.list()] == made[::-1]
        pending = client.approvals.list(state="pending", execution=execution)
        assert [one.id for one in pending] == [made[4], made[3], made[1], made[0]]
        query = {"state": "pending", "execution": execution, "limit": "50", "continuation": "2"}
        assert api.seen[-1].query == query
        assert list(client.approvals.list(execution="another")) == []

    def test_get(self, client: Client, api: FakeApi) -> None:
        approval = api.add_approval(api.add_execution([]), deadline="2026-11-24T12:00:00Z")

        question = client.approvals.get(approval)
        assert (question.ask, question.show, question.options) == ("Publish this?", "Tea.", ("approve", "reject"))
        assert question.deadline == datetime(2026, 11, 24, 12, tzinfo=UTC)
        with pytest.raises(ApiError) as missing:
            client.approvals.get("unknown")
        assert missing.value.status == 404

    def test_the_first_decision_stands(self, client: Client, api: FakeApi) -> None:
        approval = api.add_approval(api.add_execution([]))

        decided = client.approvals.decide(approval, "reject", comment="Too short.")
        assert (decided.state, decided.decision, decided.comment, decided.by) == (
            "decided",
            "reject",
            "Too short.",
            "local",
        )
        with pytest.raises(ApiError, match="is settled") as late:
            client.approvals.decide(approval, "approve")
        assert late.value.status == 409


class TestLibrary:
    def test_sent_found_and_taken_away(self, client: Client, api: FakeApi) -> None:
        sent = client.library.put("c", "a.md", b"hello", title="Hi", create_only=True)
        assert (sent.status, sent.title, sent.etag) == ("indexing", "Hi", '"1"')
        assert api.seen[-1].headers["if-none-match"] == "*"
        client.library.put("c", "b.md", b"more")
        assert [one.name for one in client.library.list("c")] == ["a.md", "b.md"]
        assert client.library.content("c", "a.md") == b"hello"
        client.library.get("c", "a.md")
        assert client.library.get("c", "a.md").status == "ready"
        assert [one.name for one in client.library.collections()] == ["c"]
        found = client.library.search("c", "money", top=2, mode="text", documents=["a.md"])
        assert (found.items[0].page, found.usage.tokens) == (3, 3)
        assert api.seen[-1].body == {"query": "money", "top": 2, "mode": "text", "documents": ["a.md"]}
        client.library.delete("c", "a.md", if_match='"1"')
        assert api.seen[-1].headers["if-match"] == '"1"'
        gone = client.library.delete_collection("c", vectors=True)
        assert (gone.documents, gone.vectors) == (1, 7)

    def test_citations(self, client: Client) -> None:
        [answer] = client.library.citations("e1")
        assert (answer.cited[0].document, answer.unknown) == ("a.md", ("[b#1]",))

    def test_names_cannot_leave_their_place_in_the_address(self, client: Client, api: FakeApi) -> None:
        with pytest.raises(ApiError):
            client.library.get("c", "../../me?x=1#y")
        assert all(seen.path.startswith("/api/library/c/documents/") for seen in api.seen)


class TestBudgets:
    def test_kept_and_read(self, client: Client) -> None:
        first = client.budgets.put({"name": "all", "cost_usd": "5"}, create_only=True)
        assert (first.definition["cost_usd"], first.spent.cost_usd) == ("5", Decimal("0.75"))
        changed = client.budgets.put({"name": "all", "cost_usd": "9"}, if_match=first.etag)
        assert [changed] == list(client.budgets.list()) == [client.budgets.get("all")]
        with pytest.raises(ApiError, match="has changed"):
            client.budgets.put({"name": "all"}, if_match=first.etag)
        client.budgets.delete("all")
        assert list(client.budgets.list()) == []

    def test_raising_that_of_an_execution(self, client: Client, api: FakeApi) -> None:
        reached = {"path": "", "what": "2 of 2 model calls", "cap": {"model_calls": 2}}
        execution = api.add_execution([], status="paused", paused_for=reached)
        held = client.executions.get(execution)
        assert held.paused_for is not None
        assert held.paused_for.what == "2 of 2 model calls"
        still = client.executions.raise_budget(execution, "s", tokens=9, resume=False)
        assert (still.status, api.seen[-1].body) == ("paused", {"path": "s", "tokens": 9, "resume": False})
        going = client.executions.raise_budget(execution, cost_usd=Decimal("1.50"))
        assert (going.status, api.seen[-1].body) == ("running", {"path": "", "cost_usd": "1.50"})


class TestUsage:
    def test_by_what_is_asked_for(self, client: Client, api: FakeApi) -> None:
        report = client.usage(by=("day", "model"), first=date(2026, 11, 1))
        assert api.seen[-1].query == {"from": "2026-11-01", "by": "day,model"}
        assert (report.items[0].day, report.items[0].model) == (date(2026, 11, 27), "=model-1")
        assert report.total.cost_usd == Decimal("0.5")

    def test_of_one_execution(self, client: Client, api: FakeApi) -> None:
        report = client.executions.usage(api.add_execution([]))
        assert report.by == ("step", "agent", "model")


class TestRetention:
    def test_put_and_get(self, client: Client) -> None:
        first = client.retention.get()
        stored = client.retention.put({"completed": "P30D"}, create_only=True)

        assert (first.policy.completed, first.etag) == (None, None)
        assert stored == client.retention.get()
        assert stored.policy.completed == timedelta(days=30)
        assert stored.policy.as_sent() == {"completed": "P30D", "failed": None, "canceled": None}

    def test_etags_guard_against_races(self, client: Client) -> None:
        first = client.retention.put({"failed": "P1D"})
        client.retention.put({"failed": "P2D"}, if_match=first.etag)

        for conditions in ({"if_match": first.etag}, {"create_only": True}):
            with pytest.raises(ApiError, match="has changed"):
                client.retention.put({}, **conditions)

    def test_purge(self, client: Client, api: FakeApi) -> None:
        made = [api.add_execution(short_log()) for _ in range(4)]
        client.executions.hold(made[0], "a law suit")

        purged = client.retention.purge(batch=2)
        assert (purged.purged, purged.held, purged.more) == (2, 1, True)
        assert api.seen[-1].query == {"batch": "2"}
        assert client.retention.purge().more is False
        assert list(api.executions) == made[:1]


class TestModels:
    def test_put_get_list_delete(self, client: Client) -> None:
        for alias in ("small", "big"):
            client.models.put(alias, {"provider": "openai", "model": alias})
        stored = client.models.get("small")
        assert (stored.source, stored.model, stored.price) == ("stored", {"provider": "openai", "model": "small"}, None)
        assert stored.etag
        client.models.delete("small", if_match=stored.etag)
        assert [model.alias for model in client.models.list()] == ["big"]

    def test_conditions_are_sent(self, client: Client, api: FakeApi) -> None:
        client.models.put("small", {"provider": "openai", "model": "m"}, create_only=True)
        assert api.seen[-1].headers["if-none-match"] == "*"
        client.models.put("small", {"provider": "openai", "model": "m"}, if_match='"7"')
        assert api.seen[-1].headers["if-match"] == '"7"'
        client.models.delete("small", if_match='"7"')
        assert api.seen[-1].headers["if-match"] == '"7"'


class TestSchedules:
    def test_put_get_list_delete(self, client: Client) -> None:
        for name in ("c", "a", "b"):
            client.schedules.put(DAILY | {"name": name})

        stored = client.schedules.get("a")
        assert (stored.definition, stored.paused) == (DAILY | {"name": "a"}, False)
        assert stored.next == datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
        assert stored.etag
        client.schedules.delete("b", if_match=stored.etag)
        assert [(row.name, row.cron) for row in client.schedules.list()] == [("a", DAILY["cron"]), ("c", DAILY["cron"])]

    def test_conditions_are_sent(self, client: Client, api: FakeApi) -> None:
        client.schedules.put(DAILY, create_only=True)
        with pytest.raises(ApiError, match="exists"):
            client.schedules.put(DAILY, create_only=True)
        client.schedules.put(DAILY, if_match='"7"')
        assert api.seen[-1].headers["if-match"] == '"7"'
        client.schedules.delete("daily", if_match='"7"')
        assert api.seen[-1].headers["if-match"] == '"7"'

    def test_a_schedule_needs_a_name(self, client: Client, api: FakeApi) -> None:
        with pytest.raises(InvalidArgument):
            client.schedules.put({"cron": "0 7 * * *"})
        assert api.seen == []

    def test_pause_resume_run_next(self, client: Client, api: FakeApi) -> None:
        client.schedules.put(DAILY)

        assert (client.schedules.pause("daily").paused, client.schedules.pause("daily").next) == (True, None)
        assert not client.schedules.resume("daily").paused
        assert client.schedules.run("daily", idempotency_key="k").workflow == "brief"
        assert api.seen[-1].headers["idempotency-key"] == "k"
        found = client.schedules.next("daily", 2)
        assert (found.time_zone, [time.day for time in found.times]) == ("Europe/Berlin", [23, 24])


class TestAnswers:
    def test_me_and_health(self, client: Client) -> None:
        assert client.me().roles == ("admin",)
        assert client.health().status == "ok"

    def test_a_deep_look_says_what_was_tried(self, client: Client) -> None:
        assert client.health().checks == {}
        found = client.health(deep=True)
        assert (found.build, found.checks["documents"].seconds) == ("b1", 0.1)

    def test_keys_of_a_newer_server_are_kept(self, client: Client) -> None:
        assert client.health().as_sent()["new"] == 1

    def test_every_request_carries_the_token_and_who_we_are(self, client: Client, api: FakeApi) -> None:
        client.me()

        assert api.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"
        assert api.seen[-1].headers["user-agent"].startswith("meta-agents/")

    def test_a_problem_becomes_an_error(self, client: Client, api: FakeApi) -> None:
        bad = {"pointer": "/input/product", "message": "is missing"}
        api.answers.append(problem(422, "invalid_input", "The input is not valid.", "Correct it.", bad))

        with pytest.raises(ApiError) as raised:
            client.executions.start("brief")

        error = raised.value
        assert (error.status, error.code, error.message) == (422, "invalid_input", "The input is not valid.")
        assert (error.action, error.details) == ("Correct it.", (Detail(**bad),))
        assert str(error) == "The input is not valid. Correct it."
        assert not error.is_temporary

    @pytest.mark.parametrize(
        "answer",
        [
            Response("<html>Bad gateway</html>", 502, media_type="text/html"),
            Response("<html>Welcome</html>", 200, media_type="text/html"),
            JSONResponse(["not", "an", "object"]),
            JSONResponse({"other": "shape"}),
            Response(status_code=307, headers={"location": "http://example.invalid/"}),
        ],
        ids=["error page", "page", "list", "shape", "redirect"],
    )
    def test_an_answer_of_somebody_else_is_an_error(self, client: Client, api: FakeApi, answer: Response) -> None:
        api.answers.append(answer)

        with pytest.raises(ApiError, match="META_AGENTS_URL") as raised:
            client.me()

        assert raised.value.code == "unexpected_answer"

    def test_nobody_there(self, client: Client, server: Server) -> None:
        server.stop()
        try:
            with pytest.raises(Unreachable, match=rf"{server.url} did not answer: .*make start"):
                client.health()
        finally:
            server.restart()


def test_a_proxy_is_not_asked_for_this_machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with Client(server.url, TOKEN) as client:
        assert client.health().status == "ok"
