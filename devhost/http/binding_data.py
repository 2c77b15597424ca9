"""What a request offers to binding expressions, and to the classic request type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from devhost.expressions import BindingData


def binding_data(scope: Scope, route_params: Mapping[str, str]) -> BindingData:
    """Headers, query and route of a request. Repeated values are joined by commas, empty ones dropped, as on Azure."""
    headers = _joined(Headers(scope=scope).items())
    return BindingData(headers, _joined(QueryParams(scope["query_string"]).multi_items()), route_params)


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in items:
        if value:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
