"""Whatever is done, in whatever order, the server says what a few lines of Python say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cosmos.running import Cosmos, fresh

PARTITIONS, IDS = st.sampled_from(["x", "y"]), st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(-5, 5)
SINGLE = st.tuples(
    st.sampled_from(["create", "upsert", "replace", "delete", "increase", "read"]),
    PARTITIONS,
    IDS,
    NUMBERS,
    st.booleans(),
)
BATCH = st.tuples(
    st.just("batch"),
    PARTITIONS,
    st.lists(
        st.tuples(st.sampled_from(["create", "upsert", "replace", "delete", "increase"]), IDS, NUMBERS), max_size=6
    ),
)
Model = dict[tuple[str, str], int]


def expected(model: Model, kind: str, key: tuple[str, str], number: int) -> int:
    """What one operation does to the model, and the status that it has."""
    if kind == "create" and key in model:
        return 409
    if kind not in ("create", "upsert") and key not in model:
        return 404
    if kind == "delete":
        del model[key]
        return 204
    if kind == "read":
        return 200
    was_there = key in model
    model[key] = model[key] + number if kind == "increase" else number
    return 200 if was_there else 201


class Driver:
    """The same on the server. It remembers the ETags that it saw, so as to send stale ones too."""

    def __init__(self, items: ContainerProxy) -> None:
        self._items = items
        self._etags: dict[tuple[str, str], list[str]] = {}

    def status(self, kind: str, key: tuple[str, str], number: int) -> int:
        return self._status(kind, key, number, {})

    def stale(self, kind: str, key: tuple[str, str], number: int) -> int | None:
        """With an ETag that the item no longer has; None: there is none to be sent."""
        seen = self._etags.get(key, [])
        if len(seen) < 2 or kind in ("create", "read"):
            return None
        return self._status(kind, key, number, {"etag": seen[0], "match_condition": MatchConditions.IfNotModified})

    def _status(self, kind: str, key: tuple[str, str], number: int, condition: dict[str, Any]) -> int:
        partition, id = key
        body = {"id": id, "pk": partition, "n": number}
        change = [{"op": "incr", "path": "/n", "value": number}]
        asks: dict[str, Callable[[], Any]] = {
            "create": lambda: self._items.create_item(body),
            "upsert": lambda: self._items.upsert_item(body, **condition),
            "replace": lambda: self._items.replace_item(id, body, **condition),
            "delete": lambda: self._items.delete_item(id, partition, **condition),
            "increase": lambda: self._items.patch_item(id, partition, change, **condition),
            "read": lambda: self._items.read_item(id, partition),
        }
        try:
            answer = asks[kind]()
        except HttpResponseError as error:
            return int(error.status_code or 0)
        if kind == "delete":
            self._etags[key] = []
            return 204
        if kind != "read":
            self._etags.setdefault(key, []).append(answer["_etag"])
        return 200

    def batch(self, partition: str, operations: list[tuple[str, str, int]]) -> int:
        def body(id: str, number: int) -> dict[str, Any]:
            return {"id": id, "pk": partition, "n": number}

        made: list[tuple[Any, ...]] = []
        for kind, id, number in operations:
            made.append({
                "create": ("create", (body(id, number),)),
                "upsert": ("upsert", (body(id, number),)),
                "replace": ("replace", (id, body(id, number))),
                "delete": ("delete", (id,)),
                "increase": ("patch", (id, [{"op": "incr", "path": "/n", "value": number}])),
            }[kind])  # fmt: skip
        try:
            self._items.execute_item_batch(made, partition)
        except HttpResponseError as error:
            return int(error.status_code or 0)
        for _, id, _ in operations:
            self._etags.pop((partition, id), None)
        return 200

    def all(self) -> Model:
        return {(item["pk"], item["id"]): item["n"] for item in self._items.read_all_items()}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(SINGLE, BATCH), max_size=25))
def test_it_does_what_the_model_does(cosmos: Cosmos, steps: list[Any]) -> None:
    with CosmosClient(cosmos.url, cosmos.key) as client:
        driver = Driver(client.create_database(fresh()).create_container("items", PartitionKey("/pk")))
        model: Model = {}
        for step in steps:
            if step[0] == "batch":
                take_batch(driver, model, step[1], step[2])
                continue
            kind, partition, id, number, is_stale = step
            key = (partition, id)
            if is_stale and (status := driver.stale(kind, key, number)) is not None:
                assert status == (412 if key in model else 404 if kind != "upsert" else 200)
                if status == 200:
                    model[key] = number
                continue
            status = driver.status(kind, key, number)
            wanted = expected(model, kind, key, number)
            assert status == wanted or (status == 200 and wanted == 201)  # the client does not say which
        assert driver.all() == model


def take_batch(driver: Driver, model: Model, partition: str, operations: list[tuple[str, str, int]]) -> None:
    changed = dict(model)
    statuses = [expected(changed, kind, (partition, id), number) for kind, id, number in operations]
    failed = next((status for status in statuses if status >= 400), None)
    status = driver.batch(partition, operations)
    if not operations:
        assert status >= 400
    elif failed is None:
        assert status == 200
        model.clear()
        model.update(changed)
    else:
        assert status == failed


NUMBERED = st.lists(
    st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.booleans(), NUMBERS, st.text("xyz", max_size=2))),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERED, st.integers(1, 5), st.booleans())
def test_pages_in_an_order_are_what_sorting_gives(
    cosmos: Cosmos, rows: list[tuple[str, Any]], size: int, descending: bool
) -> None:
    kinds = {type(None): 1, bool: 2, int: 3, str: 4}
    direction = "DESC" if descending else "ASC"
    order = [{"path": "/g", "order": "ascending"}, {"path": "/v", "order": f"{direction.lower()}ending"}]
    policy = {"includedPaths": [{"path": "/*"}], "compositeIndexes": [order]}
    with CosmosClient(cosmos.url, cosmos.key) as client:
        database = client.create_database(fresh())
        items = database.create_container("items", PartitionKey("/pk"), indexing_policy=policy)
        for number, (group, value) in enumerate(rows):
            items.create_item({"id": str(number), "pk": "1", "g": group, "v": value})
        query = f"SELECT * FROM c ORDER BY c.g ASC, c.v {direction}"  # noqa: S608 - one of two words
        pages: Any = items.query_items(query, partition_key="1", max_item_count=size).by_page()
        found = [[(item["g"], item["v"]) for item in page] for page in pages]
    wanted = sorted(
        rows, key=lambda row: (kinds[type(row[1])], row[1] if row[1] is not None else 0), reverse=descending
    )
    assert [row for page in found for row in page] == sorted(wanted, key=lambda row: row[0])
    assert all(len(page) == size for page in found[:-1])
