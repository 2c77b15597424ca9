"""A budget that is used up, as events, records and people see it."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from domain.base import Shape
from domain.errors import Problem, ProblemError
from domain.policies import Amounts
from domain.usage import Usage


class Reached(Shape):
    """Which budget keeps the next model call from being made, and how it stands."""

    path: str | None = Field(default=None, description="Of the step with the budget; empty: of the execution's limits.")
    budget: str | None = Field(default=None, description="Name of the tenant's budget, where it is one of those.")
    period: str | None = Field(default=None, description="The period that it is used up for, such as `2026-11-27`.")
    call: str | None = Field(default=None, description="Key of the call that was not made.")
    what: str = Field(description="Which part of it is used up, in words: `5 of 5 model calls`.")
    cap: Amounts
    spent: Usage
    reserved: Usage = Field(description="By calls that are under way.")


class CapReached(ProblemError):
    """A call was not made because of a budget. `pauses`: its execution is to pause instead of failing."""

    def __init__(self, problem: Problem, reached: Reached, *, pauses: bool) -> None:
        super().__init__(problem)
        self.reached = reached
        self.pauses = pauses


def used_up(cap: Amounts, used: Usage) -> str | None:
    """Which part of it is used up, in words; None while there is something left of each."""
    if cap.model_calls is not None and used.model_calls >= cap.model_calls:
        return f"{used.model_calls} of {cap.model_calls} model calls"
    if cap.tokens is not None and used.tokens_in + used.tokens_out >= cap.tokens:
        return f"{used.tokens_in + used.tokens_out} of {cap.tokens} tokens"
    if cap.cost_usd is not None and (used.cost_usd or Decimal(0)) >= cap.cost_usd:
        return f"${used.cost_usd} of ${cap.cost_usd}"
    return None
