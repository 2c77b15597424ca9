"""Every route that the API document has, and requests to them: right ones, and such as nobody should send."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 2**70, 1.5, 1e308, "", " ", "x" * 3_000, "\0", "é\u202e", "${", "${input.x}", "${1/0}",
    [], {}, [[]], {"": {}}, "../..", "'; --", "<script>", "PT1S", "P1D", "-PT1S", "2026-13-01", "writer", "writer@1",
    "writer@99", {"secret": "X"}, ["writer"] * 200, {"type": "nonsense"}, {"$ref": "#"}, {"pattern": "(a+)+$"},
)  # fmt: skip
PLAUSIBLE = (
    "writer", "brief", "mail", "a", "b", "writer@1", "brief:production", "PT1H", "P30D", "Say hello.", "${input.topic}",
    "input.topic == 'x'", "https://api.example.com/x", "0 7 * * *", "Europe/Berlin", "2030-01-01T00:00:00Z", "1.5",
    "topic", "default", "A", "NAME",
)  # fmt: skip
"""Texts that may be in their place."""
NAMED: dict[str, Any] = {
    "agent": "writer", "workflow": "brief", "tool": "mail", "cron": "0 7 * * *", "name": "a", "input": {"topic": "tea"},
    "output_schema": {"type": "object"}, "id": "s", "prompt": "mail", "instructions": "Write.", "tools": ["mail"],
    "parameters": {}, "max_cost": "1.5", "amount": "1.5", "url": "https://api.example.com/", "function": "f",
    "steps": [{"id": "s", "agent": "writer"}], "definition": {"name": "w", "steps": [{"id": "s", "agent": "writer"}]},
}  # fmt: skip
"""What goes by a name, most of the time."""
IN_PATHS = (
    "writer", "brief", "mail", "default", "none", "..", "%2e%2e", "a%2Fb", "%00", "x" * 300, "%F0%9F%98%80", "-", "0",
    "0" * 32, "${x}", "a b", "__proto__", "%ff", "1",
)  # fmt: skip
TEXTS = (b"", b"{", b"[]", b"null", b'"\\ud800"', b'{"a": NaN}', b"\xff\xfe", b"{} {}", b"[" * 5_000, b'{"a":1,"a":2}')
"""Bodies that are no JSON, or none that counts."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    parameters: tuple[str, ...] = ()
    body: Any = None
    schemas: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_in(document: dict[str, Any]) -> Iterator[Route]:
    """All but the page's own."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            named = tuple(one["name"] for one in told.get("parameters", ()) if one["in"] == "query")
            content = told.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema") if content else None
            yield Route(method.upper(), path, named, body, schemas)


class Attacker:
    """Makes requests to a route, the same ones each time."""

    def __init__(self, route: Route, ids: dict[str, str]) -> None:
        self._route = route
        self._ids = ids
        self._chance = random.Random(str(route))
        self._share = 0.0
        """Of the parts of a body that are something else."""

    def request(self, client: httpx.AsyncClient) -> httpx.Request:
        route, chance = self._route, self._chance
        path = "/".join(self._part(part) for part in route.path.split("/"))
        query = {
            name: _text(chance.choice(ODD)) for name in route.parameters if name != "wait" and chance.random() < 0.4
        }
        headers = {"If-Match": _text(chance.choice(("*", '"1"', "x")))} if chance.random() < 0.2 else {}
        if chance.random() < 0.2:
            headers["Idempotency-Key"] = chance.choice(("k", "x" * 300, "a b", "~"))
        content, kind = self._content() if route.method in ("POST", "PUT") else (b"", "")
        if kind:
            headers["Content-Type"] = kind
        return client.build_request(route.method, path, params=query, headers=headers, content=content)

    def _part(self, part: str) -> str:
        if not part.startswith("{"):
            return part
        known = self._ids.get(part[1:-1])
        return known if known is not None and self._chance.random() < 0.6 else self._chance.choice(IN_PATHS)

    def _content(self) -> tuple[bytes, str]:
        chance = self._chance
        if chance.random() < 0.15:
            return chance.choice(TEXTS), chance.choice(("application/json", "application/yaml", "text/plain", "x"))
        self._share = chance.choice((0, 0, 0.02, 0.1))
        return json.dumps(self.made(self._route.body or {}, 0)).encode(), "application/json"

    def made(self, schema: Any, depth: int) -> Any:
        """An instance, more or less, in which some parts are something else."""
        chance = self._chance
        if chance.random() < self._share or depth > 8 or not isinstance(schema, dict):
            return chance.choice(ODD)
        if "$ref" in schema:
            return self.made(self._route.schemas.get(schema["$ref"].rpartition("/")[2], {}), depth + 1)
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema and "properties" in schema:
                needed = (*schema.get("required", ()), *chance.choice(schema[several]).get("required", ()))
                return self._of_type({**schema, "required": needed}, depth)
            if several in schema:
                return self.made(chance.choice(schema[several]), depth + 1)
        if "const" in schema or "enum" in schema:
            return schema.get("const", chance.choice(schema.get("enum", [None])))
        return self._of_type(schema, depth)

    def _named(self, name: str, schema: Any, depth: int) -> Any:
        known = NAMED.get(name)
        return known if known is not None and self._chance.random() < 0.7 else self.made(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        chance, kind = self._chance, schema.get("type", "object" if "properties" in schema else None)
        match kind:
            case "object":
                given = schema.get("properties", {})
                needed = schema.get("required", ())
                picked = [name for name in given if name in needed or chance.random() < 0.25]
                made = {name: self._named(name, given[name], depth + 1) for name in picked}
                return made | ({str(chance.choice(ODD))[:50]: chance.choice(ODD)} if self._is_odd() else {})
            case "array":
                return [self.made(schema.get("items", {}), depth + 1) for _ in range(chance.randrange(3))]
            case "string":
                return chance.choice([text for text in PLAUSIBLE if _fits(text, schema)] or PLAUSIBLE)
            case "integer" | "number":
                return chance.choice((1, 2, schema.get("minimum", 0), schema.get("maximum", 9)))
            case "boolean":
                return chance.random() < 0.5
            case _:
                return chance.choice(ODD)

    def _is_odd(self) -> bool:
        return self._chance.random() < self._share


def _fits(text: str, schema: dict[str, Any]) -> bool:
    if len(text) < schema.get("minLength", 0) or len(text) > schema.get("maxLength", 10**9):
        return False
    if schema.get("format") == "duration":
        return text.startswith("P")
    return "pattern" not in schema or re.search(schema["pattern"], text) is not None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)[:2_000]
