"""The model stub's answers in the form of OpenAI's chat completions protocol, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from meta_agents.testing import answers
from meta_agents.testing.answers import Answer, JsonObject


def completion(asked: JsonObject, kind: str) -> JsonObject:
    """What every completion object and chunk begins with. No clock: the same request gets the same bytes."""
    digest = answers.messages_hash(asked)
    return {"id": f"chatcmpl-{digest[:16]}", "object": kind, "created": 0, "model": asked["model"]}


def usage_of(asked: JsonObject, pieces: list[str]) -> JsonObject:
    """Tokens as the stub counts them: words."""
    prompt = sum(len(answers.text_of(message).split()) for message in asked["messages"])
    return {"prompt_tokens": prompt, "completion_tokens": len(pieces), "total_tokens": prompt + len(pieces)}


def shown(answer: Answer, *, cut_short: bool) -> tuple[list[str], str]:
    """The pieces of text to send, and the finish reason."""
    pieces = answer.pieces()
    if cut_short:
        return pieces[: len(pieces) // 2], "length"
    return pieces, "tool_calls" if answer.tool_calls else "stop"


def tool_calls_of(asked: JsonObject, answer: Answer) -> list[JsonObject]:
    digest = answers.messages_hash(asked)[:8]
    return [
        {"index": index, "id": f"call-{digest}-{index}", "type": "function", "function": {"name": n, "arguments": a}}
        for index, (n, a) in enumerate(answer.tool_calls)
    ]


def whole(asked: JsonObject, answer: Answer, *, cut_short: bool) -> Iterator[bytes]:
    """A complete answer, in two chunks so that it can be cut off."""
    pieces, reason = shown(answer, cut_short=cut_short)
    message: JsonObject = {"role": "assistant", "content": "".join(pieces) or None}
    if answer.tool_calls:
        message["tool_calls"] = tool_calls_of(asked, answer)
    body = completion(asked, "chat.completion") | {
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": usage_of(asked, pieces),
    }
    text = json.dumps(body).encode()
    yield from (text[:20], text[20:-1], text[-1:])


def streamed(asked: JsonObject, answer: Answer, *, cut_short: bool) -> Iterator[bytes]:
    """Server-sent events: the role, word by word, tool calls, the reason, usage if asked for, `[DONE]`."""
    pieces, reason = shown(answer, cut_short=cut_short)
    deltas: list[JsonObject] = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces)]
    deltas += [{"tool_calls": [call]} for call in tool_calls_of(asked, answer)]
    base = completion(asked, "chat.completion.chunk")
    for delta in deltas:
        yield server_sent(base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield server_sent(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield server_sent(base | {"choices": [], "usage": usage_of(asked, pieces)})
    yield b"data: [DONE]\n\n"


def server_sent(data: JsonObject) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
