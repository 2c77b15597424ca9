"""Tools for models that have no calls of their own: a JSON schema leaves them the choice of a call or an answer.

Slow to import.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from domain.toolcalls import AskedTool, ToolSpec
from domain.values import Json
from services.models.asked import asked_tool, calls_before, made_up_id
from services.models.base import ModelRequest
from services.models.problems import bad_answer, cut_off
from services.models.schemas import fitting, loads, parse

_HOW = """Answer in JSON. To use a tool, write
{"tool": its name, "arguments": {...}}
and you will be told its result. When you know enough, write
{"answer": your answer}
Tools:"""
Heard = tuple[str, Json, tuple[AskedTool, ...]]
"""Text, value and tool calls of an answer."""


class BySchema:
    """One request to such a model. `whole`: nothing of its answer is shown before all is there, for it is wrapped."""

    def __init__(self, request: ModelRequest) -> None:
        self._request = request
        self._offered = () if request.must_answer else request.tools
        self.whole = bool(self._offered)

    def asks(self) -> dict[str, Any]:
        """The messages, and what keeps the answer to its form."""
        schema = self._request.response_schema
        # Shown how it wrote a call, a small model writes another, where it may only answer.
        messages = _as_text(self._request.messages, with_calls=bool(self._offered))
        if self._offered:
            schema = choice_of(self._offered, schema or {"type": "string"})
            messages = self._told(messages)
        elif schema is None:
            return {"messages": messages}
        return {"messages": messages, "response_format": _format(schema)}

    def heard(self, text: str, finish_reason: str, _asked: tuple[AskedTool, ...]) -> Heard:
        """Raises `ProblemError` model_bad_answer or model_cut_off."""
        request = self._request
        if not self._offered:
            return text, text if request.response_schema is None else fitting(text, finish_reason, request), ()
        if finish_reason == "length":
            return self._cut(text)
        found = parse(text, {"type": "object"})
        if "tool" in found:
            id = made_up_id(calls_before(request.messages))
            return "", None, (asked_tool(id, str(found["tool"]), found.get("arguments", {})),)
        if "answer" not in found:
            raise bad_answer('it has neither "tool" nor "answer".')
        return self._answered(found["answer"])

    def _answered(self, answer: Json) -> Heard:
        if self._request.response_schema is None:
            text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
            if not text.strip():
                raise bad_answer("it is empty.")
            return text, text, ()
        text = json.dumps(answer, ensure_ascii=False)
        return text, parse(text, self._request.response_schema), ()

    def _cut(self, text: str) -> Heard:
        """What is there of an answer that reached its limit: text counts, as it does elsewhere."""
        try:
            found = from_json(text, allow_partial="trailing-strings")
            answer = found["answer"] if self._request.response_schema is None else None
        except (ValueError, KeyError, TypeError):
            answer = None
        if not isinstance(answer, str):
            raise cut_off(self._request.max_output_tokens)
        return answer, answer, ()

    def _told(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """With what there is to choose from, at the end of the system message."""
        lines = [f"{tool.name}: {tool.description} Arguments: {_compact(tool.parameters)}" for tool in self._offered]
        told = "\n".join([_HOW, *lines])
        if messages and messages[0]["role"] == "system":
            first, *others = messages
            return [{**first, "content": f"{first['content']}\n\n{told}"}, *others]
        return [{"role": "system", "content": told}, *messages]


def choice_of(tools: Sequence[ToolSpec], answer: dict[str, Any]) -> dict[str, Any]:
    """A schema of either a call of one of the tools or an answer of that schema."""
    calls = [
        _closed(tool={"const": tool.name}, arguments=_moved(tool.parameters, f"#/oneOf/{number}/properties/arguments"))
        for number, tool in enumerate(tools)
    ]
    return {"oneOf": [*calls, _closed(answer=_moved(answer, f"#/oneOf/{len(calls)}/properties/answer"))]}


def _closed(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _moved(schema: Any, root: str) -> Any:
    """The schema with its references leading to the same places, now that its root is elsewhere."""
    if isinstance(schema, list):
        return [_moved(part, root) for part in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(part, root) for key, part in schema.items() if key not in ("$id", "$schema")}
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith("#"):
        moved["$ref"] = root + target[1:]
    return moved


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


def _as_text(messages: Sequence[dict[str, Any]], *, with_calls: bool) -> list[dict[str, Any]]:
    """The messages without calls and results as such: templates of these models know neither."""
    names: dict[str, str] = {}
    plain: list[dict[str, Any]] = []
    for message in messages:
        calls = message.get("tool_calls") or ()
        names |= {call["id"]: call["function"]["name"] for call in calls}
        if message["role"] == "tool":
            name = names.get(message["tool_call_id"], "the tool")
            plain.append({"role": "user", "content": f"Result of {name}: {message.get('content') or ''}"})
        elif calls:
            lines = [message["content"]] if message.get("content") else []
            if with_calls:
                lines += [_compact({"tool": c["function"]["name"], "arguments": _given(c)}) for c in calls]
            plain += [{"role": message["role"], "content": "\n".join(lines)}] if lines else []
        else:
            plain.append(message)
    return plain


def _given(call: dict[str, Any]) -> Json:
    arguments = call["function"].get("arguments")
    try:
        return loads(arguments) if arguments else {}
    except (ValueError, RecursionError):
        return arguments  # as it was written, for the model to see what it did


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
