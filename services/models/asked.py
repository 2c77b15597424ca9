"""Tool calls that a model asks for, put together from the pieces of a stream and trusted in nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from domain.toolcalls import AskedTool
from services.models.problems import bad_answer
from services.models.schemas import loads

_LONGEST_NAME = 200
MOST_ASKED = 64
"""Tool calls of one answer that are read at all."""


class FunctionPiece(BaseModel):
    name: str | None = None
    arguments: str | None = None


class CallPiece(BaseModel):
    """A piece of one tool call; `index` says of which."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None


@dataclass
class _Growing:
    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""

    def take(self, piece: CallPiece) -> None:
        self.id = self.id or piece.id or ""
        if piece.function is not None:
            # The name comes whole, with the first piece; some endpoints repeat it with every one.
            self.name = self.name or piece.function.name or ""
            self.arguments += piece.function.arguments or ""


class AskedTools:
    """Tool calls as they grow: several side by side, each in pieces."""

    def __init__(self) -> None:
        self._calls: list[_Growing] = []
        self._too_many = False

    def __bool__(self) -> bool:
        return bool(self._calls)

    def take(self, piece: CallPiece) -> None:
        call = self._known(piece)
        if call is None:
            if len(self._calls) == MOST_ASKED:
                # Read to its end all the same: it is paid for.
                self._too_many = True
                return
            call = _Growing(len(self._calls) if piece.index is None else piece.index)
            self._calls.append(call)
        call.take(piece)

    def whole(self, before: int, *, cut_off: bool) -> tuple[AskedTool, ...]:
        """All of them, by index. `before`: so many were asked for earlier in the conversation. `cut_off`: at the limit
        of the answer, so that the last may be half a call.

        Raises `ProblemError` model_bad_answer when there are too many.
        """
        if self._too_many:
            raise bad_answer(f"it asks for more than {MOST_ASKED} tools at once.")
        calls = sorted(self._calls, key=lambda call: call.index)
        return tuple(_asked(call, made_up_id(before + number), cut_off) for number, call in enumerate(calls))

    def _known(self, piece: CallPiece) -> _Growing | None:
        """The call that the piece continues. Some endpoints send no index, or the same with every call."""
        same = [call for call in self._calls if piece.index in (None, call.index)]
        if not same:
            return None
        last = same[-1]
        other = bool(piece.id and last.id and piece.id != last.id)
        unnumbered = piece.index is None and piece.function is not None and piece.function.name
        return None if other or (unnumbered and last.name and not piece.id) else last


def asked_tool(id: str, name: str, arguments: Any) -> AskedTool:
    """A call whose arguments were parsed already; with a complaint where they are not an object."""
    name = name[:_LONGEST_NAME]
    if not isinstance(arguments, dict):
        return AskedTool(id=id, name=name, complaint=f"The arguments are not a JSON object, but {_kind(arguments)}.")
    return AskedTool(id=id, name=name, arguments=arguments)


def made_up_id(number: int) -> str:
    """For a call without an id: its number in the conversation, so that none has it twice."""
    return f"call_{number + 1}"


def calls_before(messages: Sequence[Mapping[str, Any]]) -> int:
    """How many tool calls were asked for in this conversation."""
    return sum(len(message.get("tool_calls") or ()) for message in messages)


def _asked(call: _Growing, id: str, cut_off: bool) -> AskedTool:
    name = call.name[:_LONGEST_NAME]
    if not call.arguments.strip():
        return AskedTool(id=call.id or id, name=name, arguments={})
    try:
        arguments = loads(call.arguments)
    except (ValueError, RecursionError) as error:
        why = "they were cut off at the limit of the answer" if cut_off else str(error)
        return AskedTool(id=call.id or id, name=name, complaint=f"The arguments are not JSON: {why}"[:500])
    return asked_tool(call.id or id, name, arguments)


def _kind(value: Any) -> str:
    return {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
