"""Transactional batches, by the stock client."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.cosmos import ContainerProxy, exceptions

Batch = list[tuple[Any, ...]]


def create(id: str, **fields: Any) -> tuple[str, tuple[dict[str, Any]]]:
    return "create", ({"id": id, "pk": "1", **fields},)


def ids(items: ContainerProxy) -> list[str]:
    return [item["id"] for item in items.query_items("SELECT c.id FROM c", partition_key="1")]


def test_all_is_done_in_its_order(items: ContainerProxy) -> None:
    operations: Batch = [
        create("a"),
        ("upsert", ({"id": "b", "pk": "1"},)),
        ("read", ("a",)),
        ("replace", ("b", {"id": "b", "pk": "1", "n": 1})),
        ("patch", ("b", [{"op": "incr", "path": "/n", "value": 1}])),
        ("delete", ("a",)),
    ]
    done = items.execute_item_batch(operations, "1")
    assert [one["statusCode"] for one in done] == [201, 201, 200, 200, 200, 204]
    assert done[4]["resourceBody"]["n"] == 2
    assert done[4]["eTag"] == items.read_item("b", "1")["_etag"]
    assert ids(items) == ["b"]


def test_it_may_be_told_to_say_no_more_than_etags_of_what_it_writes(items: ContainerProxy) -> None:
    operations: Batch = [create("a"), ("read", ("a",)), ("patch", ("a", [{"op": "set", "path": "/n", "value": 1}]))]
    done = items.execute_item_batch(operations, "1", no_response=True)
    assert ["resourceBody" in one for one in done] == [False, True, False]
    assert done[2]["eTag"] == items.read_item("a", "1")["_etag"]


def test_one_failure_undoes_all_and_is_told_from_the_rest(items: ContainerProxy) -> None:
    items.create_item({"id": "there", "pk": "1", "n": 1})
    operations: Batch = [create("new"), ("delete", ("there",)), create("b"), create("b"), create("c")]
    with pytest.raises(exceptions.CosmosBatchOperationError) as caught:
        items.execute_item_batch(operations, "1")
    assert (caught.value.error_index, caught.value.status_code) == (3, 409)
    assert [one["statusCode"] for one in caught.value.operation_responses] == [424, 424, 424, 409, 424]
    assert ids(items) == ["there"]


def test_a_condition_of_one_operation_holds_for_all(items: ContainerProxy) -> None:
    first = items.create_item({"id": "a", "pk": "1", "n": 1})
    items.replace_item("a", {"id": "a", "pk": "1", "n": 2})
    replace = ("replace", ("a", {"id": "a", "pk": "1", "n": 3}))
    with pytest.raises(exceptions.CosmosBatchOperationError) as caught:
        items.execute_item_batch([create("b"), (*replace, {"if_match_etag": first["_etag"]})], "1")
    assert caught.value.status_code == 412
    assert ids(items) == ["a"]
    current = items.read_item("a", "1")["_etag"]
    items.execute_item_batch([create("b"), (*replace, {"if_match_etag": current})], "1")
    assert items.read_item("a", "1")["n"] == 3


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (("read", ("no",)), 404),
        (("delete", ("no",)), 404),
        (("replace", ("no", {"id": "no", "pk": "1"})), 404),
        (("create", ({"id": "a", "pk": "2"},)), 400),
        (("create", ({"id": "a", "pk": "1", "text": "x" * 2 * 1024 * 1024},)), 413),
    ],
)
def test_what_fails_alone_fails_in_a_batch(items: ContainerProxy, operation: tuple[Any, ...], status: int) -> None:
    with pytest.raises(HttpResponseError) as caught:
        items.execute_item_batch([create("b"), operation], "1")
    assert caught.value.status_code == status
    assert ids(items) == []


def test_it_has_at_most_a_hundred_operations_and_two_megabytes(items: ContainerProxy) -> None:
    items.execute_item_batch([create(str(number)) for number in range(100)], "1")
    for operations, status in (
        ([create(f"x{number}") for number in range(101)], 400),
        ([create(f"x{number}", text="x" * 50_000) for number in range(50)], 413),
    ):
        with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
            items.execute_item_batch(operations, "1")
        assert caught.value.status_code == status
    assert len(ids(items)) == 100
