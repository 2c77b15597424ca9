"""What an execution has spent and reserved, against the budgets of its steps: reserved before a call, settled after it.

A call is let through while what is spent and reserved is below the cap. So a cap is never passed by more than the one
call that was let through last, however many run at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from domain.base import Shape
from domain.calls import Cap
from domain.caps import CapReached, Reached, used_up
from domain.errors import Code, Fault, Problem, ProblemError
from domain.policies import Amounts, Budget
from domain.usage import Usage


class Reservation(Shape):
    """What one call may use, and the steps whose budgets it counts towards."""

    paths: tuple[str, ...]
    usage: Usage


class Spending(Shape):
    """`spent` by the path of the step that has the budget; `reserved` by the call's key.

    `caps`: those that calls have met, as they were defined; `raised`: what people have put in their place.
    """

    spent: dict[str, Usage] = Field(default_factory=dict)
    reserved: dict[str, Reservation] = Field(default_factory=dict)
    caps: dict[str, Budget] = Field(default_factory=dict)
    raised: dict[str, Amounts] = Field(default_factory=dict)


def reserve(spending: Spending, key: str, caps: Sequence[Cap], estimate: Usage, model: str = "") -> Spending:
    """With the call's reservation, of a call to that model. A call made again reserves once.

    Raises `ProblemError` budget_exceeded: a `CapReached` where it is used up.
    """
    others = {other: reservation for other, reservation in spending.reserved.items() if other != key}
    for cap in caps:
        reserved = sum((one.usage for one in others.values() if cap.path in one.paths), Usage())
        standing = cap.model_copy(update={"budget": standing_cap(spending, cap)})
        _check(standing, spending.spent.get(cap.path, Usage()), reserved, estimate, model)
    mine = Reservation(paths=tuple(cap.path for cap in caps), usage=estimate)
    met = {cap.path: cap.budget for cap in caps}
    return spending.model_copy(update={"reserved": {**others, key: mine}, "caps": {**spending.caps, **met}})


def settle(spending: Spending, key: str, usage: Usage) -> Spending:
    """With what the call really used in place of its reservation. Settled already, nothing changes."""
    reservation = spending.reserved.get(key)
    if reservation is None:
        return spending
    spent = {**spending.spent, **{path: spending.spent.get(path, Usage()) + usage for path in reservation.paths}}
    reserved = {other: kept for other, kept in spending.reserved.items() if other != key}
    return spending.model_copy(update={"spent": spent, "reserved": reserved})


def standing_cap(spending: Spending, cap: Cap) -> Budget:
    """The budget as it counts now: as it was defined, and raised since."""
    raised = spending.raised.get(cap.path)
    return cap.budget if raised is None else cap.budget.model_copy(update=raised.model_dump(exclude_none=True))


def raised(spending: Spending, cap: Cap, to: Amounts) -> Spending:
    """With these amounts in place of the cap's. Raises `ValueError` naming the amount that would not be more."""
    before = standing_cap(spending, cap)
    for name, amount in to.model_dump(exclude_none=True).items():
        least = getattr(before, name)
        if least is None:
            raise ValueError(f"{name}: this budget has no cap on it")
        if amount < least:
            raise ValueError(f"{name}: it is {least} already, and can only be raised")
    earlier = spending.raised.get(cap.path, Amounts())
    amounts = earlier.model_copy(update=to.model_dump(exclude_none=True))
    return spending.model_copy(update={"raised": {**spending.raised, cap.path: amounts}})


def estimated(tokens_in: int, max_output_tokens: int) -> Usage:
    """What a call of so many tokens may use; the cost is for someone who knows prices."""
    return Usage(model_calls=1, tokens_in=tokens_in, tokens_out=max_output_tokens, cost_usd=None)


def price_unknown(whose: str, model: str = "") -> ProblemError:
    """What has a budget in dollars cannot let a call through whose price nobody knows."""
    named = f" `{model}`" if model else ""
    message = f"{whose} has a budget in dollars, and the price of the model{named} is not known."
    action = "Add the model to MODEL_PRICES, or give the budget in tokens or model calls."
    return ProblemError(Problem(code=Code.BUDGET_EXCEEDED, message=message, action=action, fault=Fault.PLATFORM))


def _check(cap: Cap, spent: Usage, reserved: Usage, estimate: Usage, model: str) -> None:
    where = f"Step `{cap.path}`" if cap.path else "The execution"
    used = spent + reserved
    if cap.budget.cost_usd is not None and (estimate.cost_usd is None or used.cost_usd is None):
        raise price_unknown(where, model)
    if what := used_up(cap.budget, used):
        pauses = cap.budget.at_cap == "pause"
        message = f"{where} has used or reserved {what}, so the next model call was not made."
        instead = "Raise the budget in a fork of this execution, or ask for less."
        action = "Raise the budget, and it goes on." if pauses else instead
        problem = Problem(code=Code.BUDGET_EXCEEDED, message=message, action=action, fault=Fault.AUTHOR)
        amounts = Amounts(**cap.budget.model_dump(exclude={"at_cap", "duration"}))
        standing = Reached(path=cap.path, what=what, cap=amounts, spent=spent, reserved=reserved)
        raise CapReached(problem, standing, pauses=pauses)
