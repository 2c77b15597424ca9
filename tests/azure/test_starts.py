"""The triggers beside HTTP, with both queues set up, indexed and called by Microsoft's worker library."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.azure.conftest import AzureApp


@pytest.fixture
def azure(azure_with_queues: AzureApp) -> AzureApp:
    return azure_with_queues


def trigger(azure: AzureApp, name: str) -> dict[str, Any]:
    [found] = [binding for binding in azure.functions[name].bindings if binding["type"].endswith("Trigger")]
    return found


def call(azure: AzureApp, name: str, metadata: dict[str, Any], **inputs: Any) -> str | None:
    """Call a function with a durable client; its error."""
    given = {"client": {"string": azure.durable.client}, **inputs}
    # The Service Bus extension says so of each message; by it the library knows that it is one, and not a batch.
    metadata = {"UserProperties": {"json": "{}"}, **metadata}
    return azure.process.invoke(name, trigger_metadata=metadata, **given).error


def records(azure: AzureApp) -> list[dict[str, Any]]:
    return list(azure.http("executions", "GET", "/api/executions").json()["items"])


def test_the_bindings_say_what_the_extensions_need(azure: AzureApp) -> None:
    queue = trigger(azure, "start_from_queue")
    assert (queue["type"], queue["queueName"], queue["connection"]) == ("queueTrigger", "starts", "Orders")
    bus = trigger(azure, "start_from_service_bus")
    assert (bus["type"], bus["queueName"], bus["connection"]) == (
        "serviceBusTrigger",
        "orders",
        "ServiceBusConnection",
    )
    timer = trigger(azure, "sweep")
    assert (timer["type"], timer["schedule"]) == ("timerTrigger", "0 * * * * *")


@pytest.mark.parametrize(
    ("function", "id", "started_by"),
    [("start_from_queue", "Id", "queue:starts"), ("start_from_service_bus", "MessageId", "service-bus:orders")],
)
def test_a_message_starts_one_execution_however_often_it_comes(
    azure: AzureApp, function: str, id: str, started_by: str
) -> None:
    message = {"string": json.dumps({"workflow": "one-step", "input": {"from": function}})}
    for _ in range(2):
        assert call(azure, function, {id: {"string": "7c1f"}}, message=message) is None
    [record] = [record for record in records(azure) if record["started_by"] == started_by]
    assert [one.name for one in azure.durable.started if one.instance == record["id"]] == ["workflow"]


@pytest.mark.parametrize("function", ["start_from_queue", "start_from_service_bus"])
def test_a_message_that_starts_nothing_fails_so_that_the_platform_puts_it_aside(azure: AzureApp, function: str) -> None:
    before = len(records(azure))
    error = call(azure, function, {}, message={"string": '{"workflow": "missing"}'})
    assert error is not None
    assert "There is no workflow 'missing'." in error
    assert len(records(azure)) == before


def test_a_sweep_with_nothing_to_do(azure: AzureApp) -> None:
    request = json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False})
    started = list(azure.durable.started)
    assert call(azure, "sweep", {}, timer={"json": request}) is None
    # This stand-in knows no orchestrations: the sweep takes each running execution for one that was cut off.
    assert all(again.instance in {one.instance for one in started} for again in azure.durable.started)
