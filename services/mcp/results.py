"""What a server answered, as data: bounded, and with what cannot be told said to be left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domain.errors import Code, Fault, Problem, ProblemError
from domain.values import Json
from services.secrets import Secrets
from services.tools.attempts import Attempt, plain

if TYPE_CHECKING:
    from mcp.types import CallToolResult

_SHOWN = 500


def value_of(attempt: Attempt, result: CallToolResult, secrets: Secrets) -> Json:
    """Structured content as it is, else the texts; with something left out beside structured content, both.

    Raises `ProblemError` tool_failed for a result that is an error, and tool_refused for one that is too long.
    """
    texts = [_told(block.model_dump(mode="json", by_alias=True, exclude_none=True)) for block in result.content]
    text = secrets.scrubbed("\n".join(said for said, _ in texts))
    if result.is_error:
        raise _error(attempt, text)
    found: Json = text
    if result.structured_content is not None:
        left_out = any(left for _, left in texts)
        found = {"structured": result.structured_content, "text": text} if left_out else result.structured_content
    found = plain(found)
    if len(json.dumps(found, ensure_ascii=False).encode()) > attempt.most_bytes:
        raise attempt.too_much()
    return found


def _told(block: dict[str, Json]) -> tuple[str, bool]:
    """A piece of content as text, and whether it is more than that."""
    match block.get("type"):
        case "text":
            return str(block.get("text", "")), False
        case "resource":
            resource = block.get("resource", {})
            if "text" in resource:
                return str(resource["text"]), False
            return _left_out(resource.get("mimeType", "data"), resource.get("blob", "")), True
        case "resource_link":
            return f"[link: {block.get('name', '')} {block.get('uri', '')}]", False
        case kind:
            return _left_out(block.get("mimeType", kind), block.get("data", "")), True


def _left_out(kind: Json, data: Json) -> str:
    return f"[left out: {str(kind)[:100]}, {len(str(data)) * 3 // 4} bytes]"


def _error(attempt: Attempt, text: str) -> ProblemError:
    """The call was carried out, and came to nothing: made again, it would come to the same."""
    message = f"Tool `{attempt.tool.name}` failed: {text[:_SHOWN] or 'it does not say why.'}"
    action = "Look at what it says; correct the arguments, or the tool."
    return ProblemError(Problem(code=Code.TOOL_FAILED, message=message, action=action, fault=Fault.TOOL))
