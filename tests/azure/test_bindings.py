"""The binding JSON of every function says only what the host and its extensions are published to understand."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.azure.conftest import AzureApp
from tests.azure.published import PUBLISHED, faults_of
from tests.azure.worker import Indexed

HTTP = {
    "direction": "IN",
    "type": "httpTrigger",
    "name": "req",
    "route": "x",
    "authLevel": "ANONYMOUS",
    "methods": ["GET"],
}
BUS = {"direction": "IN", "type": "serviceBusTrigger", "name": "message", "connection": "C"}


def function(*bindings: dict[str, Any], name: str = "f") -> Indexed:
    return Indexed(name, list(bindings), {})


def test_every_binding_of_the_app_is_as_published(azure_with_queues: AzureApp) -> None:
    assert [fault for function in azure_with_queues.functions.values() for fault in faults_of(function)] == []


def test_every_kind_of_binding_that_is_described_is_used(azure_with_queues: AzureApp) -> None:
    used = {binding["type"] for function in azure_with_queues.functions.values() for binding in function.bindings}
    assert used == set(PUBLISHED["types"])


def test_what_is_as_published_has_no_faults() -> None:
    assert list(faults_of(function(HTTP, {"direction": "OUT", "type": "http", "name": "$return"}))) == []
    assert list(faults_of(function({**BUS, "topicName": "t", "subscriptionName": "s"}))) == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (function({**HTTP, "rout": "x"}), "'rout' was unexpected"),
        (function({**HTTP, "methods": ["GET", "QUERY"]}), "'query' is not one of"),
        (function({**HTTP, "methods": []}), "non-empty|too short"),
        (function({**HTTP, "authLevel": "EVERYBODY"}), "'everybody' is not one of"),
        (function({**HTTP, "route": "/api/x"}), "does not match"),
        (function({**HTTP, "direction": "OUT"}), "'in' was expected"),
        (function({**HTTP, "name": "the_request"}), "'the_request' does not match"),
        (function({**HTTP, "dataType": "text"}), "'text' is not one of"),
        (function(HTTP, name="1st"), "no name for a function"),
        (function(HTTP, name="Host"), "no name for a function"),
        (function(HTTP, {**HTTP, "name": "REQ"}), "two bindings of one name"),
        (function(HTTP, BUS), "not one trigger"),
        (function({"direction": "IN", "type": "durableClient", "name": "c"}), "not one trigger"),
        (
            function(HTTP, {"direction": "OUT", "type": "signalr", "name": "x"}),
            "no published binding",
        ),
        (function(HTTP, {"direction": "OUT", "type": "signalR", "name": "x"}), "'hubName' is a required property"),
        (function(BUS), "not valid under any"),
        (function({**BUS, "queueName": "q", "topicName": "t", "subscriptionName": "s"}), "valid under each of"),
        (function({**BUS, "queueName": "q", "isSessionsEnabled": "yes"}), "'yes' is not of type 'boolean'"),
    ],
)
def test_what_the_host_would_not_understand_is_named(wrong: Indexed, why: str) -> None:
    assert any(re.search(why, fault) for fault in faults_of(wrong))
