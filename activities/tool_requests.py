"""What a tool is called with, and how two calls are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activities.loading import Loader
from domain.calls import ToolCall
from domain.expressions import render_all
from domain.tools import Tool
from domain.values import Json, content_hash
from services.tools.problems import tool_refused
from services.wiring import Services

FIRST_KEYS = frozenset({"name", "description", "input", "http", "function", "delivery", "timeout"})
FIRST_HTTP = frozenset({"method", "url", "headers", "body"})
"""What a tool could say in the first release that had tools."""


@dataclass(frozen=True)
class AskedCall:
    """`fingerprint` is the same for two calls that may share a result; `parts` tell what differs where it is not."""

    tool: Tool
    arguments: Json
    fingerprint: str
    parts: Mapping[str, str]


async def asked_of(call: ToolCall, services: Services) -> AskedCall:
    """Raises `ProblemError`: tool_refused for arguments that the tool does not take."""
    tool = (await services.plans.load(call.tenant, call.plan)).tools[call.tool]
    arguments = await _arguments(call, tool, Loader(services, call.tenant, call.execution))
    definition = _definition(tool)
    parts = {"the tool's definition": definition, "the arguments": arguments}
    return AskedCall(
        tool,
        arguments,
        content_hash({"tool": definition, "arguments": arguments}),
        {name: content_hash(part)[:8] for name, part in parts.items()},
    )


async def _arguments(call: ToolCall, tool: Tool, loader: Loader) -> Json:
    from domain.validation import check_value, pointer  # noqa: PLC0415 - slow to import

    if call.asked is not None:
        # What a model wrote is data: nothing in it is rendered.
        answer = (await loader.recorded([call.asked.event]))[call.asked.event]
        arguments = answer["tool_calls"][call.asked.index]["arguments"]
    else:
        arguments = render_all(call.arguments, await loader.plain(call.scope))
    if complaints := check_value(arguments, tool.input):
        parts, message = complaints[0]
        action = "Correct the step's `arguments`, or the tool's `input`."
        raise tool_refused(f"Tool `{tool.name}` does not take this, at `{pointer(parts) or '/'}`: {message}", action)
    return arguments


def _definition(tool: Tool) -> Json:
    """All of it; what releases have added only where it is used, so that what earlier ones recorded is still found."""
    whole, used = tool.model_dump(mode="json"), tool.model_dump(mode="json", exclude_defaults=True)
    definition = {key: whole[key] for key in whole if key in FIRST_KEYS or key in used}
    if tool.http is not None:
        http = whole["http"]
        definition["http"] = {key: http[key] for key in http if key in FIRST_HTTP or key in used["http"]}
    return definition
