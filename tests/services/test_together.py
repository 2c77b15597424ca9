"""Requests about one thing, done together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from domain.errors import Code, ProblemError
from services.documents.base import Conflict
from services.together import ATTEMPTS, Together


async def test_what_others_were_first_with_is_done_anew() -> None:
    batches: list[Sequence[int]] = []

    async def work(_: str, requests: Sequence[int]) -> list[int | Exception]:
        batches.append(requests)
        if len(batches) < 3:
            raise Conflict("x")
        return [number * 2 for number in requests]

    together = Together[int, int](work, 10, "Too many.")
    assert await asyncio.gather(*(together.ask("a", number) for number in range(3))) == [0, 2, 4]
    assert batches == [[0, 1, 2]] * 3


async def test_when_others_are_always_first_all_who_asked_are_told() -> None:
    tries = 0

    async def work(_: str, requests: Sequence[int]) -> list[int | Exception]:
        nonlocal tries
        tries += 1
        raise Conflict("x")

    together = Together[int, int](work, 10, "Too many.")
    found = await asyncio.gather(*(together.ask("a", number) for number in range(2)), return_exceptions=True)
    assert [one.problem.code for one in found if isinstance(one, ProblemError)] == [Code.PLATFORM_FAILED] * 2
    assert tries == ATTEMPTS


async def test_one_failure_is_of_the_one_who_asked() -> None:
    async def work(_: str, requests: Sequence[int]) -> list[int | Exception]:
        return [ValueError("odd") if number % 2 else number for number in requests]

    together = Together[int, int](work, 10, "Too many.")
    first, second = together.ask("a", 0), together.ask("a", 1)
    with pytest.raises(ValueError, match="odd"):
        await asyncio.gather(first, second)
