"""Books that are never wrong: each call is charged once, and a cap is passed by at most one call."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books import Account, Books, Held, Tally, has_room
from domain.caps import CapReached
from domain.errors import ProblemError
from domain.tenant_budgets import TenantBudget
from domain.usage import Usage

NOW = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)


def budget(**fields: Any) -> TenantBudget:
    return TenantBudget.model_validate({"name": "b", "model_calls": 3, **fields})


def used(calls: int = 1, tokens: int = 0, cost: str | None = "0") -> Usage:
    return Usage(model_calls=calls, tokens_out=tokens, cost_usd=None if cost is None else Decimal(cost))


def hold(usage: Usage, *accounts: str, key: str = "k") -> Held:
    return Held(execution="e", key=key, accounts=accounts or ("a",), tally=Tally.of(usage), until=NOW)


def test_what_is_held_becomes_what_was_used_once() -> None:
    books = Books()
    books.reserve("h", hold(used(tokens=40), "a", "b"), [("a", budget(tokens=99)), ("b", budget())], "m")
    assert books.accounts["b"].reserved.tokens_out == 40
    for _ in range(2):
        books.settle("h", used(tokens=7, cost="0.01"))
    for account in books.accounts.values():
        assert account == Account(spent=Tally(model_calls=1, tokens_out=7, cost_usd=Decimal("0.01")))


def test_one_of_several_that_is_used_up_refuses_for_all() -> None:
    books = Books({"b": Account(spent=Tally(model_calls=3))})
    with pytest.raises(CapReached) as caught:
        books.reserve("h", hold(used(), "a", "b"), [("a", budget()), ("b", budget(name="full"))], "m")
    assert caught.value.pauses
    assert caught.value.reached.budget == "full"
    assert books.changed == set()


def test_made_again_it_is_held_once_and_refused_it_holds_nothing() -> None:
    books = Books()
    for _ in range(2):
        books.reserve("h", hold(used()), [("a", budget(model_calls=1))], "m")
    assert books.accounts["a"].reserved.model_calls == 1
    with pytest.raises(CapReached):
        books.reserve("other", hold(used(), key="o"), [("a", budget(model_calls=1))], "m")
    books.accounts["a"] = books.accounts["a"].model_copy(update={"spent": Tally(model_calls=1)})
    with pytest.raises(CapReached):
        books.reserve("h", hold(used()), [("a", budget(model_calls=1))], "m")
    assert books.accounts["a"].reserved == Tally()
    assert books.holds["h"] is None


def test_given_up_it_makes_room_and_is_charged_all_the_same_when_it_ends_after_all() -> None:
    books = Books()
    books.reserve("h", hold(used()), [("a", budget(model_calls=1))], "m")
    books.give_up("h")
    books.give_up("h")
    assert has_room(budget(model_calls=1), books.accounts["a"])
    books.settle("h", used(tokens=5))
    books.settle("h", used(tokens=5))
    assert books.accounts["a"] == Account(spent=Tally(model_calls=1, tokens_out=5))


def test_dollars_need_a_price_and_what_nobody_can_say_costs_what_was_held() -> None:
    books = Books()
    with pytest.raises(ProblemError, match="price of the model `big`"):
        books.reserve("h", hold(used(cost=None)), [("a", budget(cost_usd=1))], "big")
    books.reserve("h", hold(used(cost="0.25")), [("a", budget(cost_usd=1))], "big")
    books.settle("h", used(cost=None))
    assert books.accounts["a"].spent.cost_usd == Decimal("0.25")
    books.reserve("i", hold(used(cost=None)), [("a", budget())], "big")
    books.settle("i", used(cost=None))
    assert books.accounts["a"].spent.unpriced == 1


@given(st.integers(1, 100), st.lists(st.tuples(st.integers(1, 60), st.sampled_from(["end", "stay", "lost"]))))
def test_no_order_of_calls_passes_a_cap_by_more_than_one(most: int, calls: list[tuple[int, str]]) -> None:
    books, largest, spent = Books(), 0, 0
    cap = budget(model_calls=None, tokens=most)
    for number, (tokens, fate) in enumerate(calls):
        try:
            books.reserve(str(number), hold(used(tokens=tokens), key=str(number)), [("a", cap)], "m")
        except ProblemError:
            continue
        largest = max(largest, tokens)
        if fate == "end":
            books.settle(str(number), used(tokens=tokens))
            spent += tokens
        elif fate == "lost":
            books.give_up(str(number))
    account = books.accounts.get("a", Account())
    assert account.spent.tokens_out == spent
    assert account.spent.tokens_out + account.reserved.tokens_out < most + largest or not calls
