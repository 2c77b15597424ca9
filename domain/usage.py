"""What work has cost: model calls, tokens, money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.base import Shape


class Usage(Shape):
    """Sums over model calls. `cost_usd` is None as soon as one call's price is not known."""

    model_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            model_calls=self.model_calls + other.model_calls,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            cost_usd=(self.cost_usd or Decimal(0)) + (other.cost_usd or Decimal(0)) if known else None,
        )


def used(data: Mapping[str, Any]) -> Usage | None:
    """What the call that an event's data tell of has cost; of one that broke off, as far as that could be counted.

    None where they tell of no cost.
    """
    told = data.get("usage") or data.get("spent")
    return Usage.model_validate(told) if told else None
