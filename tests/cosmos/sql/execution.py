"""A query applied to items, page by page."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import itemgetter
from typing import Any

from tests.cosmos.errors import bad_request
from tests.cosmos.sql.compiling import NEARNESS, ROWS, Compiled, Scope, metric_of
from tests.cosmos.sql.narrowing import in_order, narrowed, ordering_path
from tests.cosmos.sql.syntax import Call, Order
from tests.cosmos.sql.values import UNDEFINED, Value, order_key

Place = tuple[int, ...]
"""Where an item stands among all of the container: its partition, then itself; of a row also its number."""
MOST_BYTES = 4 * 1024 * 1024
"""Of a page."""


@dataclass(frozen=True)
class Source:
    """An item as queries see it; `size` in bytes of JSON."""

    body: dict[str, Any]
    place: Place
    size: int


@dataclass(frozen=True)
class Page:
    """`loaded`: sizes of the items that were looked into for it."""

    values: list[Value]
    continuation: str | None
    loaded: list[int]


@dataclass(frozen=True)
class _Row:
    scope: Scope
    place: Place
    size: int


def values_of(query: Compiled, scope: Scope) -> list[Value]:
    """All values of a subquery, which goes through what names of `scope` stand for."""
    return _finished(query, [_Row(row, (), 0) for row in _matching(query, scope)], scope)


def page_of(
    query: Compiled, text: str, items: Iterable[Source], scope: Scope, limit: int, continuation: str | None
) -> Page:
    """At most `limit` values after where `continuation`, from an earlier page of the same query, left off."""
    after = _after(text, continuation)
    rows = _in_order(query, items, scope)
    if query.is_aggregate or query.query.distinct or query.offset or query.top:
        return _whole(query, text, rows, scope, limit, after.get("skip", 0))
    return _streamed(query, text, rows, scope, limit, after)


def _in_order(query: Compiled, items: Iterable[Source], scope: Scope) -> Iterator[_Row]:
    """All rows, but as late as can be: who needs few looks at few."""
    sources = narrowed(query, items, scope)
    path = ordering_path(query.query)
    if path:
        sources = in_order(query, sources, path)
    rows = (row for item in sources for row in _rows(query, item, scope))
    return iter(_sorted(query, list(rows), scope)) if query.orders and not path else rows


def _whole(query: Compiled, text: str, rows: Iterator[_Row], scope: Scope, limit: int, skip: int) -> Page:
    """A part of all values, where one cannot be told without those before it."""
    looked_at = list(islice(rows, _enough(query, scope)))
    values = _finished(query, looked_at, scope)
    page = _fitting(values[skip : skip + limit], sum(row.size for row in looked_at))
    end = skip + len(page)
    # Sums are taken to come from the index alone.
    loaded = [] if query.is_aggregate else [row.size for row in looked_at]
    return Page(page, _token(text, skip=end) if end < len(values) else None, loaded)


def _fitting(values: list[Value], size: int) -> list[Value]:
    """Those from the first that one answer can hold, of values whose items have that size together."""
    if size <= MOST_BYTES:
        return values
    sizes = accumulate(len(json.dumps(value)) for value in values)
    return values[: max(1, sum(each <= MOST_BYTES for each in sizes))]


def _enough(query: Compiled, scope: Scope) -> int | None:
    """How many rows give all values."""
    if query.is_aggregate or query.query.distinct:
        return None
    if query.offset and query.limit:
        return _whole_number(query.offset(scope)) + _whole_number(query.limit(scope))
    return _whole_number(query.top(scope)) if query.top else None


def _streamed(
    query: Compiled, text: str, rows: Iterator[_Row], scope: Scope, limit: int, after: dict[str, Any]
) -> Page:
    """A page that begins after the place where the last one ended, whatever has come and gone meanwhile."""
    values: list[Value] = []
    loaded: list[int] = []
    room, last = MOST_BYTES, None
    for row in rows:
        if after and _compare(query, _position(query, row), (after["keys"], after["place"]), scope) <= 0:
            continue
        room -= row.size
        if last is not None and (len(values) == limit or room < 0):
            keys, place = _position(query, last)
            return Page(values, _token(text, keys=keys, place=place), loaded)
        last = row
        loaded.append(row.size)
        value = _selected(query, row.scope)
        if value is not UNDEFINED:
            values.append(value)
    return Page(values, None, loaded)


def _rows(query: Compiled, item: Source, scope: Scope) -> list[_Row]:
    root = query.query.root
    found = _matching(query, {**scope, root: item.body} if root else scope)
    return [_Row(row, (*item.place, number), item.size) for number, row in enumerate(found)]


def _matching(query: Compiled, scope: Scope) -> list[Scope]:
    scopes = [scope]
    for name, source in query.sources:
        scopes = [{**one, name: each} for one in scopes for each in _through(source(one))]
    return [one for one in scopes if query.where is None or query.where(one) is True]


def _through(value: Value) -> list[Any]:
    return value if isinstance(value, list) else []


def _finished(query: Compiled, rows: list[_Row], scope: Scope) -> list[Value]:
    scopes = _grouped(query, [row.scope for row in rows], scope) if query.is_aggregate else [row.scope for row in rows]
    values = [value for one in scopes if (value := _selected(query, one)) is not UNDEFINED]
    if query.query.distinct:
        values = list({json.dumps(value, sort_keys=True): value for value in values}.values())
    if query.offset and query.limit:
        first = _whole_number(query.offset(scope))
        values = values[first : first + _whole_number(query.limit(scope))]
    return values[: _whole_number(query.top(scope))] if query.top else values


def _whole_number(value: Value) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_request("TOP, OFFSET and LIMIT take a whole number that is not negative.")
    return value


def _grouped(query: Compiled, scopes: list[Scope], scope: Scope) -> list[Scope]:
    if not query.groups:
        return [{**(scopes[0] if scopes else scope), ROWS: scopes}]
    groups: dict[str, list[Scope]] = {}
    for one in scopes:
        key = json.dumps([None if (value := group(one)) is UNDEFINED else [value] for group in query.groups])
        groups.setdefault(key, []).append(one)
    return [{**members[0], ROWS: members} for members in groups.values()]


def _selected(query: Compiled, scope: Scope) -> Value:
    if query.value:
        return query.value(scope)
    if query.columns is not None:
        return {name: value for name, column in query.columns if (value := column(scope)) is not UNDEFINED}
    return scope[query.query.root] if query.query.root else UNDEFINED


# ---- order


def _directions(query: Compiled, scope: Scope) -> list[bool]:
    """Whether each key is sorted from the greatest; by nearness always what is nearest comes first."""
    return [_is_descending(order, scope) for order in query.query.orders]


def _is_descending(order: Order, scope: Scope) -> bool:
    if isinstance(order.key, Call) and order.key.name in NEARNESS:
        return (metric_of(order.key, scope) != "euclidean") != order.reversed
    return order.descending


def _sorted(query: Compiled, rows: list[_Row], scope: Scope) -> list[_Row]:
    for (key, _), is_descending in reversed([*zip(query.orders, _directions(query, scope), strict=True)]):
        keys = [(order_key(key(row.scope)), row) for row in rows]
        keys.sort(key=itemgetter(0), reverse=is_descending)
        rows = [row for _, row in keys]
    return rows


def _position(query: Compiled, row: _Row) -> tuple[list[Value], Place]:
    # In a list, so that what is not there can be told from null in a token, too.
    return [[] if (value := key(row.scope)) is UNDEFINED else [value] for key, _ in query.orders], row.place


def _compare(query: Compiled, left: tuple[list[Value], Place], right: tuple[list[Value], Place], scope: Scope) -> int:
    for is_descending, one, other in zip(_directions(query, scope), left[0], right[0], strict=True):
        first, second = order_key(*one or [UNDEFINED]), order_key(*other or [UNDEFINED])
        if first != second:
            return -1 if (first < second) != is_descending else 1
    here, there = tuple(left[1]), tuple(right[1])
    return (here > there) - (here < there)


# ---- continuation tokens


def _token(text: str, **left_off: Any) -> str:
    left_off["query"] = zlib.crc32(text.encode())
    return base64.b64encode(json.dumps(left_off).encode()).decode()


def _after(text: str, token: str | None) -> dict[str, Any]:
    if not token:
        return {}
    try:
        left_off = json.loads(base64.b64decode(token, validate=True))
        if left_off["query"] == zlib.crc32(text.encode()):
            return dict(left_off)
    except (ValueError, TypeError, KeyError) as error:
        raise bad_request("INVALID JSON in continuation token") from error
    raise bad_request("The continuation token belongs to another query.")
