"""Messages between a queue and a function, without either."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from devhost.expressions import ExpressionError, resolve
from devhost.storage.messages import Encoding, Message, binding_data, decode, encode

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def message(text: str = "") -> Message:
    return Message("0123456789", text, 3, NOW, NOW, NOW, "receipt")


@pytest.mark.parametrize("encoding", ["base64", "none"])
def test_what_is_encoded_can_be_decoded(encoding: Encoding) -> None:
    for content in ("grün", "grün".encode(), ""):
        expected = content.encode() if isinstance(content, str) else content
        assert decode(encode(content, encoding), encoding) == expected


def test_bytes_that_are_no_text_need_an_encoding() -> None:
    assert decode(encode(b"\xff", "base64") + "\n", "base64") == b"\xff"
    with pytest.raises(ValueError, match="utf-8"):
        encode(b"\xff", "none")
    with pytest.raises(ValueError, match="base64"):
        decode("no base64!", "base64")


def test_binding_expressions_see_the_message_first() -> None:
    text = json.dumps({"id": 7, "Customer": {"name": "ann", "vip": True}, "lines": [1], "nothing": None})
    data = binding_data(message(), text.encode())
    assert resolve("{ID}/{customer.name}/{customer.vip}/{dequeueCount}/{PopReceipt}", data) == "7/ann/True/3/receipt"
    assert resolve("{queueTrigger}", data) == text
    for name in ("lines", "nothing"):
        with pytest.raises(ExpressionError, match=name):
            resolve(f"{{{name}}}", data)


@pytest.mark.parametrize("content", [b"plain", b"[1, 2]", b"\xff", b'{"a":' * 10_000])
def test_messages_without_properties(content: bytes) -> None:
    data = binding_data(message(), content)
    assert resolve("{id}", data) == "0123456789"
    assert ("queueTrigger" in data.values) == (content != b"\xff")
