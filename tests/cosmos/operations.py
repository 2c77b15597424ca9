"""Operations on items, alone and in batches, with what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.cosmos.charges import FAILED, PATCH, reading, replacing, terms_of, writing
from tests.cosmos.containers import Container, Item
from tests.cosmos.errors import CosmosError, bad_request, not_met
from tests.cosmos.keys import Key
from tests.cosmos.limits import MOST_OPERATIONS
from tests.cosmos.patching import patched
from tests.cosmos.sql.compiling import NOW, compiled
from tests.cosmos.sql.execution import values_of


@dataclass(frozen=True)
class Operation:
    """`kind`: Create, Upsert, Read, Replace, Delete or Patch."""

    kind: str
    id: str = ""
    body: Any = None
    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True)
class Outcome:
    status: int
    item: Item | None
    charge: float


def perform(container: Container, key: Key, operation: Operation) -> Outcome:
    """Raises `CosmosError`."""
    if operation.kind not in _PERFORMERS:
        raise bad_request(f"'{operation.kind}' is no operation on items.")
    return _PERFORMERS[operation.kind](container, key, operation)


def _create(container: Container, key: Key, operation: Operation) -> Outcome:
    item = container.create(key, operation.body)
    return Outcome(201, item, _written(container, None, item))


def _upsert(container: Container, key: Key, operation: Operation) -> Outcome:
    item, before = container.upsert(key, operation.body, operation.if_match)
    return Outcome(200 if before else 201, item, _written(container, before, item))


def _read(container: Container, key: Key, operation: Operation) -> Outcome:
    item = container.read(key, operation.id)
    if operation.if_none_match in ("*", item.etag):
        return Outcome(304, None, FAILED)
    return Outcome(200, item, reading(item.size))


def _replace(container: Container, key: Key, operation: Operation) -> Outcome:
    item, before = container.replace(key, operation.id, operation.body, operation.if_match)
    return Outcome(200, item, _written(container, before, item))


def _delete(container: Container, key: Key, operation: Operation) -> Outcome:
    item = container.delete(key, operation.id, operation.if_match)
    return Outcome(204, None, writing(item.size, len(_terms(container, item))))


def _patch(container: Container, key: Key, operation: Operation) -> Outcome:
    changes = operation.body.get("operations", [])

    def apply(body: dict[str, Any]) -> dict[str, Any]:
        if condition := operation.body.get("condition"):
            _check_condition(container, condition, body)
        return patched(body, changes)

    item, before = container.change(key, operation.id, apply, operation.if_match)
    return Outcome(200, item, _written(container, before, item) + PATCH * len(changes))


_PERFORMERS = {
    "Create": _create,
    "Upsert": _upsert,
    "Read": _read,
    "Replace": _replace,
    "Delete": _delete,
    "Patch": _patch,
}


def _check_condition(container: Container, condition: str, body: dict[str, Any]) -> None:
    query = compiled(f"SELECT * {condition}")
    if not query.query.root or not values_of(query, {query.query.root: body, NOW: 0.0}):
        raise not_met()


def _written(container: Container, before: Item | None, item: Item) -> float:
    terms = _terms(container, item)
    if before is None:
        return writing(item.size, len(terms))
    return replacing(before.size, item.size, len(terms ^ _terms(container, before)))


def _terms(container: Container, item: Item) -> frozenset[tuple[str, Any]]:
    return terms_of(item.body, container.properties.get("indexingPolicy") or {})


def perform_all(
    container: Container, key: Key, operations: list[Any], *, is_minimal: bool = False
) -> tuple[bool, list[dict[str, Any]]]:
    """Whether all of a batch was done, and what is said of each operation; if not, nothing was done.

    `is_minimal`: of what is written no more than its ETag.
    """
    if not operations:
        raise bad_request("Batch request has no operations.")
    if len(operations) > MOST_OPERATIONS:
        raise bad_request("Batch request has more operations than what is supported.")
    partition = container.partition(key)
    before = dict(partition.items)
    said: list[dict[str, Any]] = []
    for operation in operations:
        try:
            one = _operation_of(operation)
            said.append(_said(perform(container, key, one), is_minimal=is_minimal and one.kind != "Read"))
        except CosmosError as error:
            partition.items = before
            failed = {"statusCode": error.status, "subStatusCode": error.sub_status, "requestCharge": FAILED}
            given_up = {"statusCode": 424, "requestCharge": 0}
            return False, [*[given_up] * len(said), failed, *[given_up] * (len(operations) - len(said) - 1)]
    return True, said


def _operation_of(operation: Any) -> Operation:
    if not isinstance(operation, dict):
        raise bad_request("An operation of a batch is a JSON object.")
    return Operation(
        str(operation.get("operationType")),
        str(operation.get("id", "")),
        operation.get("resourceBody"),
        operation.get("ifMatch"),
        operation.get("ifNoneMatch"),
    )


def _said(outcome: Outcome, *, is_minimal: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"statusCode": outcome.status, "requestCharge": round(outcome.charge, 2)}
    if outcome.item is not None:
        said |= {"eTag": outcome.item.etag} | ({} if is_minimal else {"resourceBody": outcome.item.body})
    return said
