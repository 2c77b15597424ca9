from __future__ import annotations

import pytest

from meta_agents.sse import Message, Parser

STREAM = (
    "\ufeff: a comment\n"
    'id: 1\nevent: event\ndata: {"text": "größer 🙂"}\n\n'
    "event:delta\r\ndata:no space\r\n\r\n"
    "data: first\rdata: second\r\r"
    "event: empty\n\n"
    "retry: 10\nunknown: field\ndata\n\n"
    "data: after\u2028this\n\n"
    "data: never dispatched"
).encode()
MESSAGES = [
    Message("event", '{"text": "größer 🙂"}'),
    Message("delta", "no space"),
    Message("message", "first\nsecond"),
    Message("message", ""),
    Message("message", "after\u2028this"),
]


def test_whole_stream_at_once() -> None:
    assert list(Parser().feed(STREAM)) == MESSAGES


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_chunks_may_end_anywhere(size: int) -> None:
    parser = Parser()
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]

    assert [message for chunk in chunks for message in parser.feed(chunk)] == MESSAGES


def test_message_is_given_as_soon_as_its_blank_line_is_there() -> None:
    parser = Parser()

    assert list(parser.feed(b"data: x\r\n")) == []
    assert list(parser.feed(b"\r")) == [Message("message", "x")]
    assert list(parser.feed(b"\n")) == []


def test_bytes_that_are_not_utf8_break_nothing() -> None:
    assert list(Parser().feed(b"data: a\xffb\n\n")) == [Message("message", "a\ufffdb")]
