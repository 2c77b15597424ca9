"""Queries, by the stock client."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey, exceptions

from tests.cosmos.running import Cosmos


@pytest.fixture
def filled(database: DatabaseProxy) -> ContainerProxy:
    """25 items `k00` to `k24` in three partitions."""
    policy = {
        "includedPaths": [{"path": "/*"}],
        "compositeIndexes": [[{"path": "/s"}, {"path": "/n", "order": "descending"}]],
    }
    items = database.create_container("items", PartitionKey("/pk"), indexing_policy=policy)
    for number in range(25):
        partition, tags = f"p{number % 3}", [f"t{number % 2}", "all"]
        body = {"id": f"k{number:02}", "pk": partition, "n": number, "s": "abc"[number % 3], "tags": tags}
        items.create_item({**body, "d": {"x": number, "select": number}} if number % 5 else body)
    return items


def asked(container: ContainerProxy, query: str, partition: Any = None, **parameters: Any) -> Any:
    scope: dict[str, Any] = (
        {"enable_cross_partition_query": True} if partition is None else {"partition_key": partition}
    )
    given = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
    return list(container.query_items(query, parameters=given, **scope))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE c.n FROM c WHERE c.n >= 22", [22, 23, 24]),
        ("SELECT VALUE c.n FROM c WHERE c['n'] < 2 OR NOT c.n < 24", [0, 1, 24]),
        ("SELECT VALUE c.n FROM c WHERE c.n IN (3, 99, '4') AND c.n BETWEEN 1 AND 5", [3]),
        ("SELECT VALUE c.n FROM c WHERE c.n NOT BETWEEN 1 AND 23", [0, 24]),
        ("SELECT VALUE c.n FROM c WHERE c.id LIKE 'k_4'", [4, 14, 24]),
        ("SELECT VALUE c.n FROM c WHERE c.id LIKE 'k2%' AND c.id NOT LIKE '%3'", [20, 21, 22, 24]),
        ("SELECT VALUE c.n FROM c WHERE STARTSWITH(c.id, 'K00', true) OR STRINGEQUALS(c.id, 'K01', true)", [0, 1]),
        ("SELECT VALUE c.n FROM c WHERE CONTAINS(c.id, '07') OR ENDSWITH(c.id, '08')", [7, 8]),
        ("SELECT VALUE c.n FROM c WHERE ARRAY_CONTAINS(c.tags, 't1') AND c.n > 20", [21, 23]),
        ("SELECT VALUE c.n FROM c WHERE NOT IS_DEFINED(c.d) ORDER BY c.n", [0, 5, 10, 15, 20]),
        ("SELECT VALUE c.n FROM c WHERE c.d.x = 6 OR c.d['select'] = 7", [6, 7]),
        ("SELECT VALUE c.n FROM c WHERE c.no = 1 OR c.n = 1", [1]),
        ("SELECT VALUE c.n FROM c WHERE c.no != 1", []),
        ("SELECT VALUE c.n FROM c WHERE c.n = '1' OR c.n = true", []),
        ("SELECT VALUE c.n FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 't1') AND c.n < 4", [1, 3]),
        ("SELECT VALUE ARRAY(SELECT VALUE t FROM t IN c.tags WHERE t != 'all') FROM c WHERE c.n = 1", [["t1"]]),
        ("SELECT VALUE t FROM c JOIN t IN c.tags WHERE c.n = 2", ["t0", "all"]),
        ("SELECT c.id, c.d.x, c.n + 1 AS next, 2 FROM c WHERE c.n = 1", [{"id": "k01", "x": 1, "next": 2, "$1": 2}]),
        ("SELECT VALUE {'a': c.n, 'b': c.no, 'c': [c.no, c.s]} FROM c WHERE c.n = 1", [{"a": 1, "c": ["b"]}]),
        ("SELECT VALUE (c.n > 5 ? 'hi' : 'lo') FROM c WHERE c.n IN (5, 6)", ["lo", "hi"]),
        ("SELECT VALUE (c.no ?? c.s || '!') FROM c WHERE c.n = 0", ["a!"]),
        ("SELECT VALUE -c.n * 2 + 1 FROM c WHERE c.n = 3", [-5]),
        ("SELECT VALUE UPPER(SUBSTRING(c.id, 0, 2)) FROM c WHERE c.n = 3", ["K0"]),
        ("SELECT VALUE COUNT(1) FROM c", [25]),
        ("SELECT COUNT(1) AS n, SUM(c.n) AS s, AVG(c.n) AS a, MIN(c.n) AS i, MAX(c.id) AS x FROM c WHERE c.pk = 'p0'",
         [{"n": 9, "s": 108, "a": 12, "i": 0, "x": "k24"}]),
        ("SELECT c.s, COUNT(1) AS n FROM c GROUP BY c.s", [{"s": "a", "n": 9}, {"s": "b", "n": 8}, {"s": "c", "n": 8}]),
        ("SELECT DISTINCT VALUE c.s FROM c", ["a", "b", "c"]),
        ("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.n DESC", ["k24", "k23"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.s ASC, c.n DESC OFFSET 1 LIMIT 2", ["k21", "k18"]),
        ("SELECT VALUE c.n FROM c ORDER BY c.d.x DESC OFFSET 19 LIMIT 3", [1, 0, 15]),
    ],
)  # fmt: skip
def test_what_is_found(filled: ContainerProxy, query: str, expected: list[Any]) -> None:
    found = asked(filled, query)
    assert sorted(found, key=str) == sorted(expected, key=str)
    if "ORDER BY" in query:
        assert found == expected


def test_only_the_partition_is_looked_at(filled: ContainerProxy) -> None:
    assert asked(filled, "SELECT VALUE c.n FROM c WHERE c.n < 9", "p1") == [1, 4, 7]
    assert asked(filled, "SELECT VALUE COUNT(1) FROM c", "none") == [0]


def test_parameters_stand_for_values_and_never_for_text(filled: ContainerProxy) -> None:
    assert asked(filled, "SELECT VALUE c.n FROM c WHERE c.id = @id", id="k07") == [7]
    assert asked(filled, "SELECT VALUE c.n FROM c WHERE c.id = @id", id="k07' OR 'a' = 'a") == []
    assert asked(filled, "SELECT VALUE c.n FROM c WHERE ARRAY_CONTAINS(@ids, c.id)", ids=["k07", "k08"]) == [7, 8]


@pytest.mark.parametrize(
    "query",
    [
        "SELEC * FROM c",
        "SELECT * FROM c WHERE",
        "SELECT * FROM c WHERE NOPE(c.n)",
        "SELECT * FROM c WHERE @p = 1",
        "SELECT * FROM c WHERE x.n = 1",
        "SELECT * FROM c ORDER BY",
        "SELECT 'a FROM c",
        "SELECT ABS(1, 2) FROM c",
    ],
)
def test_what_is_no_query_is_400(filled: ContainerProxy, query: str) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        asked(filled, query)
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    ("query", "partition", "count"),
    [
        ("SELECT * FROM c", None, 25),
        ("SELECT * FROM c WHERE c.n > 3", "p1", 7),
        ("SELECT * FROM c ORDER BY c.n DESC", None, 25),
        ("SELECT * FROM c ORDER BY c.s, c.n DESC", None, 25),
        ("SELECT TOP 10 * FROM c ORDER BY c.n", None, 10),
        ("SELECT * FROM c ORDER BY c.n OFFSET 5 LIMIT 12", None, 12),
        ("SELECT c.id, t AS n FROM c JOIN t IN c.tags", None, 50),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_pages_together_give_all(
    filled: ContainerProxy, query: str, partition: str | None, count: int, size: int
) -> None:
    token: str | None = None
    found: list[Any] = []
    while True:
        scope: dict[str, Any] = {"partition_key": partition} if partition else {"enable_cross_partition_query": True}
        pages = filled.query_items(query, max_item_count=size, **scope).by_page(token)
        page = list(next(pages))
        assert len(page) <= size
        found += page
        token = pages.continuation_token  # type: ignore[attr-defined]
        if token is None:
            break
    assert len(found) == count
    assert found == asked(filled, query, partition)


def test_a_query_of_all_partitions_says_so(filled: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        list(filled.query_items("SELECT * FROM c", enable_cross_partition_query=False))
    assert caught.value.status_code == 400


def test_a_page_goes_on_where_the_last_ended_though_items_came_and_went(filled: ContainerProxy) -> None:
    query = "SELECT VALUE c.n FROM c WHERE c.n >= 10 ORDER BY c.n"
    pages: Any = filled.query_items(query, max_item_count=3, partition_key="p1").by_page()
    assert list(next(pages)) == [10, 13, 16]
    token = pages.continuation_token
    filled.delete_item("k10", "p1")
    filled.create_item({"id": "new", "pk": "p1", "n": 12})
    rest: Any = filled.query_items(query, max_item_count=3, partition_key="p1").by_page(token)
    assert list(next(rest)) == [19, 22]
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        next(filled.query_items("SELECT * FROM c", max_item_count=3, partition_key="p1").by_page(token))
    assert caught.value.status_code == 400


def test_a_prefix_of_a_key_finds_what_lies_under_it(tree: ContainerProxy) -> None:
    for tenant in ("a", "ab", "b"):
        for partition in ("x", "y"):
            tree.create_item({"id": "1", "tenant": tenant, "partition": f"{tenant}/{partition}"})
    found = asked(tree, "SELECT VALUE c.partition FROM c", ["a"])
    assert sorted(found) == ["a/x", "a/y"]
    assert asked(tree, "SELECT VALUE c.partition FROM c", ["a", "a/y"]) == ["a/y"]
    assert len(asked(tree, "SELECT * FROM c")) == 6


def test_a_page_has_at_most_four_megabytes(items: ContainerProxy) -> None:
    for number in range(5):
        items.create_item({"id": str(number), "pk": "1", "text": "x" * 1_500_000})
    for query in ("SELECT * FROM c", "SELECT TOP 5 * FROM c", "SELECT c.text FROM c ORDER BY c.id OFFSET 0 LIMIT 5"):
        pages = [len(list(page)) for page in items.query_items(query, partition_key="1").by_page()]
        assert pages == [2, 2, 1]


def test_many_items_are_read_at_once(filled: ContainerProxy) -> None:
    found = filled.read_items([("k01", "p1"), ("k02", "p2"), ("no", "p1"), ("k04", "p1")])
    assert sorted(item["id"] for item in found) == ["k01", "k02", "k04"]


def test_changes_are_told_in_their_order(filled: ContainerProxy) -> None:
    filled.upsert_item({"id": "k00", "pk": "p0", "n": 100})
    changes = [item["n"] for item in filled.query_items_change_feed(start_time="Beginning")]
    assert changes == [*range(1, 25), 100]


# ---- by nearness, and by words


@pytest.fixture
def texts(database: DatabaseProxy) -> ContainerProxy:
    vectors = [{"path": "/v", "dataType": "float32", "distanceFunction": "cosine", "dimensions": 2}]
    container = database.create_container(
        "texts",
        PartitionKey("/pk"),
        vector_embedding_policy={"vectorEmbeddings": vectors},
        full_text_policy={"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]},
    )
    rows = [("1", "apple pie", [1, 0]), ("1", "apple apple tree", [0.9, 0.1]), ("1", "pears", [0, 1])]
    for number, (partition, text, vector) in enumerate([*rows, ("2", "apple apple apple", [1, 0])]):
        container.create_item({"id": str(number), "pk": partition, "text": text, "v": vector})
    return container


def test_the_nearest_come_first(texts: ContainerProxy) -> None:
    query = "SELECT TOP 3 VALUE c.id FROM c ORDER BY VectorDistance(c.v, @v)"
    assert asked(texts, query, "1", v=[1, 0]) == ["0", "1", "2"]
    assert asked(texts, query, "1", v=[0, 1]) == ["2", "1", "0"]
    far = (
        "SELECT TOP 3 VALUE c.id FROM c ORDER BY VectorDistance(c.v, [1, 0], false, {'distanceFunction': 'euclidean'})"
    )
    assert asked(texts, far, "1") == ["0", "1", "2"]


def test_words_are_found_in_their_forms(texts: ContainerProxy) -> None:
    query = "SELECT VALUE c.id FROM c WHERE FullTextContainsAny(c.text, 'Pear', 'trees')"
    assert asked(texts, query, "1") == ["1", "2"]
    assert asked(texts, "SELECT VALUE c.id FROM c WHERE FullTextContainsAll(c.text, 'apple', 'pie')", "1") == ["0"]
    assert asked(texts, "SELECT VALUE c.id FROM c WHERE FullTextContains(c.text, 'apple tree')", "1") == ["1"]
    assert asked(texts, "SELECT VALUE c.id FROM c WHERE FullTextContains(c.text, 'the')", "1") == []


def test_a_ranking_is_planned_by_the_server_and_fused_by_the_client(texts: ContainerProxy, cosmos: Cosmos) -> None:
    with_apples = "SELECT TOP 2 VALUE c.id FROM c WHERE c.pk = '1' AND FullTextContains(c.text, 'apple')"
    assert asked(texts, with_apples + " ORDER BY RANK FullTextScore(c.text, 'apple')") == ["1", "0"]
    assert [one["operation"] for one in cosmos.requests() if "Query" in one["operation"]] == [
        "QueryItems", "PlanQuery", "QueryItems", "QueryItems"
    ]  # fmt: skip
    both = "SELECT TOP 3 c.id FROM c WHERE c.pk = '1' ORDER BY RANK "
    both += "RRF(FullTextScore(c.text, 'pie'), VectorDistance(c.v, [1, 0]))"
    assert [row["id"] for row in asked(texts, both)] == ["0", "1", "2"]
    weighted = f"{both[:-1].replace('pie', 'pear')}, [9, 1])"
    assert asked(texts, weighted)[0]["id"] == "2"


def test_a_ranking_is_planned_too_where_the_service_says_500(texts: ContainerProxy, cosmos: Cosmos) -> None:
    cosmos.fail("status", operation="QueryItems", status=500)
    assert asked(texts, "SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'pie')") == ["0"]


def test_a_ranking_that_names_its_partition_is_run_as_it_is_and_in_no_order(
    texts: ContainerProxy, cosmos: Cosmos
) -> None:
    query = (
        "SELECT VALUE c.id FROM c WHERE FullTextContains(c.text, 'apple') ORDER BY RANK FullTextScore(c.text, 'apple')"
    )
    assert asked(texts, query, "1") == ["0", "1"]
    assert cosmos.requests("PlanQuery") == []
