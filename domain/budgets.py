"""What an execution has spent and reserved, against the budgets of its steps: reserved before a call, settled after it.

A call is let through while what is spent and reserved is below the cap. So a cap is never passed by more than the one
call that was let through last, however many run at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from domain.base import Shape
from domain.calls import Cap
from domain.errors import Code, Fault, Problem, ProblemError
from domain.usage import Usage


class Reservation(Shape):
    """What one call may use, and the steps whose budgets it counts towards."""

    paths: tuple[str, ...]
    usage: Usage


class Spending(Shape):
    """`spent` by the path of the step that has the budget; `reserved` by the call's key."""

    spent: dict[str, Usage] = Field(default_factory=dict)
    reserved: dict[str, Reservation] = Field(default_factory=dict)


def reserve(spending: Spending, key: str, caps: Sequence[Cap], estimate: Usage) -> Spending:
    """With the call's reservation. Raises `ProblemError` budget_exceeded. A call made again reserves once."""
    others = {other: reservation for other, reservation in spending.reserved.items() if other != key}
    for cap in caps:
        used = spending.spent.get(cap.path, Usage())
        for reservation in others.values():
            if cap.path in reservation.paths:
                used += reservation.usage
        _check(cap, used, estimate)
    mine = Reservation(paths=tuple(cap.path for cap in caps), usage=estimate)
    return Spending(spent=spending.spent, reserved={**others, key: mine})


def settle(spending: Spending, key: str, usage: Usage) -> Spending:
    """With what the call really used in place of its reservation. Settled already, nothing changes."""
    reservation = spending.reserved.get(key)
    if reservation is None:
        return spending
    spent = {**spending.spent, **{path: spending.spent.get(path, Usage()) + usage for path in reservation.paths}}
    return Spending(spent=spent, reserved={other: kept for other, kept in spending.reserved.items() if other != key})


def estimated(tokens_in: int, max_output_tokens: int) -> Usage:
    """What a call of so many tokens may use; the cost is for someone who knows prices."""
    return Usage(model_calls=1, tokens_in=tokens_in, tokens_out=max_output_tokens, cost_usd=None)


def reached(cap: Cap, used: Usage) -> str | None:
    """Which part of the budget is used up, in words; None while there is something left."""
    budget = cap.budget
    if budget.model_calls is not None and used.model_calls >= budget.model_calls:
        return f"{used.model_calls} of {budget.model_calls} model calls"
    if budget.tokens is not None and used.tokens_in + used.tokens_out >= budget.tokens:
        return f"{used.tokens_in + used.tokens_out} of {budget.tokens} tokens"
    if budget.cost_usd is not None and (used.cost_usd or Decimal(0)) >= budget.cost_usd:
        return f"${used.cost_usd} of ${budget.cost_usd}"
    return None


def _check(cap: Cap, used: Usage, estimate: Usage) -> None:
    where = f"Step `{cap.path}`" if cap.path else "The execution"
    if cap.budget.cost_usd is not None and (estimate.cost_usd is None or used.cost_usd is None):
        message = f"{where} has a budget in dollars, and the price of the model is not known."
        action = "Add the model to MODEL_PRICES, or give the budget in tokens or model calls."
        raise ProblemError(Problem(code=Code.BUDGET_EXCEEDED, message=message, action=action, fault=Fault.PLATFORM))
    if what := reached(cap, used):
        message = f"{where} has used or reserved {what}, so the next model call was not made."
        action = "Raise the budget in a fork of this execution, or ask for less."
        raise ProblemError(Problem(code=Code.BUDGET_EXCEEDED, message=message, action=action, fault=Fault.AUTHOR))
