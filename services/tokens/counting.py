"""Counting: with the vocabulary of a model that has a known one, by an estimate that errs high for any other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from services.models.base import ModelRequest
    from services.tokens.vocabulary import Name

PER_REQUEST = 3
"""The answer's beginning is written for the model."""
PER_MESSAGE = 4
"""The marks between messages, and the role."""
PER_TOOL = 12
"""What stands around a tool's parameters."""
INLINE = 50_000
"""Characters: more are not counted on the event loop, where they would take over five milliseconds."""


class Counter(Protocol):
    """`name` is the vocabulary's, or `estimate`."""

    @property
    def name(self) -> str: ...

    def count(self, text: str) -> int: ...

    def shortened(self, text: str, most: int) -> str: ...


_counters: dict[Name | None, Counter] = {}
"""Those that were made; they keep nothing of what they count."""


async def counter_for(model: str | None) -> Counter:
    """The one for a model, by its name at the endpoint. The first for a vocabulary takes a third of a second."""
    name = _vocabulary(model or "")
    if name not in _counters:
        _counters[name] = await asyncio.to_thread(_made, name)
    return _counters[name]


def _made(name: Name | None) -> Counter:
    if name is None:
        from services.tokens.estimate import Estimate  # noqa: PLC0415 - with its neighbour

        return Estimate()
    from services.tokens.vocabulary import Vocabulary  # noqa: PLC0415 - brings megabytes with it

    return Vocabulary(name)


async def tokens_of(request: ModelRequest, counter: Counter) -> int:
    """What the endpoint will count as its input: its messages, tools and schema, and what goes around them."""
    if size_of(request) <= INLINE:
        return counted(request, counter)
    return await asyncio.to_thread(counted, request, counter)


def size_of(request: ModelRequest) -> int:
    """Characters of everything that is counted."""
    return sum(map(len, _texts(request)))


def counted(request: ModelRequest, counter: Counter) -> int:
    around = PER_REQUEST + PER_MESSAGE * len(request.messages) + PER_TOOL * len(request.tools)
    return around + sum(map(counter.count, _texts(request)))


def _texts(request: ModelRequest) -> Iterator[str]:
    for message in request.messages:
        yield from _message_texts(message)
    for tool in request.tools:
        yield f"{tool.name} {tool.description}"
        yield json.dumps(tool.parameters, ensure_ascii=False)
    if request.response_schema is not None:
        yield json.dumps(request.response_schema, ensure_ascii=False)


def _message_texts(message: Mapping[str, Any]) -> Iterator[str]:
    """Everything in it that is sent but for its role: words, tool calls, the ids that join these to their results."""
    for key, value in message.items():
        if key != "role" and value is not None:
            yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=256)
def _vocabulary(model: str) -> Name | None:
    from tiktoken.model import encoding_name_for_model  # noqa: PLC0415 - as above

    try:
        name = encoding_name_for_model(model)
    except KeyError:
        return None
    if name.startswith("o200k"):  # the one of the open models differs in marks alone
        return "o200k_base"
    return "cl100k_base" if name == "cl100k_base" else None
