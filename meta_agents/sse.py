"""Reading server-sent events from bytes as they come, without I/O: chunks may end anywhere, even inside a character."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Message:
    """One dispatched message. Its `id` is not kept: our events carry their offset in their data."""

    event: str
    data: str


class Parser:
    """Give it one connection's bytes; it gives back the messages that are complete."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
        self._rest = ""
        self._ended_in_cr = False
        self._event = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Message]:
        for line in self._lines(self._decode(chunk)):
            if line:
                self._field(line)
                continue
            if self._data:
                yield Message(self._event or "message", "\n".join(self._data))
            self._event, self._data = "", []

    def _lines(self, text: str) -> list[str]:
        if not text:
            return []
        if self._ended_in_cr and text[0] == "\n":
            # The other half of a CRLF that two chunks share.
            text = text[1:]
        self._ended_in_cr = text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        return lines

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
