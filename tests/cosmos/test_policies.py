"""What a container's policies have to be like, and which orders they serve, by the stock client."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey, exceptions

ALL = {"indexingMode": "consistent", "includedPaths": [{"path": "/*"}], "excludedPaths": []}
KEY = PartitionKey("/pk")


def vector(**given: Any) -> dict[str, Any]:
    one = {"path": "/v", "dataType": "float32", "distanceFunction": "cosine", "dimensions": 600, **given}
    return {"vector_embedding_policy": {"vectorEmbeddings": [one]}}


def indexed(*vectors: dict[str, Any], words: str | None = None) -> dict[str, Any]:
    more = {"fullTextIndexes": [{"path": words}]} if words else {}
    return {"indexing_policy": {**ALL, "vectorIndexes": [*vectors], **more}}


def text(path: str, language: str) -> dict[str, Any]:
    paths = [{"path": path, "language": language}]
    return {"full_text_policy": {"defaultLanguage": "en-US", "fullTextPaths": paths}}


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ({"indexing_policy": {**ALL, "includedPaths": [{"path": "/a/?"}]}}, "mandatory indexing path"),
        ({"indexing_policy": {**ALL, "excludedPaths": [{"path": "/a"}]}}, "'/a' could not be accepted"),
        (indexed({"path": "/v", "type": "flat"}), "/v not matching in Embedding's path"),
        (vector() | indexed({"path": "/w", "type": "flat"}), "/w not matching in Embedding's path"),
        (vector() | indexed({"path": "/v", "type": "notFlat"}), "Index Type::notFlat is invalid"),
        (vector() | indexed({"path": "/v", "type": "flat"}), "at most 505"),
        (vector(dimensions=8000), "Dimensions:8000"),
        (vector(dataType="float33"), "invalid DataType"),
        (vector(distanceFunction="handMeasured"), "invalid DistanceFunction:handMeasured"),
        (text("/t", "en-US") | indexed(words="/other"), "Full Text Index /other does not match"),
        (text("t", "en-US"), "invalid Path: t"),
        (text("/t", "xx-XX"), "unsupported language xx-XX"),
    ],
)
def test_what_no_container_is_made_with(database: DatabaseProxy, policies: dict[str, Any], said: str) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        database.create_container("bad", KEY, **policies)
    assert caught.value.status_code == 400
    assert said in str(caught.value)


def test_vectors_come_and_stay_as_they_are(database: DatabaseProxy) -> None:
    first, second = {"path": "/v", "type": "quantizedFlat"}, {"path": "/w", "type": "flat"}
    made = database.create_container("one", KEY, **vector(), **indexed(first))
    [known] = vector()["vector_embedding_policy"]["vectorEmbeddings"]
    both = {"vectorEmbeddings": [known, {**known, "path": "/w", "dimensions": 3}]}
    database.replace_container(made, KEY, vector_embedding_policy=both, **indexed(first, second))
    for policies in (vector(dimensions=3) | indexed(first), vector() | indexed({**first, "type": "diskANN"})):
        with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
            database.replace_container(made, KEY, **policies)
        assert "cannot be modified" in str(caught.value)


@pytest.fixture
def some(database: DatabaseProxy) -> ContainerProxy:
    policy = {
        "includedPaths": [{"path": "/a/?"}, {"path": "/b/c/?"}],
        "excludedPaths": [{"path": "/*"}],
        "compositeIndexes": [[{"path": "/a"}, {"path": "/b/c", "order": "descending"}]],
    }
    return database.create_container("some", KEY, indexing_policy=policy)


@pytest.mark.parametrize(
    "order", ["c.a", "c.b.c DESC", "c['b']['c']", "c.id", "c._ts", "c.a, c.b.c DESC", "c.a DESC, c.b.c ASC"]
)
def test_an_order_that_an_index_gives(some: ContainerProxy, order: str) -> None:
    assert list(some.query_items(f"SELECT * FROM c ORDER BY {order}", partition_key="1")) == []  # noqa: S608


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("c.b", "order-by item is excluded"),
        ("c.pk", "order-by item is excluded"),
        ("c.a, c.b.c", "composite index"),
        ("c.b.c DESC, c.a", "composite index"),
        ("LOWER(c.a)", "could not be mapped"),
    ],
)
def test_an_order_that_no_index_gives(some: ContainerProxy, order: str, said: str) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        list(some.query_items(f"SELECT * FROM c ORDER BY {order}", partition_key="1"))  # noqa: S608
    assert caught.value.status_code == 400
    assert said in str(caught.value)
