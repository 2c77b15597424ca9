"""Requests fitted to the window of their model before anything is paid: what does not fit is left out, and said so.

First the oldest turns of a chat go; then the longest texts that are not the author's own (values in a prompt, turns,
summaries, results of tools) are told in part, all to the same length. What then still does not fit is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from domain.cutting import WHOLE, Cut
from domain.errors import Problem, ProblemError, context_exceeded
from domain.prompt_shapes import OverChat, Prompt, SummaryPrompt, TemplatePrompt
from domain.prompts import Message
from domain.values import Json
from services.models.base import ModelRequest
from services.tokens.counting import INLINE, Counter, counted, counter_for, size_of

LEAST = 64
"""Tokens below which no text is shortened: less tells nobody anything."""
_FINE = 16
"""The longest length that fits is found to within a sixteenth of it."""
_MARK = 24
"""Tokens that the mark of what was left out is, at most."""

Told = Callable[[Cut], list[Message]]
"""The messages that a prompt gives, with something left out."""


@dataclass(frozen=True)
class Fitted:
    """`tokens` as counted before it is sent. `left_out` is empty when everything is in it."""

    request: ModelRequest
    tokens: int
    left_out: dict[str, Json] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Json]:
        """For the event that says that the call begins."""
        return {"tokens": self.tokens, **({"left_out": self.left_out} if self.left_out else {})}


async def fitted(request: ModelRequest, prompt: Prompt, told: Told, model: str | None, window: int) -> Fitted:
    """The request, or as much of it as fits. Raises `ProblemError` context_exceeded.

    `model` is the name by which its vocabulary is known, `window` its tokens.

    Its first messages are those that `told` gives for the whole prompt. The window holds the answer too: when that is
    to be longer than what is left, its limit is lowered, to no less than half of the window.
    """
    counter = await counter_for(model)
    fitting = _Fitting(request, prompt, told, counter, window)
    return fitting.run() if size_of(request) <= INLINE else await asyncio.to_thread(fitting.run)


class _Fitting:
    def __init__(self, request: ModelRequest, prompt: Prompt, told: Told, counter: Counter, window: int) -> None:
        self._request = request
        self._told = told
        self._counter = _Remembering(counter)
        self._window = window
        # Where our own count may be a little off: how endpoints write tools down for their models is not published.
        margin = 0 if counter.name == "estimate" else window // 100
        self._most = window - margin - min(request.max_output_tokens, window // 2)
        self._turns = [] if isinstance(prompt, TemplatePrompt) else [said.turn for said in prompt.view]
        self._may_drop = 0 if isinstance(prompt, SummaryPrompt) else max(0, len(self._turns) - 1)
        self._at_most = prompt.tokens if isinstance(prompt, OverChat) else None

    def run(self) -> Fitted:
        # Nearly always so: then nothing is put into words again.
        fits = counted(self._request, self._counter) <= self._most
        least = self._as_viewed()
        if least == 0 and fits:
            return self._done(self._request, WHOLE)
        dropped = _first(least, self._may_drop, lambda turns: self._fits(Cut(turns)))
        if dropped is not None:
            cut = Cut(dropped)
            return self._done(self._made(cut), cut)
        return self._shortened(least)

    @cached_property
    def _after(self) -> list[dict[str, Any]]:
        """What comes after the prompt: an answer that is to be corrected, tools that were called, what they gave."""
        return self._request.messages[len(self._told(WHOLE)) :]

    def _as_viewed(self) -> int:
        """How many turns the view itself leaves out, for the tokens that it may have."""
        most = self._at_most
        if most is None:
            return 0

        def fits(turns: int) -> bool:
            shown, bare = self._made(Cut(turns)), self._made(Cut(turns, lambda _: ""))
            return counted(shown, self._counter) - counted(bare, self._counter) <= most

        found = _first(0, self._may_drop, fits)
        return self._may_drop if found is None else found

    def _shortened(self, least: int) -> Fitted:
        low, high = LEAST, self._most
        # One text that is too long does not drive out all the turns before it.
        quarter = self._shortener(self._most // 4)
        found = _first(least, self._may_drop, lambda turns: self._fits(Cut(turns, quarter)))
        dropped = self._may_drop if found is None else found
        best = Cut(dropped, self._shortener(low))
        if not self._fits(best):
            raise ProblemError(self._refusal(best))
        while high - low > low // _FINE:
            middle = (low + high) // 2
            cut = Cut(dropped, self._shortener(middle))
            low, high, best = (middle, high, cut) if self._fits(cut) else (low, middle, best)
        return self._done(self._made(best), best)

    def _shortener(self, most: int) -> Callable[[str], str]:
        """Tells of a text at most so many tokens, its mark among them."""
        counter = self._counter

        def shorten(text: str) -> str:
            tokens = counter.count(text)
            if tokens <= most:
                return text
            shown = counter.shortened(text, most - _MARK)
            return f"{shown}\n(… the rest of this, some {tokens - most + _MARK:,} tokens, is left out here.)"

        return shorten

    def _fits(self, cut: Cut) -> bool:
        return counted(self._made(cut), self._counter) <= self._most

    def _made(self, cut: Cut) -> ModelRequest:
        after = [_cut_result(message, cut) for message in self._after]
        return self._request.model_copy(update={"messages": [*self._told(cut), *after]})

    def _done(self, made: ModelRequest, cut: Cut) -> Fitted:
        tokens = counted(made, self._counter)
        answer = min(made.max_output_tokens, max(1, self._window - tokens))
        left_out: dict[str, Json] = {}
        if cut != WHOLE:
            left_out["tokens"] = counted(self._request, self._counter) - tokens
        if cut.turns:
            left_out["turns"] = list(self._turns[: cut.turns])
        if cut.shorten is not None:
            left_out["shortened"] = True
        return Fitted(made.model_copy(update={"max_output_tokens": answer}), tokens, left_out)

    def _refusal(self, cut: Cut) -> Problem:
        tokens = counted(self._made(cut), self._counter)
        alias, window = self._request.alias, self._window
        message = (
            f"With everything left out that may be, the request is {tokens:,} tokens; the window of model `{alias}` "
            f"has {self._most:,} for it (of {window:,}, the rest being for the answer); so it was not made."
        )
        action = (
            "Shorten the agent's instructions, give it fewer tools, ask for a shorter answer, or use a larger model."
        )
        return context_exceeded(message, action)


class _Remembering:
    """Counts each text once: while something is fitted, most of them are the same each time."""

    def __init__(self, counter: Counter) -> None:
        self.name = counter.name
        self.shortened = counter.shortened
        self._count = counter.count
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = self._count(text)
        return self._known[text]


def _cut_result(message: Mapping[str, Any], cut: Cut) -> dict[str, Any]:
    if cut.shorten is None or message["role"] != "tool":
        return dict(message)
    return {**message, "content": cut.shorten(message["content"])}


def _first(least: int, most: int, holds: Callable[[int], bool]) -> int | None:
    """The smallest number from the one to the other that it holds for, if it does for the largest."""
    if least > most or not holds(most):
        return None
    numbers: Sequence[int] = range(least, most + 1)
    low, high = 0, len(numbers) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(numbers[middle]) else (middle + 1, high)
    return numbers[low]
