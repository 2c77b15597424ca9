"""What storage bindings name, and what is said at start-up when it cannot be."""

from __future__ import annotations

import pytest

from devhost.functions import Binding
from devhost.storage.named import is_emulator, setting_of, why_unconnected

LOCAL = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net"


def trigger(name: str = "orders", connection: str = "AzureWebJobsStorage") -> Binding:
    return Binding("message", "queueTrigger", "in", {"queueName": name, "connection": connection})


@pytest.mark.parametrize("connection", ["", "Storage", "AzureWebJobsStorage"])
def test_the_prefix_of_a_setting_may_be_left_out(connection: str) -> None:
    assert setting_of(trigger(connection=connection), LOCAL) == "AzureWebJobsStorage"
    assert setting_of(trigger(connection="Own"), {"Own": ACCOUNT}) == "Own"


@pytest.mark.parametrize(
    ("binding", "environ", "reason"),
    [
        (trigger(), {}, "the app setting 'AzureWebJobsStorage' is not set: UseDevelopmentStorage=true"),
        (trigger(connection="Own"), {"Own__queueServiceUri": "https://a.test"}, "'Own' connects by identity"),
        (trigger(connection="Storage"), {"AzureWebJobsStorage__accountName": "a"}, "'AzureWebJobsStorage' connects by"),
        (trigger(), {"AzureWebJobsStorage": "something else"}, "holds no storage connection string"),
        (trigger("a"), LOCAL, "queueTrigger 'message': 'a' is no queue name"),
        (trigger("a--b"), LOCAL, "'a--b' is no queue name"),
        (trigger("{name}"), LOCAL, "is no queue name"),
        (Binding("b", "blob", "in", {"path": "container"}), LOCAL, "blob 'b': the path 'container' is not of the form"),
        (Binding("q", "queue", "out", {"queueName": "A_B"}), LOCAL, "'A_B' is no queue name"),
    ],
)
def test_what_cannot_work_is_said(binding: Binding, environ: dict[str, str], reason: str) -> None:
    why = why_unconnected([binding], environ)
    assert why is not None
    assert reason in why


@pytest.mark.parametrize(
    "binding",
    [
        trigger("Orders-1"),
        Binding("q", "queue", "out", {"queueName": "{name}"}),
        Binding("b", "blob", "in", {"path": "/a/b/{c}"}),
        Binding("req", "httpTrigger", "in", {}),
    ],
)
def test_what_works_has_no_reason(binding: Binding) -> None:
    assert why_unconnected([binding], LOCAL) is None


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ("UseDevelopmentStorage=true", True),
        ("AccountName=a;AccountKey=b;QueueEndpoint=http://127.0.0.1:10001/a", True),
        ("BlobEndpoint=https://a.blob.core.windows.net;SharedAccessSignature=sig", False),
        (ACCOUNT, False),
    ],
)
def test_azurite_is_told_from_an_account(connection: str, expected: bool) -> None:
    assert is_emulator(connection) is expected
