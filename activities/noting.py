"""What the span of a call says beside what its events do. Prompts, answers and arguments only where that is set."""

from __future__ import annotations

import json
from typing import Any

from domain.tools import Tool
from domain.values import Json
from services.models.client import ModelAnswer, ModelRequest
from services.telemetry import names
from services.telemetry.here import note
from services.wiring import Services

MOST_SHOWN = 100_000
"""Characters of a text in a span: backends drop what is much longer."""
PROVIDERS = {"openai": "openai", "azure-openai": "azure.ai.openai"}
"""As the conventions call them; others speak OpenAI's protocol, and nothing more is known of them."""


def note_request(services: Services, request: ModelRequest) -> None:
    if not services.telemetry.is_on:
        return
    known = services.model_registry.lately.get(request.alias)
    entry = known.entry if known else None
    told: dict[str, Any] = {
        names.REQUEST_MODEL: (entry and entry.model) or request.alias,
        names.PROVIDER: PROVIDERS.get((entry and entry.provider) or "", "openai"),
        names.MAX_TOKENS: request.max_output_tokens,
        names.OUTPUT_TYPE: "json" if request.response_schema else "text",
    }
    if request.temperature is not None:
        told[names.TEMPERATURE] = request.temperature
    if services.settings.captures_content:
        told[names.INPUT_MESSAGES] = _messages(request.messages)
    note(**told)


def note_answer(services: Services, answer: ModelAnswer) -> None:
    if services.telemetry.is_on and services.settings.captures_content:
        parts: list[Json] = [{"type": "text", "content": answer.text}] if answer.text else []
        parts += [
            {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
            for call in answer.tool_calls
        ]
        said = {"role": "assistant", "parts": parts, "finish_reason": answer.finish_reason}
        note(**{names.OUTPUT_MESSAGES: _text([said])})


def note_tool(services: Services, tool: Tool, arguments: Json) -> None:
    if not services.telemetry.is_on:
        return
    note(**{"gen_ai.tool.type": "function" if tool.http is None and tool.library is None else "extension"})
    if services.settings.captures_content:
        note(**{names.TOOL_ARGUMENTS: _text(arguments)})


def note_result(services: Services, found: Json) -> None:
    if services.telemetry.is_on and services.settings.captures_content:
        note(**{names.TOOL_RESULT: _text(found)})


def _messages(messages: list[dict[str, Any]]) -> str:
    """In the form that the conventions give."""
    return _text(
        [
            {"role": message["role"], "parts": [{"type": "text", "content": message.get("content") or ""}]}
            for message in messages
        ]
    )


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:MOST_SHOWN]
