"""What tokens cost: the alias's own price, else MODEL_PRICES, else the list of the package `genai-prices`.

The list is part of the package; nothing is fetched. It is asked only about hosts whose prices it has.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from domain.models import ModelAlias, Prices
from services.settings import Settings

_LIST = "genai-prices"
_SAMPLE = 1_000
"""Tokens whose price is asked for, to tell a price per million: few enough for the first of several tiers."""


class Price(NamedTuple):
    """`source`: `alias`, `MODEL_PRICES`, or the list and its version."""

    prices: Prices
    source: str


class PriceList:
    def __init__(self, settings: Settings) -> None:
        self._own = {
            model: Prices.model_construct(input=price[0], output=price[1])
            for model, price in settings.model_prices.items()
        }

    def of(self, entry: ModelAlias, served: str | None = None) -> Price | None:
        """The price of the model, for a request that is not unusually long; `served` is the name it answered with.

        The first time, the list is loaded: a tenth of a second.
        """
        if entry.prices is not None:
            return Price(entry.prices, "alias")
        for name in (entry.model, served):
            if name is not None and name in self._own:
                return Price(self._own[name], "MODEL_PRICES")
        cost = _listed(entry, served, _SAMPLE, 0), _listed(entry, served, 0, _SAMPLE)
        if cost[0] is None or cost[1] is None:
            return None
        per_million = Decimal(1_000_000) / _SAMPLE
        prices = Prices.model_construct(input=cost[0] * per_million, output=cost[1] * per_million)
        return Price(prices, f"{_LIST} {_version()}")

    def cost(
        self, entry: ModelAlias, served: str | None, tokens_in: int, tokens_out: int, cached: int = 0
    ) -> Decimal | None:
        """US dollars; None where the price is not known. `cached`: so many of `tokens_in` were read from its cache."""
        price = self.of(entry, served)
        if price is None:
            return None
        if price.source.startswith(_LIST):
            # The list knows of tiers and of tokens that cost less the second time.
            return _listed(entry, served, tokens_in, tokens_out, cached)
        return price.prices.cost(tokens_in, tokens_out)


def _listed(entry: ModelAlias, served: str | None, *tokens: int) -> Decimal | None:
    names = [entry.known_as] if entry.known_as else [served, entry.model]
    found = (_calculated(_where(entry), name, *tokens) for name in names if name)
    return next((cost for cost in found if cost is not None), None)


def _where(entry: ModelAlias) -> tuple[str, str]:
    """How the list knows the provider: an address that it does not have has no price."""
    if entry.provider == "azure-openai":
        return "provider_id", "azure"
    if entry.base_url is None:
        return "provider_id", "openai"
    return "provider_api_url", entry.base_url


@lru_cache(maxsize=4096)
def _calculated(where: tuple[str, str], model: str, tokens_in: int, tokens_out: int, cached: int = 0) -> Decimal | None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - slow to import

    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=min(cached, tokens_in))
    given: dict[str, Any] = dict([where])
    try:
        return calc_price(usage, model, **given).total_price
    except (LookupError, ValueError):
        return None


@lru_cache(maxsize=1)
def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - reads files

    return version(_LIST)
