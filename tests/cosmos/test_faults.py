"""What goes wrong on request, what is recorded, and what requests are said to cost."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey, exceptions

from tests.cosmos.charges import QUERY, reading, replacing, writing
from tests.cosmos.running import Cosmos

ITEM: dict[str, Any] = {"id": "a", "pk": "1"}
ONCE: dict[str, Any] = {"retry_write": 0}


def ids(items: ContainerProxy) -> list[str]:
    return [item["id"] for item in items.read_all_items()]


def test_the_client_waits_as_it_is_told_when_there_is_too_much(cosmos: Cosmos, items: ContainerProxy) -> None:
    cosmos.fail("status", operation="CreateItem", status=429, retry_after_ms=1, times=2)
    items.create_item(ITEM)
    assert [one["status"] for one in cosmos.requests("CreateItem")] == [429, 429, 201]


def test_the_nth_that_fits_fails_and_no_other(cosmos: Cosmos, items: ContainerProxy) -> None:
    cosmos.fail("status", operation="CreateItem", path="/docs", verb="POST", nth=2, status=403)
    cosmos.fail("status", operation="CreateItem", path="elsewhere", status=403)
    items.create_item(ITEM)
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        items.create_item({"id": "b", "pk": "1"})
    assert caught.value.status_code == 403
    items.create_item({"id": "c", "pk": "1"})
    assert ids(items) == ["a", "c"]


@pytest.mark.parametrize(("when", "written"), [("before", []), ("after", ["a"])])
def test_an_answer_may_lie_about_what_was_done(
    cosmos: Cosmos, items: ContainerProxy, when: str, written: list[str]
) -> None:
    cosmos.fail("status", operation="CreateItem", status=403, when=when)
    with pytest.raises(exceptions.CosmosHttpResponseError):
        items.create_item(ITEM)
    assert ids(items) == written


@pytest.mark.parametrize(("when", "written"), [("before", []), ("after", ["a"]), ("midway", ["a"])])
def test_a_connection_is_cut(cosmos: Cosmos, items: ContainerProxy, when: str, written: list[str]) -> None:
    cosmos.fail("cut", operation="CreateItem", when=when, times=9)
    with pytest.raises(AzureError):
        items.create_item(ITEM, **ONCE)
    cosmos.heal()
    assert ids(items) == written
    assert {one["status"] for one in cosmos.requests("CreateItem")} == {0}


def test_an_answer_is_late(cosmos: Cosmos, items: ContainerProxy) -> None:
    cosmos.fail("delay", operation="CreateItem", seconds=600)
    with pytest.raises(AzureError):
        items.create_item(ITEM, read_timeout=0.05, **ONCE)
    assert ids(items) == []
    cosmos.heal()  # which lets it go on
    assert ids(items) == ["a"]


def test_a_fault_that_is_misspelt_is_refused(cosmos: Cosmos) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        cosmos.fail("status", operatoin="CreateItem")
    with pytest.raises(httpx.HTTPStatusError):
        cosmos.fail("explode")


def test_requests_are_recorded_with_what_they_cost(cosmos: Cosmos, items: ContainerProxy) -> None:
    cosmos.forget()
    made = items.create_item(ITEM)
    items.read_item("a", "1")
    items.upsert_item({**ITEM, "n": 1})
    with pytest.raises(exceptions.CosmosResourceNotFoundError):
        items.read_item("b", "1")
    found = [one for one in cosmos.requests() if one["operation"].endswith("Item")]
    assert [(one["operation"], one["status"]) for one in found] == [
        ("CreateItem", 201), ("ReadItem", 200), ("UpsertItem", 200), ("ReadItem", 404)
    ]  # fmt: skip
    assert found[1]["path"].endswith("/colls/items/docs/a")
    assert found[1]["partition"] == '["1"]'
    # Reads at strong consistency cost double; one term came with the second write, none went.
    charges = [writing(1000, 2), 2 * reading(1000), replacing(1000, 1000, 1)]
    assert [one["charge"] for one in found[:3]] == pytest.approx(charges, abs=0.01)
    assert cosmos.charge() >= sum(charges)
    assert made.get_response_headers()["x-ms-request-charge"] == f"{charges[0]:.2f}"


def test_charges_grow_with_size_and_with_what_is_indexed(cosmos: Cosmos, database: DatabaseProxy) -> None:
    lean = {"indexingMode": "consistent", "includedPaths": [{"path": "/pk/?"}], "excludedPaths": [{"path": "/*"}]}
    whole = database.create_container("whole", PartitionKey("/pk"))
    few = database.create_container("few", PartitionKey("/pk"), indexing_policy=lean)
    cosmos.forget()
    for container in (whole, few):
        container.create_item({**ITEM, "values": list(range(10))})
        container.create_item({"id": "b", "pk": "1", "text": "x" * 100_000})
    small_whole, large_whole, small_few, large_few = [one["charge"] for one in cosmos.requests("CreateItem")]
    assert small_whole == pytest.approx(small_few + 11 * 0.2)
    assert large_whole == pytest.approx(large_few + 2 * 0.2)
    assert large_few == pytest.approx(48.19 - 0.2 + 0.4, rel=0.3)  # of 128 KB, as published
    cosmos.forget()
    list(whole.query_items("SELECT * FROM c", partition_key="1"))
    [query] = [one["charge"] for one in cosmos.requests("QueryItems")]
    assert query > 2 * QUERY
