"""Schemas of an OpenAPI document as JSON Schemas (2020-12) that stand by themselves."""

from __future__ import annotations

from typing import Any

from domain.openapi.documents import DocumentError, OpenApi
from domain.patterns import UnusablePattern, compiled
from domain.validation.schemas import MOST_PARTS
from domain.values import Json

_MANY = ("properties", "patternProperties", "dependentSchemas", "$defs")
_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
_ONE = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
MOST_DEPTH = 40
_DROPPED = frozenset(
    {"example", "examples", "xml", "externalDocs", "discriminator", "deprecated", "readOnly", "writeOnly", "nullable"}
    | {"$schema", "$id", "$anchor", "$dynamicAnchor", "$comment", "title"}
)
"""What says nothing about which values fit."""


def standing_alone(schema: dict[str, Any]) -> tuple[dict[str, Json], list[str]]:
    """The schema of an object with its references resolved, and what was left out of it. Raises `DocumentError`."""
    schemas = Schemas(OpenApi({**schema, "openapi": "3.1.0"}))
    made = schemas.made({key: value for key, value in schema.items() if key not in ("$defs", "definitions")})
    if schemas.definitions:
        made["$defs"] = schemas.definitions
    return {**made, "type": "object"}, schemas.left_out


class Schemas:
    """Makes the schemas of one tool; together they stay within what a definition may hold.

    A reference is replaced by what it leads to, unless that leads back to itself: then it goes into `definitions`.
    """

    def __init__(self, document: OpenApi) -> None:
        self._document = document
        self._parts = 0
        self._depth = 0
        self._names: dict[str, str] = {}
        """By reference: those that lead back to themselves."""
        self.definitions: dict[str, Json] = {}
        self.left_out: list[str] = []

    def made(self, schema: Json, within: tuple[str, ...] = ()) -> Json:
        """Raises `DocumentError`. `within`: the references on the way here."""
        if not isinstance(schema, dict):
            return schema if isinstance(schema, bool) else {}
        self._parts += 1
        if self._parts > MOST_PARTS // 2 or self._depth > MOST_DEPTH:
            raise DocumentError("Its schema is too large for a tool.")
        if "$dynamicRef" in schema:
            raise DocumentError("Its schema has a `$dynamicRef`, which is not taken.")
        if "$ref" in schema:
            return self._referred(schema, within)
        self._depth += 1
        made = {key: self._keyword(key, value, within) for key, value in schema.items() if self._is_kept(key, value)}
        self._depth -= 1
        self._without_read_only(schema, made)
        return _modern(made, schema) if self._document.is_old else made

    def _referred(self, schema: dict[str, Any], within: tuple[str, ...]) -> Json:
        reference = schema["$ref"]
        target = self._document.target(reference)
        if reference in within:
            return {"$ref": f"#/$defs/{self._named(reference)}"}
        self._depth += 1
        made = self.made(target, (*within, reference))
        self._depth -= 1
        if reference in self._names:
            self.definitions[self._names[reference]] = made
            made = {"$ref": f"#/$defs/{self._names[reference]}"}
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if beside and not self._document.is_old:
            more = self.made(beside, within)
            return {**made, **more} if isinstance(made, dict) and not made.keys() & more.keys() - {"description"} else {
                "allOf": [made, more]
            }  # fmt: skip
        return made

    def _named(self, reference: str) -> str:
        if reference not in self._names:
            last = "".join(letter if letter.isalnum() else "_" for letter in reference.rpartition("/")[2]) or "schema"
            taken = set(self._names.values())
            self._names[reference] = next(
                name for name in (last, *(f"{last}_{number}" for number in range(2, 10_000))) if name not in taken
            )
        return self._names[reference]

    def _keyword(self, key: str, value: Json, within: tuple[str, ...]) -> Json:
        if key in _MANY and isinstance(value, dict):
            return {name: self.made(one, within) for name, one in value.items()}
        if key in _SEVERAL and isinstance(value, list):
            return [self.made(one, within) for one in value]
        return self.made(value, within) if key in _ONE else value

    def _is_kept(self, key: str, value: Json) -> bool:
        if key in _DROPPED or key.startswith("x-"):
            return False
        if key == "pattern" and isinstance(value, str):
            try:
                compiled(value)
            except UnusablePattern as error:
                self.left_out.append(f"the pattern `{value[:60]}`: {error}")
                return False
        return True

    def _without_read_only(self, schema: dict[str, Any], made: dict[str, Json]) -> None:
        """What only answers have is not asked for."""
        properties = schema.get("properties")
        for name, one in properties.items() if isinstance(properties, dict) else ():
            if isinstance(one, dict) and one.get("readOnly") is True:
                made["properties"].pop(name, None)
                if isinstance(made.get("required"), list):
                    made["required"] = [needed for needed in made["required"] if needed != name]


def _modern(made: dict[str, Json], schema: dict[str, Any]) -> Json:
    """Version 3.0 has words of its own for two things."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    if schema.get("nullable") is True:
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made
