"""A request to a model that calls tools by itself, or needs none. Slow to import."""

from __future__ import annotations

from typing import Any

from domain.toolcalls import AskedTool, ToolSpec
from services.models.base import ModelRequest
from services.models.by_schema import Heard
from services.models.schemas import fitting, response_format


class Native:
    """`whole`: nothing is shown before all is there; never so here."""

    whole = False

    def __init__(self, request: ModelRequest) -> None:
        self._request = request

    def asks(self) -> dict[str, Any]:
        """The messages, the tools offered and the form of the answer."""
        request = self._request
        asked: dict[str, Any] = {"messages": request.messages}
        if request.tools:
            asked["tools"] = [_function(tool) for tool in request.tools]
            asked["tool_choice"] = "none" if request.must_answer else "auto"
        if request.response_schema is not None:
            asked["response_format"] = response_format(request.response_schema)
        return asked

    def heard(self, text: str, finish_reason: str, asked: tuple[AskedTool, ...]) -> Heard:
        """Raises `ProblemError` model_bad_answer or model_cut_off."""
        if asked:
            return text, None, asked
        return text, text if self._request.response_schema is None else fitting(text, finish_reason, self._request), ()


def _function(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": tool.model_dump(mode="json")}
