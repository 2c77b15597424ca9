"""The admin face of the host, and through it timer functions from decorator to call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.devhost.conftest import HostClient, MakeApp, Serve

BY_HAND = {"input": ""}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOW_OFTEN", "00:10:00")


async def seen(client: HostClient) -> object:
    return (await client.get("/api/seen")).json()


async def test_a_timer_fires_by_hand(serve: Serve) -> None:
    async with serve("timed") as client:
        at_start = await seen(client)
        response = await client.post("/admin/functions/YEARLY", json=BY_HAND)
        by_hand = await seen(client)
    assert at_start == {"Schedule": {"AdjustForDST": False}, "ScheduleStatus": None, "IsPastDue": False}
    assert (response.status_code, response.content) == (202, b"")
    assert isinstance(by_hand, dict)
    assert by_hand["past_due"] is False
    assert by_hand["schedule"] == {"AdjustForDST": True}
    assert by_hand["status"]["Last"] == "0001-01-01T00:00:00+00:00"
    assert by_hand["status"]["Next"].endswith("-01-01T00:00:00+00:00")


async def test_a_tick_missed_before_this_start_is_past_due(serve: Serve, tmp_path: Path) -> None:
    year = '{"last": "%d-01-01T00:00:00Z", "next": "%d-01-01T00:00:00Z", "updated": "%d-01-01T00:00:00Z"}'
    (tmp_path / "state.db.timers.json").write_text(f'{{"yearly": {year % (2020, 2021, 2020)}}}')
    async with serve("timed") as client:
        both = [await seen(client), await seen(client)]
    assert [ticks["past_due"] for ticks in both if isinstance(ticks, dict) and "past_due" in ticks] == [True]


async def test_a_failing_timer_is_retried_and_knows(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async with serve("timed") as client:
        await seen(client)
        await client.post("/admin/functions/failing", json=BY_HAND)
        attempts = [await seen(client) for _ in range(3)]
        await client.post("/admin/functions/yearly", json=BY_HAND)
        after = await seen(client)
    assert attempts == [[0, 2, None], [1, 2, "ValueError: attempt 0"], [2, 2, "ValueError: attempt 1"]]
    assert isinstance(after, dict)  # and no fourth attempt
    assert len(re.findall(r"failed +\d+ ms  failing\n", caplog.text)) == 3


async def test_http_functions_are_not_retried(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async with serve("timed") as client:
        await seen(client)
        response = await client.get("/api/failing")
        assert await seen(client) == [0, 0]
    assert response.status_code == 500
    assert (
        "failing_http: @app.retry is ignored, because the host does not retry functions of this trigger (httpTrigger)"
        in caplog.text
    )
    assert len(re.findall(r"500 +\d+ ms  failing_http  GET /api/failing", caplog.text)) == 1


async def test_a_timer_starts_an_orchestration(serve: Serve) -> None:
    async with serve("timed") as client:
        await seen(client)
        await client.post("/admin/functions/orchestrating", json=BY_HAND)
        assert await seen(client) == "by-timer"
        status = await client.get("/runtime/webhooks/durabletask/instances/by-timer")
    assert status.json()["name"] == "nothing"


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        ("yearly", "", 400, "The body must be a JSON object"),
        ("yearly", "[]", 400, "The body must be a JSON object"),
        ("unknown", "{}", 404, "There is no function 'unknown'; this app has failing, failing_http, next_seen"),
        ("next_seen", "{}", 404, "has an HTTP trigger: call http://127.0.0.1:"),
        ("nothing", "{}", 404, "Only the durable engine runs the function 'nothing' (orchestrationTrigger)"),
        ("unreadable", "{}", 404, "is not served: its schedule cannot be read: 'every now and then' has 4 fields"),
    ],
)
async def test_what_cannot_be_run_by_hand(serve: Serve, path: str, body: str, code: int, message: str) -> None:
    async with serve("timed") as client:
        response = await client.post(f"/admin/functions/{path}", content=body)
    assert response.status_code == code
    assert message in response.json()["message"]


async def test_functions_are_described(serve: Serve) -> None:
    async with serve("timed") as client:
        functions = (await client.get("/admin/functions")).json()
        timer = (await client.get("/admin/functions/Failing")).json()
        url = client.host.url
        unknown = await client.get("/admin/functions/unknown")
    by_name = {function["name"]: function for function in functions}
    assert list(by_name) == sorted(by_name)
    assert by_name["next_seen"]["invoke_url_template"] == f"{url}/api/seen"
    assert timer == by_name["failing"]
    assert timer["href"] == f"{url}/admin/functions/failing"
    assert timer["invoke_url_template"] is None
    assert timer["config"]["bindings"] == [
        {"direction": "IN", "type": "timerTrigger", "name": "timer", "schedule": "1.00:00:00"}
    ]
    assert unknown.status_code == 404


async def test_functions_tell_what_is_wrong_with_them(serve: Serve) -> None:
    async with serve("timed") as client:
        fine = await client.get("/admin/functions/yearly/status")
        wrong = await client.get("/admin/functions/unreadable/status")
        unknown = await client.get("/admin/functions/unknown/status")
    assert fine.json() == {}
    assert wrong.json()["errors"] == [
        "its schedule cannot be read: 'every now and then' has 4 fields, not 6 (second first)"
    ]
    assert unknown.status_code == 404


async def test_the_host_says_that_it_is_up(serve: Serve, make_app: MakeApp) -> None:
    app = make_app("app = func.FunctionApp()\n@app.route('x')\ndef f(req: func.HttpRequest): ...")
    async with serve(app) as client:
        status = (await client.get("/admin/host/status")).json()
        pings = [await client.get("/admin/host/ping"), await client.post("/admin/host/ping")]
    assert status["state"] == "Running"
    assert isinstance(status["processUptime"], int)
    assert set(status) == {"id", "state", "version", "processUptime"}
    assert [(ping.status_code, ping.content) for ping in pings] == [(200, b"")] * 2
