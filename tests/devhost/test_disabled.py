"""Functions that are switched off: by settings, by their trigger, by host.json."""

from __future__ import annotations

import pytest

from tests.devhost.conftest import HostClient, MakeApp, Serve

APP = """
import azure.durable_functions as df
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("a-route")
def Off(req: func.HttpRequest): return "off"

@app.route("on")
def on(req: func.HttpRequest): return "on"

@app.generic_trigger(arg_name="req", type="httpTrigger", route="by-trigger", disabled=True)
@app.generic_output_binding(arg_name="$return", type="http")
def by_trigger(req: func.HttpRequest): return "off"

@app.generic_trigger(arg_name="req", type="httpTrigger", route="by-name", disabled="IS_OFF")
@app.generic_output_binding(arg_name="$return", type="http")
def by_name(req: func.HttpRequest): return "off"

@app.orchestration_trigger(context_name="context")
def orchestration(context): return (yield context.call_activity("activity", ""))

@app.activity_trigger(input_name="value")
def activity(value: str): return "off"

@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
def timer(timer: func.TimerRequest): ...
"""


async def reasons(client: HostClient) -> dict[str, str]:
    return {function.name: function.disabled for function in client.host.functions if function.disabled}


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        ("AzureWebJobs.Off.Disabled", "true", 404),
        ("AzureWebJobs__off__Disabled", "True", 404),
        ("AZUREWEBJOBS_OFF_DISABLED", "1", 404),
        ("AzureWebJobs.Off.Disabled", "false", 200),
    ],
)
async def test_by_a_setting(
    serve: Serve, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, status: int
) -> None:
    monkeypatch.setenv(setting, value)
    async with serve(make_app(APP)) as client:
        assert (await client.get("/api/a-route")).status_code == status
        assert (await client.get("/api/on")).status_code == 200


async def test_by_the_trigger(serve: Serve, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(APP, {"local.settings.json": '{"Values": {"IS_OFF": true}}'})
    async with serve(app) as client:
        assert (await client.get("/api/by-trigger")).status_code == 404
        assert (await client.get("/api/by-name")).status_code == 404
        assert await reasons(client) == dict.fromkeys(["by_trigger", "by_name"], "disabled by its trigger")


async def test_nothing_of_a_disabled_function_is_left(
    serve: Serve, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AzureWebJobs.activity.Disabled", "true")
    monkeypatch.setenv("AzureWebJobs.timer.Disabled", "true")
    async with serve(make_app(APP)) as client:
        by_hand = await client.post("/admin/functions/timer", json={"input": ""})
        shown = (await client.get("/admin/functions/timer")).json()
        started = await client.post(
            "/runtime/webhooks/durabletask/orchestrators/orchestration?timeout=10&pollingInterval=0.1"
        )
    assert (by_hand.status_code, shown["isDisabled"]) == (404, True)
    assert "disabled by the setting AzureWebJobs.timer.Disabled" in by_hand.json()["message"]
    assert started.json()["runtimeStatus"] == "Failed"
    assert "The function 'activity' doesn't exist, is disabled" in started.json()["output"]


async def test_by_the_list_in_host_json(serve: Serve, make_app: MakeApp) -> None:
    async with serve(make_app(APP, {"host.json": '{"version": "2.0", "functions": ["ON", "Timer"]}'})) as client:
        assert (await client.get("/api/on")).status_code == 200
        assert (await client.get("/api/a-route")).status_code == 404
        start = await client.post("/runtime/webhooks/durabletask/orchestrators/orchestration")
        off = await reasons(client)
    assert start.status_code == 400
    assert set(off) == {"Off", "by_trigger", "by_name", "orchestration", "activity"}
    assert set(off.values()) == {"not among the functions of host.json"}
