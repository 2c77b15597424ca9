"""A model of request units: what requests would cost, by the figures that Microsoft has published.

Point reads and writes follow the table by size, 0.2 RU for each indexed term that is added or taken away and 0.4 RU for
each operation of a patch: https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption (of 2026-04).
Sizes between those of the table are interpolated. Reads cost double where the account's default consistency is Strong
or BoundedStaleness: https://learn.microsoft.com/azure/cosmos-db/optimize-cost-reads-writes.

**Of queries only examples are published.** Here a page costs `QUERY`, and for every item that is loaded for it `LOADED`
of what its point read costs. An index is taken to serve every filter, count and sum; a scan would cost more. So compare
charges with one another, and measure on Azure before a budget is made of them (docs/azure-verification.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

_KILOBYTES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
_READ = (1.00, 1.04, 1.14, 1.33, 1.67, 2.19, 4.76, 9.95, 20.28, 40.95, 145.90, 291.80)
_WRITE = (4.95, 6.29, 6.67, 7.04, 9.52, 11.23, 22.67, 48.19, 98.29, 184.57, 625.00, 1250.00)
TERM = 0.2
PATCH = 0.4
QUERY = 2.3
PLANNING = 1.0
LOADED = 0.1
"""As loading many at once is cheaper than asking for each. These three are ours."""
FAILED = 1.0
"""What a request costs that found nothing, or a condition that was not met. Ours."""

Terms = frozenset[tuple[str, Any]]


def reading(size: int) -> float:
    return _by_size(_READ, size)


def writing(size: int, terms: int) -> float:
    """Of making or deleting an item."""
    return _by_size(_WRITE, size) + TERM * terms


def replacing(old: int, new: int, changed: int) -> float:
    """`changed`: how many terms are taken away, and added."""
    return _by_size(_WRITE, old) + _by_size(_WRITE, new) + TERM * changed


def querying(loaded: Iterable[int]) -> float:
    return QUERY + LOADED * sum(_by_size(_READ, size) for size in loaded)


def terms_of(body: dict[str, Any], policy: dict[str, Any]) -> Terms:
    """What the indexing policy makes the service index: path and value of each leaf."""
    if policy.get("indexingMode") == "none":
        return frozenset()
    included = [one["path"] for one in policy.get("includedPaths", [{"path": "/*"}])]
    excluded = [one["path"] for one in policy.get("excludedPaths", [])]
    if excluded in ([], ['/"_etag"/?']) and "/*" in included:
        return frozenset(_leaves(body, ""))
    return frozenset(term for term in _leaves(body, "") if _reach(included, term[0]) > _reach(excluded, term[0]))


def is_indexed(path: str, policy: dict[str, Any]) -> bool:
    """Whether a value at the path, such as `/a/b`, is in the index. `id` and `_ts` are in each."""
    if policy.get("indexingMode") == "none":
        return False
    included = [one["path"] for one in policy.get("includedPaths", [{"path": "/*"}])]
    excluded = [one["path"] for one in policy.get("excludedPaths", [])]
    return path in ("/id", "/_ts") or _reach(included, path) > _reach(excluded, path)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not (path == "" and name.startswith("_")):
                yield from _leaves(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}/[]")
    else:
        yield path, value


def _reach(patterns: list[str], path: str) -> int:
    """How much of the path the most exact of the patterns says; -1 where none fits."""
    return max((len(one) for one in patterns if _fits(one, path)), default=-1)


def _fits(pattern: str, path: str) -> bool:
    stem = pattern[:-2].replace('"', "")
    return path == stem or (pattern.endswith("/*") and path.startswith(f"{stem}/"))


def _by_size(table: tuple[float, ...], size: int) -> float:
    kilobytes = max(size / 1024, 1.0)
    at = bisect_left(_KILOBYTES, kilobytes)
    if at == 0:
        return table[0]
    at = min(at, len(table) - 1)
    low, high = _KILOBYTES[at - 1], _KILOBYTES[at]
    part = (kilobytes - low) / (high - low)
    return table[at - 1] + part * (table[at] - table[at - 1])
