"""The model stub's answers in the form of OpenAI's chat completions protocol, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from meta_agents.testing.answers import Answer
from meta_agents.testing.asked import JsonObject, messages_hash, text_of


def completion(asked: JsonObject, kind: str) -> JsonObject:
    """What every completion object and chunk begins with. No clock: the same request gets the same bytes."""
    digest = messages_hash(asked)
    return {"id": f"chatcmpl-{digest[:16]}", "object": kind, "created": 0, "model": asked["model"]}


def usage_of(asked: JsonObject, answer: Answer) -> JsonObject:
    """Tokens as the stub counts them: words."""
    prompt = sum(len(text_of(message).split()) for message in asked["messages"])
    said = len(answer.pieces()) + sum(len(arguments.split()) for _, arguments in answer.tool_calls)
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def tool_calls_of(asked: JsonObject, answer: Answer) -> list[JsonObject]:
    digest = messages_hash(asked)[:8]
    return [
        {"id": f"call-{digest}-{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(answer.tool_calls)
    ]


def whole(asked: JsonObject, answer: Answer) -> Iterator[bytes]:
    """A complete answer, in pieces so that it can be cut off."""
    message: JsonObject = {"role": "assistant", "content": answer.text or None, "refusal": answer.refusal or None}
    if answer.tool_calls:
        message["tool_calls"] = tool_calls_of(asked, answer)
    body = completion(asked, "chat.completion") | {
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason, "logprobs": None}],
        "usage": usage_of(asked, answer),
    }
    text = json.dumps(body).encode()
    yield from (text[:20], text[20:-1], text[-1:])


def streamed(asked: JsonObject, answer: Answer) -> Iterator[bytes]:
    """Server-sent events: the role, word by word, tool calls in pieces, the reason, usage if asked for, `[DONE]`."""
    base = completion(asked, "chat.completion.chunk")
    for delta in deltas(asked, answer):
        yield server_sent(base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield server_sent(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish_reason}]})
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield server_sent(base | {"choices": [], "usage": usage_of(asked, answer)})
    yield b"data: [DONE]\n\n"


def deltas(asked: JsonObject, answer: Answer) -> Iterator[JsonObject]:
    yield {"role": "assistant", "content": ""}
    if answer.refusal:
        yield {"refusal": answer.refusal}
    for piece in answer.pieces():
        yield {"content": piece}
    for index, call in enumerate(tool_calls_of(asked, answer)):
        # As OpenAI does: first who is called, then what with, bit by bit; pieces belong together by their index.
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        yield {"tool_calls": [call | {"index": index, "function": {"name": name, "arguments": ""}}]}
        size = max(12, len(arguments) // 200)  # what is huge comes in no more pieces than a test has time for
        for start in range(0, len(arguments), size):
            more = {"arguments": arguments[start : start + size]}
            yield {"tool_calls": [{"index": index, "function": more}]}


def server_sent(data: JsonObject) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
