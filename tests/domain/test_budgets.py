"""A cap is passed by at most the call that was let through last, whatever runs at the same time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import Spending, estimated, reserve, settle
from domain.calls import Cap
from domain.chance import chance
from domain.errors import Code, ProblemError
from domain.policies import Budget
from domain.usage import Usage


def cap(path: str = "", **budget: object) -> Cap:
    return Cap(path=path, budget=Budget.model_validate(budget))


def used(tokens: int, cost: str | None = "0") -> Usage:
    return Usage(model_calls=1, tokens_in=0, tokens_out=tokens, cost_usd=None if cost is None else Decimal(cost))


def test_a_reservation_becomes_what_was_used_once() -> None:
    spending = reserve(Spending(), "k", [cap(tokens=100), cap("s", tokens=50)], used(40))
    settled = settle(spending, "k", used(7))
    assert {path: spent.tokens_out for path, spent in settled.spent.items()} == {"": 7, "s": 7}
    assert settled.reserved == {}
    assert settle(settled, "k", used(7)) == settled


def test_a_call_made_again_reserves_once() -> None:
    caps = [cap(model_calls=1)]
    spending = reserve(Spending(), "k", caps, used(1))
    assert reserve(spending, "k", caps, used(1)) == spending
    with pytest.raises(ProblemError) as caught:
        reserve(spending, "other", caps, used(1))
    assert caught.value.problem.code is Code.BUDGET_EXCEEDED


def test_a_cap_in_dollars_needs_a_price() -> None:
    with pytest.raises(ProblemError, match="price"):
        reserve(Spending(), "k", [cap(cost_usd=1)], used(1, None))


def test_an_estimate_is_what_is_sent_and_the_longest_answer() -> None:
    assert estimated(300, 50) == Usage(model_calls=1, tokens_in=300, tokens_out=50, cost_usd=None)


@given(st.integers(1, 200), st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=40))
def test_no_order_of_calls_passes_a_cap_by_more_than_one(most: int, calls: list[tuple[int, bool]]) -> None:
    """Each call uses at most what it reserves; some end before the next begins, others stay open to the end."""
    spending, open_calls, largest = Spending(), dict[str, int](), 0
    for number, (tokens, ends) in enumerate(calls):
        try:
            spending = reserve(spending, str(number), [cap(tokens=most)], used(tokens))
        except ProblemError:
            continue
        largest = max(largest, tokens)
        open_calls[str(number)] = tokens
        if ends:
            spending = settle(spending, str(number), used(open_calls.pop(str(number))))
    for key, tokens in open_calls.items():
        spending = settle(spending, key, used(tokens))
    assert spending.spent.get("", Usage()).tokens_out < most + largest or not calls


@given(st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_chance_is_a_share_and_the_same_each_time(parts: list[str]) -> None:
    assert 0 <= chance(*parts) < 1
    assert chance(*parts) == chance(*parts)


def test_chance_is_spread() -> None:
    drawn = [chance("seed", number) for number in range(2_000)]
    assert 0.45 < sum(drawn) / len(drawn) < 0.55
    assert len(set(drawn)) == len(drawn)
