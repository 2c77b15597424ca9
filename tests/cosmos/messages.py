"""Requests and answers as they are on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.cosmos.errors import CosmosError


@dataclass(frozen=True)
class Request:
    """`parts` of the path, decoded: `dbs`, name, `colls`, name…"""

    method: str
    parts: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes
    origin: str

    def says(self, header: str) -> bool:
        return self.headers.get(header, "").lower() == "true"

    @property
    def is_query(self) -> bool:
        is_typed = self.headers.get("content-type", "").startswith("application/query+json")
        return self.method == "POST" and (is_typed or self.says("x-ms-documentdb-isquery"))

    @property
    def is_plan(self) -> bool:
        return self.says("x-ms-cosmos-is-query-plan-request")


@dataclass(frozen=True)
class Answer:
    """`charge` in request units."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    charge: float = 0.0


def parts_of(path: str) -> tuple[str, ...]:
    return tuple(unquote(part) for part in path.split("/") if part)


def saying(status: int, body: Any, charge: float = 0.0, **headers: str) -> Answer:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Answer(status, content, {name.replace("_", "-"): value for name, value in headers.items()}, charge)


def refusing(error: CosmosError, charge: float, **more: Any) -> Answer:
    headers = {"x-ms-substatus": str(error.sub_status)} if error.sub_status else {}
    body = json.dumps({"code": error.code, "message": error.message, **more}).encode()
    return Answer(error.status, body, headers, charge)


def kind_of(request: Request) -> str:  # noqa: PLR0911
    """The name of the operation, as records and faults have it."""
    parts, method = request.parts, request.method
    if not parts:
        return "ReadAccount"
    if len(parts) < 5 or parts[4] != "docs":
        what = {"dbs": "Database", "colls": "Container", "pkranges": "PartitionRanges", "offers": "Offers"}
        name = what.get(parts[-1] if len(parts) % 2 else parts[-2], "Other")
        return {"GET": "Read", "DELETE": "Delete", "PUT": "Replace", "POST": "Create"}.get(method, "Other") + name
    if len(parts) == 6:
        return {"GET": "Read", "PUT": "Replace", "DELETE": "Delete", "PATCH": "Patch"}.get(method, "Other") + "Item"
    if request.says("x-ms-cosmos-is-batch-request"):
        return "Batch"
    if request.is_plan:
        return "PlanQuery"
    if request.is_query:
        return "QueryItems"
    if method == "GET":
        return "ReadChanges" if request.headers.get("a-im") else "ReadItems"
    return "UpsertItem" if request.says("x-ms-documentdb-is-upsert") else "CreateItem"
