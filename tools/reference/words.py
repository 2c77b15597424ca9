"""What a key takes, in plain words, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from domain.base import NAME_PATTERN, REFERENCE_PATTERN, STEP_ID_PATTERN
from domain.policies import Role

_ROLE_PATTERN = get_args(Role)[1].pattern
_PATTERNS = {
    _ROLE_PATTERN: ("role", "roles"),
    NAME_PATTERN: ("name", "names"),
    STEP_ID_PATTERN: ("id", "ids"),
    REFERENCE_PATTERN: ("name or `name@version`", "names"),
}
_NOUNS = {
    "string": ("text", "texts"),
    "integer": ("whole number", "whole numbers"),
    "number": ("number", "numbers"),
    "boolean": ("`true` or `false`", "`true` or `false`"),
    "object": ("object", "objects"),
}
_ANYTHING = "any JSON"


class Link(NamedTuple):
    label: str
    target: str

    def told(self, *, many: bool) -> str:
        ending = ("ies" if self.label.endswith("y") else f"{self.label[-1]}s") if many else self.label[-1]
        return f"[{self.label[:-1]}{ending}]({self.target})"


def code(text: str) -> str:
    return f"`{text}`"


def words(schema: Mapping[str, Any], links: Mapping[str, Link], *, many: bool = False) -> str:
    """What is written there; of several alternatives all. `many`: in the plural."""
    if "$ref" in schema:
        return _linked(schema["$ref"].rpartition("/")[2], links, many=many)
    if "enum" in schema or "const" in schema:
        return listed([code(_written(value)) for value in schema.get("enum", [schema.get("const")])])
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return _either(alternatives, links, many=many)
    if schema.get("type") == "array":
        return f"{'lists' if many else 'list'} of {_number(schema)}{words(schema['items'], links, many=True)}"
    return _single(schema, links, many=many)


def listed(parts: Sequence[str]) -> str:
    """`a, b or c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _single(schema: Mapping[str, Any], links: Mapping[str, Link], *, many: bool) -> str:
    if schema.get("format") == "duration":
        return Link("duration", "#durations").told(many=many)
    values = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    for value in values:
        if isinstance(value, Mapping):
            return f"{'objects' if many else 'object'} of {words(value, links, many=True)}"
    noun = _PATTERNS.get(schema.get("pattern", "")) or _NOUNS.get(schema.get("type", ""), (_ANYTHING, _ANYTHING))
    return noun[many] + _bounds(schema)


def _linked(name: str, links: Mapping[str, Link], *, many: bool) -> str:
    if name == "Code":
        return Link("error code", "errors.md").told(many=many)
    if name.endswith("Step"):
        return Link("step", "#steps").told(many=many)
    return links[name].told(many=many)


def _either(alternatives: list[dict[str, Any]], links: Mapping[str, Link], *, many: bool) -> str:
    left = [one for one in alternatives if one.get("type") != "null"]
    if len(left) > 1 and left[0].get("type") == "number":
        left = left[:1]  # money may be written as text, too
    parts: list[str] = []
    for one in left:
        parts += [code(_written(value)) for value in one["enum"]] if "enum" in one else [words(one, links, many=many)]
    return listed(list(dict.fromkeys(parts)))


def _bounds(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "string":
        return f", at most {schema['maxLength']:,} characters" if "maxLength" in schema else ""
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']:g}"
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        return f" from {least:,} to {most:,}"
    return f" from {least:,}" if least is not None else ""


def _number(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if most is not None:
        return f"{least or 0} to {most:,} "
    return f"{least} or more " if least else ""


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
