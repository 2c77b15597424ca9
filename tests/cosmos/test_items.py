"""Operations on single items, by the stock client."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey, exceptions

from tests.cosmos.running import Cosmos

SAME = MatchConditions.IfNotModified


def plain(item: Any) -> dict[str, Any]:
    return {name: value for name, value in item.items() if not name.startswith("_")}


def test_an_item_is_there_once_in_each_partition(items: ContainerProxy) -> None:
    items.create_item({"id": "a", "pk": "1"})
    items.create_item({"id": "a", "pk": "2", "n": 9})
    with pytest.raises(exceptions.CosmosResourceExistsError):
        items.create_item({"id": "a", "pk": "1"})
    assert plain(items.read_item("a", "2")) == {"id": "a", "pk": "2", "n": 9}


def test_what_is_not_there_is_404(items: ContainerProxy) -> None:
    for ask in (
        lambda: items.read_item("a", "1"),
        lambda: items.delete_item("a", "1"),
        lambda: items.replace_item("a", {"id": "a", "pk": "1"}),
        lambda: items.patch_item("a", "1", [{"op": "set", "path": "/n", "value": 1}]),
    ):
        with pytest.raises(exceptions.CosmosResourceNotFoundError):
            ask()


def test_an_etag_changes_with_every_write_and_a_stale_one_writes_nothing(items: ContainerProxy) -> None:
    first = items.create_item({"id": "a", "pk": "1", "n": 1})
    second = items.replace_item("a", {**plain(first), "n": 2}, etag=first["_etag"], match_condition=SAME)
    assert second["_etag"] != first["_etag"]
    stale: dict[str, Any] = {"etag": first["_etag"], "match_condition": SAME}
    for ask in (
        lambda: items.replace_item("a", {"id": "a", "pk": "1"}, **stale),
        lambda: items.upsert_item({"id": "a", "pk": "1"}, **stale),
        lambda: items.delete_item("a", "1", **stale),
        lambda: items.patch_item("a", "1", [{"op": "incr", "path": "/n", "value": 1}], **stale),
    ):
        with pytest.raises(exceptions.CosmosAccessConditionFailedError):
            ask()
    assert items.read_item("a", "1")["n"] == 2


def test_upsert_makes_and_replaces(items: ContainerProxy) -> None:
    assert items.upsert_item({"id": "a", "pk": "1", "n": 1})["n"] == 1
    assert plain(items.upsert_item({"id": "a", "pk": "1"})) == {"id": "a", "pk": "1"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"op": "set", "path": "/new", "value": "v"}, {"new": "v"}),
        ({"op": "add", "path": "/tags/-", "value": "z"}, {"tags": ["x", "y", "z"]}),
        ({"op": "add", "path": "/tags/0", "value": "z"}, {"tags": ["z", "x", "y"]}),
        ({"op": "replace", "path": "/tags/1", "value": "z"}, {"tags": ["x", "z"]}),
        ({"op": "incr", "path": "/n", "value": 10}, {"n": 11}),
        ({"op": "replace", "path": "/o/z", "value": 2}, {"o": {"z": 2}}),
        ({"op": "remove", "path": "/tags/0"}, {"tags": ["y"]}),
        ({"op": "move", "from": "/o/z", "path": "/n"}, {"o": {}, "n": 1}),
    ],
)
def test_a_patch_changes_a_part(items: ContainerProxy, change: dict[str, Any], expected: dict[str, Any]) -> None:
    body: dict[str, Any] = {"id": "a", "pk": "1", "n": 1, "tags": ["x", "y"], "o": {"z": 1}}
    items.create_item(body)
    assert plain(items.patch_item("a", "1", [change])) == {**body, **expected}
    assert plain(items.read_item("a", "1")) == {**body, **expected}


def test_a_patch_that_cannot_be_done_changes_nothing(items: ContainerProxy) -> None:
    items.create_item({"id": "a", "pk": "1", "n": 1})
    first = {"op": "set", "path": "/n", "value": 2}
    for bad in (
        {"op": "set", "path": "/n"},
        {"op": "move", "path": "/n"},
        {"op": "replace", "path": "/no", "value": 1},
        {"op": "remove", "path": "/no"},
        {"op": "remove", "path": "/id"},
    ):
        with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
            items.patch_item("a", "1", [first, bad])
        assert caught.value.status_code == 400
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        items.patch_item("a", "1", [first] * 11)
    assert caught.value.status_code == 400
    with pytest.raises(exceptions.CosmosAccessConditionFailedError):
        items.patch_item("a", "1", [first], filter_predicate="FROM c WHERE c.n = 99")
    assert items.read_item("a", "1")["n"] == 1
    assert items.patch_item("a", "1", [first], filter_predicate="FROM c WHERE c.n = 1")["n"] == 2


@pytest.mark.parametrize("id", ["a/b", "a\\b", "a?b", "a#b", "a ", "", "é" * 512])
def test_ids_that_are_refused(items: ContainerProxy, id: str) -> None:
    # As a part of a batch, where the client itself looks at nothing.
    with pytest.raises(exceptions.CosmosBatchOperationError) as caught:
        items.execute_item_batch([("create", ({"id": id, "pk": "1"},))], "1")
    assert caught.value.status_code == 400


@pytest.mark.parametrize("id", ["a b", "日本", "a%2Fb", "a+b", "é" * 511, "a'b", "a|b"])
def test_ids_that_are_kept(items: ContainerProxy, id: str) -> None:
    items.create_item({"id": id, "pk": "1"})
    assert items.read_item(id, "1")["id"] == id
    items.delete_item(id, "1")


def test_an_item_has_at_most_two_megabytes(items: ContainerProxy) -> None:
    items.create_item({"id": "a", "pk": "1", "text": "x" * (2 * 1024 * 1024 - 1024)})
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        items.create_item({"id": "b", "pk": "1", "text": "x" * 2 * 1024 * 1024})
    assert caught.value.status_code == 413


def test_half_a_surrogate_pair_is_refused(items: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosBatchOperationError) as caught:
        items.execute_item_batch([("create", ({"id": "a", "pk": "1", "text": "\ud800"},))], "1")
    assert caught.value.status_code == 400


def test_numbers_are_doubles(items: ContainerProxy) -> None:
    items.create_item({"id": "a", "pk": "1", "n": 2**53 + 1, "m": 2**53 - 1})
    found = items.read_item("a", "1")
    assert (found["n"], found["m"]) == (2**53, 2**53 - 1)


def test_a_key_of_two_levels_is_whole_or_the_request_is_refused(tree: ContainerProxy) -> None:
    tree.create_item({"id": "a", "tenant": "t", "partition": "t/x"})
    assert tree.read_item("a", ["t", "t/x"])["id"] == "a"
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        tree.read_item("a", ["t"])
    assert (caught.value.status_code, caught.value.sub_status) == (400, 1001)
    with pytest.raises(exceptions.CosmosResourceNotFoundError):
        tree.read_item("a", ["t", "t/y"])


def test_items_end_when_their_time_is_over(cosmos: Cosmos, database: DatabaseProxy) -> None:
    some = database.create_container("some", PartitionKey("/pk"), default_ttl=-1)
    none = database.create_container("none", PartitionKey("/pk"))
    all_ = database.create_container("all", PartitionKey("/pk"), default_ttl=60)
    for container in (some, none, all_):
        container.create_item({"id": "kept", "pk": "1", "ttl": -1})
        container.create_item({"id": "short", "pk": "1", "ttl": 10})
        container.create_item({"id": "usual", "pk": "1"})

    def ids(container: ContainerProxy) -> list[str]:
        return [item["id"] for item in container.read_all_items()]

    cosmos.advance(30)
    assert [ids(container) for container in (some, none, all_)] == [
        ["kept", "usual"], ["kept", "short", "usual"], ["kept", "usual"]
    ]  # fmt: skip
    all_.upsert_item({"id": "usual", "pk": "1"})
    cosmos.advance(40)
    assert ids(all_) == ["kept", "usual"]
    cosmos.advance(40)
    assert ids(all_) == ["kept"]
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        some.create_item({"id": "bad", "pk": "1", "ttl": 0})
    assert caught.value.status_code == 400


def test_unique_keys_are_unique_within_a_partition(database: DatabaseProxy) -> None:
    container = database.create_container(
        "unique", PartitionKey("/pk"), unique_key_policy={"uniqueKeys": [{"paths": ["/mail"]}]}
    )
    container.create_item({"id": "a", "pk": "1", "mail": "x"})
    container.create_item({"id": "b", "pk": "2", "mail": "x"})
    with pytest.raises(exceptions.CosmosResourceExistsError):
        container.create_item({"id": "b", "pk": "1", "mail": "x"})
    container.upsert_item({"id": "a", "pk": "1", "mail": "x", "n": 1})
