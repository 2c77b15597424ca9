"""What the model stub answers: pure functions of the request, so that every attempt gets the same answer."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import jsonschema

from meta_agents.testing.asked import JsonObject, Word, messages_hash


class UnusableRequest(ValueError):
    """The stub cannot answer this request as asked; the message says why."""


@dataclass(frozen=True)
class Answer:
    """One answer: text, calls of tools as (name, arguments as JSON text), or both; or a refusal.

    `reason`: its `finish_reason`, where it is not the usual one.
    """

    text: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    refusal: str = ""
    reason: str = ""

    def pieces(self) -> list[str]:
        """The text word by word, as it is streamed."""
        return split(self.text) or [self.text]

    @property
    def finish_reason(self) -> str:
        return self.reason or ("tool_calls" if self.tool_calls else "stop")

    def halved(self, reason: str) -> Answer:
        """The first half of its words, and why there are no more."""
        pieces = self.pieces()
        return Answer("".join(pieces[: len(pieces) // 2]), reason=reason)


def split(text: str) -> list[str]:
    """Word by word, nothing lost."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)


def scripted_answer(scripted: Any) -> Answer:
    """A string is said as it is, `{"tool_calls": [{"name", "arguments"}]}` calls tools, all else is said as JSON."""
    if isinstance(scripted, str):
        return Answer(scripted)
    if isinstance(scripted, dict) and "tool_calls" in scripted:
        return Answer(
            tool_calls=tuple((call["name"], json.dumps(call["arguments"])) for call in scripted["tool_calls"])
        )
    return Answer(json.dumps(scripted))


def worded_answer(request: JsonObject, word: Word) -> Answer | None:
    """The answer a special word asks for: `say TEXT`, or `tool NAME {json}` until that tool's result is there."""
    if word.verb == "say":
        return Answer(word.rest)
    if word.verb == "tool" and request["messages"][-1]["role"] == "user":
        name, _, arguments = word.rest.partition(" ")
        return Answer(tool_calls=((name, arguments or "{}"),))
    return None


def plain_answer(request: JsonObject) -> Answer:
    """`answer N to HASH`, N being the number of messages; or, where a JSON schema is asked for, an instance of it.

    Raises `UnusableRequest` for a schema the stub can make no instance of.
    """
    digest = messages_hash(request)
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        value = instance(schema, schema, digest)
        try:
            jsonschema.validate(value, schema)
        except jsonschema.ValidationError as error:
            raise UnusableRequest(f"The stub makes no instance of this schema: {error.message}") from error
        return Answer(json.dumps(value))
    text = f"answer {len(request['messages'])} to {digest[:8]}"
    return Answer(json.dumps({"answer": text}) if wanted.get("type") == "json_object" else text)


def instance(schema: Any, root: JsonObject, digest: str, path: str = "$") -> Any:
    """A small instance of `schema`; where it leaves a choice, `digest` and the place in the instance decide."""
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return instance(resolve(schema["$ref"], root), root, digest, path)
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "oneOf", "anyOf"):
        if key in schema:
            picked = pick(schema[key], digest, path)
            return picked if key == "enum" else instance(picked, root, digest, path)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return of_type(kind[0] if isinstance(kind, list) else kind, schema, root, digest, path)


def of_type(kind: str, schema: JsonObject, root: JsonObject, digest: str, path: str) -> Any:
    match kind:
        case "object":
            properties: JsonObject = schema.get("properties", {})
            return {
                name: instance(properties.get(name, {}), root, digest, f"{path}.{name}")
                for name in schema.get("required") or properties
            }
        case "array":
            count = schema.get("minItems", 1)
            return [instance(schema.get("items", {}), root, digest, f"{path}[{index}]") for index in range(count)]
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", min(0, schema.get("maximum", 0)))
        case "null":
            return None
        case _:
            text = f"answer {pick_number(digest, path):08x}"
            return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def resolve(reference: str, root: JsonObject) -> Any:
    """Follow `#/a/b` in `root`. Raises `UnusableRequest` for any other reference."""
    if not reference.startswith("#"):
        raise UnusableRequest(f"The stub follows no reference out of the schema: {reference}")
    place: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        place = place[part] if part else place
    return place


def pick(choices: list[Any], digest: str, path: str) -> Any:
    return choices[pick_number(digest, path) % len(choices)]


def pick_number(digest: str, path: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{digest}{path}".encode()).digest()[:4])
