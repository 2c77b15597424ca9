"""What routes have in common: their parameters, their times, and how OpenAPI describes bodies that are read by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Query

Limit = Annotated[int, Query(ge=1, le=200, description="Most items of one page.")]
Continuation = Annotated[str | None, Query(max_length=500, description="As the page before gave it.")]
Version = Annotated[int | None, Query(ge=1, le=999_999_999)]
IfMatch = Annotated[str | None, Header(max_length=1_000, description="The ETag that it must still have.")]
IfNoneMatch = Annotated[str | None, Header(max_length=1_000, description="`*`: only create.")]
IdempotencyKey = Annotated[
    str | None, Header(description="The same key with the same request is done once: 1 to 200 visible characters.")
]


def json_body(schema: str, *, required: bool = True) -> dict[str, Any]:
    """`openapi_extra` of a route whose body is read as JSON."""
    return _body(schema, required, "application/json")


def definition_body(schema: str) -> dict[str, Any]:
    """`openapi_extra` of a route whose body may be YAML as well."""
    return _body(schema, True, "application/json", "application/yaml")


def rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _body(schema: str, required: bool, *media_types: str) -> dict[str, Any]:
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}} for kind in media_types}
    return {"requestBody": {"required": required, "content": content}}
