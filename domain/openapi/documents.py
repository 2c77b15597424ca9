"""The document: its operations, and where its references lead. Nothing outside it is ever looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from domain.values import Json

METHODS = ("get", "put", "post", "patch", "delete")
MOST_HOPS = 20
"""References that lead to references."""

Object = Mapping[str, Json]


class DocumentError(Exception):
    """The document, or this part of it, cannot be used. The message is a sentence."""


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    parameters: tuple[Json, ...]
    """As they are written; the path's before the operation's own, which go before them."""
    said: Object
    servers: tuple[Object, ...]


class OpenApi:
    """Raises `DocumentError` for what is no OpenAPI document of a version that is known."""

    def __init__(self, document: Json) -> None:
        version = document.get("openapi") if isinstance(document, dict) else None
        if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
            raise DocumentError("This is no OpenAPI document of version 3.0 or 3.1: it has no `openapi` that says so.")
        self.document: dict[str, Any] = document
        self.is_old = version.startswith("3.0")
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._resolver = Registry().with_resource("", resource).resolver()

    def operations(self) -> Iterator[Operation]:
        """In the order of the document."""
        for path, item in objects(self.document.get("paths")):
            shared = self.resolved(item)
            for method in METHODS:
                said = shared.get(method)
                if isinstance(said, dict):
                    yield self._operation(path, method, shared, said)

    def resolved(self, value: Json) -> Object:
        """The object, or the one that its `$ref` leads to. Raises `DocumentError`."""
        for _ in range(MOST_HOPS):
            if not isinstance(value, dict):
                raise DocumentError("Something that should be an object is none.")
            if "$ref" not in value:
                return value
            value = self.target(value["$ref"])
        raise DocumentError("A `$ref` leads in a circle.")

    def target(self, reference: Json) -> Json:
        """Raises `DocumentError`."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise DocumentError(f"The reference `{str(reference)[:100]}` leads out of the document: bundle it first.")
        try:
            return self._resolver.lookup(reference).contents
        except (Unresolvable, ValueError, TypeError, LookupError) as error:
            raise DocumentError(f"The reference `{reference[:100]}` leads to nothing.") from error

    def _operation(self, path: str, method: str, shared: Object, said: Object) -> Operation:
        id = said.get("operationId")
        servers = next(
            (found for holder in (said, shared, self.document) if (found := listed(holder.get("servers")))), []
        )
        return Operation(
            id=id if isinstance(id, str) and id else f"{method} {path}",
            method=method,
            path=path,
            parameters=(*listed(shared.get("parameters")), *listed(said.get("parameters"))),
            said=said,
            servers=tuple(server for server in servers if isinstance(server, dict)),
        )


def server_of(operation: Operation, given: str | None) -> str:
    """The address that paths go after, without a slash at its end. Raises `DocumentError`.

    `given`: what the server of the document is relative to, or, where it names none, is.
    """
    server = operation.servers[0] if operation.servers else {}
    address = str(server.get("url", ""))
    for name, variable in objects(server.get("variables")):
        if isinstance(variable, dict):
            address = address.replace(f"{{{name}}}", str(variable.get("default", "")))
    try:
        address = urljoin(given, address) if given else address
    except ValueError as error:
        raise DocumentError(f"The address of its server is none: {error}.") from error
    if not address.startswith(("https://", "http://")) or "{" in address or "?" in address or "$" in address:
        raise DocumentError("The document says no whole address of its server: give one.")
    return address.rstrip("/")


def listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def objects(value: Json) -> list[tuple[str, Json]]:
    return list(value.items()) if isinstance(value, dict) else []
