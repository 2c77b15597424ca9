"""Naming a webhook at the start, and reading what came of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.recovery import recover
from api.starting import StartRequest
from domain.executions import Status
from domain.values import content_hash
from domain.webhooks import Attempt
from services.settings import Settings
from services.webhooks.sender import WebhookSender
from services.wiring import Services, build, use
from tests.api.conftest import FakeDurable, authenticate, finish, problem, without
from tests.api.test_executions import nothing_left
from tests.support.receiver import SECRET

HOOK = {"url": "https://hooks.example.com/x"}
ALL = ["completed", "failed", "canceled"]
START = {"workflow": "brief", "input": {"topic": "tea"}, "webhook": HOOK}


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """Those of a deployment that calls one host."""
    environment = {"META_AGENTS_STATE_DIR": str(tmp_path / "state"), "WEBHOOK_SECRET": SECRET}
    built = build(Settings.from_environment({**environment, "WEBHOOK_HOSTS": "hooks.example.com,localhost"}))
    built = dataclasses.replace(built, authenticate=authenticate)
    use(built)
    yield built
    use(None)
    await built.close()


@pytest.fixture
async def hooked(api: httpx.AsyncClient, brief: str) -> str:
    """Id of a running execution with a webhook."""
    answer = await api.post("/api/executions", json=START)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


class TestNaming:
    async def test_it_is_kept_and_handed_to_the_orchestration(
        self, api: httpx.AsyncClient, hooked: str, durable: FakeDurable
    ) -> None:
        kept = {**HOOK, "events": ALL}
        assert (await api.get(f"/api/executions/{hooked}")).json()["webhook"] == kept
        assert durable.started[hooked]["webhook"] == kept

    async def test_only_some_ends_may_be_asked_for(
        self, api: httpx.AsyncClient, brief: str, durable: FakeDurable
    ) -> None:
        webhook = {"url": "http://localhost/x", "events": ["failed"]}
        record = (await api.post("/api/executions", json={**START, "webhook": webhook})).json()
        assert durable.started[record["id"]]["webhook"] == webhook

    async def test_without_one_an_orchestration_starts_as_it_did_before_there_were_any(
        self, api: httpx.AsyncClient, execution: str, durable: FakeDurable
    ) -> None:
        assert "webhook" not in durable.started[execution]
        assert (await api.get(f"/api/executions/{execution}")).json()["webhook"] is None

    @pytest.mark.parametrize(
        ("webhook", "pointer", "says"),
        [
            ({"url": "https://other.example.com/"}, "/webhook/url", "WEBHOOK_HOSTS does not list other.example.com"),
            ({"url": "https://hooks.example.com:8443/"}, "/webhook/url", "WEBHOOK_HOSTS does not list"),
            ({"url": "https://127.0.0.1/"}, "/webhook/url", "WEBHOOK_HOSTS does not list"),
            ({"url": "http://hooks.example.com/"}, "/webhook/url", "write https"),
            ({"url": "https://hooks.example.com@evil.example/"}, "/webhook/url", "user name"),
            ({"url": "https://2130706433/"}, "/webhook/url", "Expected 4 octets"),
            ({"url": "ftp://hooks.example.com/"}, "/webhook/url", "https://HOST/PATH"),
            ({"url": ["https://hooks.example.com/"]}, "/webhook/url", "should be text"),
            ({}, "/webhook/url", ""),
            ("https://hooks.example.com/", "/webhook", ""),
            ({**HOOK, "events": []}, "/webhook/events", ""),
            ({**HOOK, "events": ["ended"]}, "/webhook/events/0", "completed"),
            ({**HOOK, "evnts": ["failed"]}, "/webhook/evnts", "did you mean `events`?"),
        ],
    )
    async def test_one_that_may_not_be_called_starts_nothing(
        self,
        api: httpx.AsyncClient,
        brief: str,
        services: Services,
        durable: FakeDurable,
        webhook: Any,
        pointer: str,
        says: str,
    ) -> None:
        errors = problem(await api.post("/api/executions", json={**START, "webhook": webhook}), 400, "invalid_request")
        assert list(errors) == [pointer]
        assert says in errors[pointer]
        assert await nothing_left(api, services, durable)

    async def test_where_webhooks_are_off_the_setting_is_named(
        self, api: httpx.AsyncClient, brief: str, services: Services, durable: FakeDurable
    ) -> None:
        use(dataclasses.replace(services, webhooks=WebhookSender(Settings())))
        errors = problem(await api.post("/api/executions", json=START), 400, "invalid_request")
        assert "its setting WEBHOOK_HOSTS lists no host" in errors["/webhook/url"]
        assert await nothing_left(api, services, durable)

    async def test_one_that_is_started_by_recovery_has_the_same(
        self, hooked: str, services: Services, durable: FakeDurable
    ) -> None:
        payload = durable.started.pop(hooked)
        assert await recover(services, durable) == 0
        assert durable.started == {hooked: without(payload, "head", "quiet")}

    async def test_a_key_is_for_one_webhook(self, api: httpx.AsyncClient, brief: str, durable: FakeDurable) -> None:
        headers = {"Idempotency-Key": "k"}
        first, again = [await api.post("/api/executions", json=START, headers=headers) for _ in range(2)]
        assert first.json() == again.json()
        elsewhere = {**START, "webhook": {"url": "https://hooks.example.com/y"}}
        problem(await api.post("/api/executions", json=elsewhere, headers=headers), 409, "conflict")
        assert len(durable.started) == 1

    def test_a_request_without_one_is_the_request_that_0_1_0_remembered(self) -> None:
        asked = {"workflow": "brief", "definition": None, "input": {"topic": "tea"}}
        assert StartRequest.model_validate({**asked, "webhook": None}).fingerprint == content_hash(asked)


class TestEnding:
    async def test_one_that_was_never_started_cannot_tell_of_its_cancel_and_that_is_said(
        self, api: httpx.AsyncClient, hooked: str, durable: FakeDurable
    ) -> None:
        durable.started.clear()
        assert (await api.post(f"/api/executions/{hooked}/cancel")).json()["status"] == "canceled"
        shown = (await api.get(f"/api/executions/{hooked}/webhook")).json()
        assert shown["state"] == "given_up"
        assert "had no orchestration left" in shown["attempts"][0]["error"]

    async def test_one_that_still_tells_of_its_end_has_ended(
        self, api: httpx.AsyncClient, hooked: str, services: Services, durable: FakeDurable
    ) -> None:
        """Nobody cancels it, and no recovery looks after it."""
        await finish(services, hooked)
        problem(await api.post(f"/api/executions/{hooked}/cancel"), 409, "conflict")
        assert durable.woken == []
        assert await services.executions.running() == []

    @pytest.mark.parametrize("verb", ["retry", "fork"])
    async def test_what_goes_on_from_it_has_the_same(
        self, api: httpx.AsyncClient, hooked: str, services: Services, durable: FakeDurable, verb: str
    ) -> None:
        await finish(services, hooked, Status.FAILED)
        again = (await api.post(f"/api/executions/{hooked}/{verb}", json={})).json()
        assert again["webhook"] == durable.started[again["id"]]["webhook"] == {**HOOK, "events": ALL}


class TestReading:
    async def test_before_the_end(self, api: httpx.AsyncClient, hooked: str) -> None:
        assert (await api.get(f"/api/executions/{hooked}/webhook")).json() == {
            **HOOK,
            "events": ALL,
            "state": "waiting",
            "webhook_id": None,
            "attempts": [],
            "next": None,
        }

    async def test_attempts_and_the_next(self, api: httpx.AsyncClient, hooked: str, services: Services) -> None:
        await finish(services, hooked)
        seen = [await self.shown(api, hooked)]
        time = datetime(2026, 1, 1, tzinfo=UTC)
        failed = Attempt(number=1, time=time, seconds=0.5, status=500, error="It answered 500.", next=time)
        taken = Attempt(number=2, time=time + timedelta(seconds=5), seconds=0.1, status=204)
        for attempt in (failed, taken):
            await services.deliveries.record("one", hooked, attempt)
            seen.append(await self.shown(api, hooked))
        assert [one["state"] for one in seen] == ["delivering", "delivering", "delivered"]
        assert {one["webhook_id"] for one in seen} == {f"{hooked}-completed"}
        assert [one["next"] for one in seen] == [None, "2026-01-01T00:00:00Z", None]
        assert seen[-1]["attempts"] == [
            {"number": 1, "time": "2026-01-01T00:00:00Z", "seconds": 0.5, "status": 500, "error": "It answered 500."},
            {"number": 2, "time": "2026-01-01T00:00:05Z", "seconds": 0.1, "status": 204, "error": None},
        ]

    async def test_given_up(self, api: httpx.AsyncClient, hooked: str, services: Services) -> None:
        await finish(services, hooked)
        gone = Attempt(number=1, time=datetime.now(UTC), seconds=0, status=410, error="Gone.")
        await services.deliveries.record("one", hooked, gone)
        assert (await self.shown(api, hooked))["state"] == "given_up"

    async def test_an_end_that_was_not_asked_for(self, api: httpx.AsyncClient, brief: str, services: Services) -> None:
        webhook = {**HOOK, "events": ["failed"]}
        record = (await api.post("/api/executions", json={**START, "webhook": webhook})).json()
        await finish(services, record["id"])
        assert (await self.shown(api, record["id"]))["state"] == "skipped"

    async def test_there_is_none(self, api: httpx.AsyncClient, execution: str) -> None:
        problem(await api.get(f"/api/executions/{execution}/webhook"), 404, "not_found")
        problem(await api.get(f"/api/executions/{'0' * 32}/webhook"), 404, "not_found")

    async def test_it_is_nobody_else_s(self, other: httpx.AsyncClient, hooked: str) -> None:
        problem(await other.get(f"/api/executions/{hooked}/webhook"), 404, "not_found")

    @staticmethod
    async def shown(api: httpx.AsyncClient, id: str) -> dict[str, Any]:
        shown: dict[str, Any] = (await api.get(f"/api/executions/{id}/webhook")).json()
        return shown
