"""What a request offers to binding expressions, and to the classic request type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from devhost.expressions import BindingData


def binding_data(scope: Scope, route_params: Mapping[str, str]) -> BindingData:
    """Headers, query and route of a request, as on Azure: repeated values joined by commas, an empty query left out."""
    headers = _joined(Headers(scope=scope).items())
    query = _joined(QueryParams(scope["query_string"]).multi_items())
    return BindingData(headers, {name: value for name, value in query.items() if value}, route_params)


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By the name as it first came: names compare case-insensitively."""
    names: dict[str, str] = {}
    joined: dict[str, str] = {}
    for written, value in items:
        name = names.setdefault(written.lower(), written)
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
