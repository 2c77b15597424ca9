"""Requests for a container's items."""

from __future__ import annotations

from itertools import islice
from typing import Any

from tests.cosmos.charges import FAILED, PLANNING, querying, reading
from tests.cosmos.clock import Clock
from tests.cosmos.containers import Container, Item
from tests.cosmos.errors import CROSS_PARTITION_NOT_SERVABLE, CosmosError, bad_request
from tests.cosmos.keys import Key, key_of_header
from tests.cosmos.limits import MOST_BYTES, loads
from tests.cosmos.messages import Answer, Request, saying
from tests.cosmos.operations import Operation, Outcome, perform, perform_all
from tests.cosmos.policies import check_order
from tests.cosmos.sql.compiling import METRICS, NOW, compiled
from tests.cosmos.sql.execution import Page, page_of
from tests.cosmos.sql.parsing import parse
from tests.cosmos.sql.plans import plan_of

KEY = "x-ms-documentdb-partitionkey"
_KINDS = {"GET": "Read", "PUT": "Replace", "DELETE": "Delete", "PATCH": "Patch"}
_READ_ALL = "SELECT * FROM c"


def answer(container: Container, request: Request, clock: Clock) -> Answer:
    """Raises `CosmosError`."""
    if len(request.body) > MOST_BYTES:
        raise CosmosError(413, "Request size is too large")
    if len(request.parts) == 6:
        return _of_item(container, request)
    if request.says("x-ms-cosmos-is-batch-request"):
        return _of_batch(container, request)
    if request.is_plan:
        return _of_plan(request)
    if request.is_query:
        return _of_query(container, request, clock)
    if request.method == "GET":
        return _changes(container, request) if request.headers.get("a-im") else _of_query(container, request, clock)
    if request.method == "POST":
        return _of_new_item(container, request)
    raise CosmosError(405, "The method is not allowed here.")


def _of_item(container: Container, request: Request) -> Answer:
    kind = _KINDS.get(request.method)
    if kind is None:
        raise CosmosError(405, "The method is not allowed here.")
    body = loads(request.body) if request.body else None
    conditions = request.headers.get("if-match"), request.headers.get("if-none-match")
    operation = Operation(kind, request.parts[5], body, *conditions)
    return _saying(perform(container, _key(container, request), operation), request)


def _of_new_item(container: Container, request: Request) -> Answer:
    body = loads(request.body)
    kind = "Upsert" if request.says("x-ms-documentdb-is-upsert") else "Create"
    operation = Operation(kind, "", body, request.headers.get("if-match"))
    return _saying(perform(container, _key(container, request), operation), request)


def _key(container: Container, request: Request) -> Key:
    return key_of_header(request.headers.get(KEY), container.paths)


def _saying(outcome: Outcome, request: Request) -> Answer:
    if outcome.item is None:
        return Answer(outcome.status, charge=outcome.charge)
    content = b"" if _is_minimal(request) and request.method != "GET" else outcome.item.content
    return Answer(outcome.status, content, {"etag": outcome.item.etag}, outcome.charge)


def _of_batch(container: Container, request: Request) -> Answer:
    operations = loads(request.body)
    if not isinstance(operations, list):
        raise bad_request("A batch is a JSON array of operations.")
    is_done, said = perform_all(container, _key(container, request), operations, is_minimal=_is_minimal(request))
    return saying(200 if is_done else 207, said, sum(float(one["requestCharge"]) for one in said))


def _is_minimal(request: Request) -> bool:
    return "return=minimal" in request.headers.get("prefer", "")


def _of_plan(request: Request) -> Answer:
    text, parameters = _asked(request)
    query = parse(text)
    if query.rank is None:
        raise bad_request("There is one range of partitions: only what is ordered by rank has to be planned.")
    return saying(200, plan_of(query, parameters), PLANNING)


def _asked(request: Request) -> tuple[str, dict[str, Any]]:
    given = loads(request.body) if request.is_query or request.is_plan else {"query": _READ_ALL}
    if not isinstance(given, dict) or not isinstance(given.get("query"), str):
        raise bad_request("A query is a JSON object with the text as `query`.")
    return given["query"], {one["name"]: one.get("value") for one in given.get("parameters") or []}


def _of_query(container: Container, request: Request, clock: Clock) -> Answer:
    text, parameters = _asked(request)
    query = compiled(text)
    if query.query.rank is not None and not _is_of_one_partition(container, request):
        raise bad_request("The client has to ask for a plan of this query.", CROSS_PARTITION_NOT_SERVABLE)
    _check_scope(request)
    check_order(query.query, container.properties.get("indexingPolicy") or {})
    scope = {**parameters, METRICS: container.metrics, NOW: clock.now()}
    more = request.headers.get("x-ms-continuation")
    return _feed(container, page_of(query, text, _scoped(container, request), scope, _limit(request), more))


def _check_scope(request: Request) -> None:
    """A query is of one partition, or of a range of them, or says that it is of all."""
    names = KEY, "x-ms-documentdb-partitionkeyrangeid", "x-ms-start-epk"
    is_of_all = request.says("x-ms-documentdb-query-enablecrosspartition")
    if request.is_query and not is_of_all and not any(name in request.headers for name in names):
        raise bad_request(
            "Cross partition query is required but disabled: set x-ms-documentdb-query-enablecrosspartition to true."
        )


def _is_of_one_partition(container: Container, request: Request) -> bool:
    """Such a query is run as it is: what needs a plan, such as an order by rank, is left out without a word."""
    key = request.headers.get(KEY)
    return key is not None and len(loads(key.encode())) == len(container.paths)


def _scoped(container: Container, request: Request) -> Any:
    """The items of the partitions that the request is about."""
    headers = request.headers
    prefix = key_of_header(headers[KEY], container.paths, may_be_prefix=True) if KEY in headers else None
    hashes = (headers["x-ms-start-epk"], headers["x-ms-end-epk"]) if "x-ms-start-epk" in headers else None
    for partition in container.partitions(prefix, hashes):
        yield from list(partition.items.values())


def _limit(request: Request) -> int:
    limit = int(request.headers.get("x-ms-max-item-count") or 100)
    return limit if limit > 0 else 1000


def _feed(container: Container, page: Page) -> Answer:
    body = {"_rid": container.properties["_rid"], "Documents": page.values, "_count": len(page.values)}
    more = {"x_ms_continuation": page.continuation} if page.continuation else {}
    return saying(200, body, querying(page.loaded), x_ms_item_count=str(len(page.values)), **more)


def _changes(container: Container, request: Request) -> Answer:
    """The items as they are now, of those that changed after the version that the client has."""
    since = _version(container, request.headers.get("if-none-match", ""))
    items: list[Item] = [item for item in _scoped(container, request) if item.version > since]
    page = list(islice(sorted(items, key=lambda item: item.version), _limit(request)))
    if not page:
        return Answer(304, headers={"etag": f'"{since}"'}, charge=FAILED)
    body = {"_rid": container.properties["_rid"], "Documents": [item.body for item in page], "_count": len(page)}
    return saying(200, body, sum(reading(item.size) for item in page), etag=f'"{page[-1].version}"')


def _version(container: Container, tag: str) -> int:
    if tag == "*":
        return container.versions.last
    return int(tag.strip('"')) if tag.strip('"').isdecimal() else 0
