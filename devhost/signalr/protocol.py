"""Frames of the SignalR JSON hub protocol, version 1, that the service sends and reads."""

from __future__ import annotations

import json
from typing import NewType

Frame = NewType("Frame", str)  # JSON text with its record separator

_SEPARATOR = "\x1e"
INVOCATION, STREAM_INVOCATION, PING, CLOSE = 1, 4, 6, 7
_COMPLETION = 3


def invocation_frame(target: str, arguments: list[object]) -> Frame:
    return _frame({"type": INVOCATION, "target": target, "arguments": arguments})


def ping_frame() -> Frame:
    return _frame({"type": PING})


def close_frame(error: str | None) -> Frame:
    return _frame({"type": CLOSE, **({"error": error} if error else {}), "allowReconnect": False})


def handshake_frame(error: str | None = None) -> Frame:
    return _frame({"error": error} if error else {})


def result_frame(invocation_id: str, result_json: str) -> Frame:
    """The answer to a client's invocation."""
    frame = f'{{"type":{_COMPLETION},"invocationId":{json.dumps(invocation_id)},"result":{result_json}}}'
    return Frame(frame + _SEPARATOR)


def failed_invocation_frame(invocation_id: str, error: str) -> Frame:
    return _frame({"type": _COMPLETION, "invocationId": invocation_id, "error": error})


def read_frames(data: str) -> list[dict[str, object]]:
    """The messages in one WebSocket message. Raises `ValueError` when one is not a JSON object."""
    frames = [json.loads(text) for text in data.split(_SEPARATOR) if text]
    if not all(isinstance(frame, dict) for frame in frames):
        raise ValueError("a SignalR frame must be a JSON object")
    return frames


def _frame(message: dict[str, object]) -> Frame:
    return Frame(json.dumps(message, separators=(",", ":")) + _SEPARATOR)
