"""Reading a streamed answer, and trusting none of it. Slow to import."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

import openai
from pydantic import BaseModel, ValidationError

from domain.errors import Fault
from services.models.asked import AskedTools, CallPiece
from services.models.base import OnText
from services.models.failures import of_error
from services.models.problems import bad_answer, filtered, refused

LONGEST = 4_000_000
"""Characters of an answer, its tool calls included: the limits that endpoints are told do not bind them."""


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None

    @property
    def cached(self) -> int:
        """Tokens of the request that the endpoint had still in mind, and charges less for."""
        return max(0, (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0)


class _Chunk(BaseModel):
    """The parts of a chunk that count here; what else an endpoint sends is its own affair."""

    model: str | None = None
    choices: list[_Choice] = []
    usage: _Usage | None = None


class Reading:
    """An answer as it grows."""

    def __init__(self) -> None:
        self.text = ""
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.usage: _Usage | None = None
        self.asked = AskedTools()
        self._refusal = ""
        self._half = ""
        self._length = 0

    async def read(self, chunks: AsyncIterator[Any], on_text: OnText | None, secret: str) -> None:
        """Take in the whole stream. Raises `ProblemError` for one that is broken, filtered, refused or empty.

        One that breaks after its answer was told to be complete is whole, and paid for: nothing is asked again.
        """
        while True:
            try:
                chunk = await anext(chunks, None)
            except openai.APIError as error:
                if self.finish_reason is not None:
                    break
                raise self._broken(error, secret) from error
            except (ValueError, TypeError, AttributeError, RecursionError) as error:
                # What the client's parser makes of bytes that are not the protocol.
                raise bad_answer(f"the endpoint does not speak the protocol ({type(error).__name__}).") from error
            if chunk is None:
                break
            await self._take(_parsed(chunk), on_text)
        self.check()

    @staticmethod
    def _broken(error: openai.APIError, secret: str) -> Exception:
        if isinstance(error, openai.APITimeoutError):
            return error
        if isinstance(error, openai.APIConnectionError):
            return bad_answer("the connection broke before it was complete.")
        return of_error(error, secret)

    async def _take(self, chunk: _Chunk, on_text: OnText | None) -> None:
        self.model = chunk.model or self.model
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices[:1]:
            self.finish_reason = choice.finish_reason or self.finish_reason
            if choice.delta is not None:
                await self._grow(choice.delta, on_text)

    async def _grow(self, delta: _Delta, on_text: OnText | None) -> None:
        self._length += _length(delta)
        if self._length > LONGEST:
            raise bad_answer(f"it is longer than {LONGEST} characters.")
        self._refusal += delta.refusal or ""
        for call in delta.tool_calls or ():
            self.asked.take(call)
        if delta.content:
            piece = self._whole_characters(delta.content)
            self.text += piece
            await tell(on_text, piece)

    def _whole_characters(self, piece: str) -> str:
        """The piece without a surrogate that waits for its other half in the next one."""
        piece = self._half + piece
        self._half = piece[-1] if "\ud800" <= piece[-1] <= "\udbff" else ""
        return well_formed(piece.removesuffix(self._half))

    def check(self) -> None:
        """Raises `ProblemError` unless it is an answer."""
        if self.finish_reason == "content_filter":
            raise filtered()
        if self._refusal:
            action = "Reword the instructions or the input."
            raise refused(f"The model declined: {self._refusal[:300]}", action, Fault.AUTHOR)
        if self.finish_reason is None:
            begun = self.text or self.asked
            raise bad_answer("it ended before it was complete." if begun else "it is empty.")
        if not self.text.strip() and not self.asked and self.finish_reason != "length":
            raise bad_answer("it is empty.")


def _length(delta: _Delta) -> int:
    functions = [call.function for call in delta.tool_calls or () if call.function is not None]
    texts = [delta.content, delta.refusal, *(function.arguments for function in functions)]
    return sum(len(text) for text in texts if text)


def well_formed(text: str) -> str:
    """Text that has a UTF-8: surrogates in pairs become their character, others U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _parsed(chunk: Any) -> _Chunk:
    try:
        given = chunk.model_dump(warnings=False) if isinstance(chunk, BaseModel) else chunk
        return _Chunk.model_validate(given)
    except ValidationError as error:
        raise bad_answer("the endpoint does not speak the protocol (a chunk of another shape).") from error


async def tell(on_text: OnText | None, text: str) -> None:
    """Hand on a piece of the answer, if anybody wants it."""
    if on_text is None or not text:
        return
    waited = on_text(text)
    if inspect.isawaitable(waited):
        await waited
