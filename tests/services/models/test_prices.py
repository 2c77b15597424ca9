"""Where a price comes from, and what it comes to. The list is the package's: a change of it may move a figure here."""

from __future__ import annotations

import socket
import subprocess
import sys
from decimal import Decimal
from typing import Any, NoReturn

import pytest

from domain.models import ModelAlias
from services.models.prices import PriceList, _calculated
from services.settings import Settings

MILLION = 1_000_000
OPENAI = {"provider": "openai", "model": "gpt-4.1"}
AZURE = {"provider": "azure-openai", "base_url": "https://x.openai.azure.com", "model": "chat"}
LOCAL = {"provider": "compatible", "base_url": "http://localhost:1/v1", "model": "gpt-4.1"}


def entry(**fields: Any) -> ModelAlias:
    return ModelAlias.model_validate(fields)


def prices(own: str = "{}") -> PriceList:
    return PriceList(Settings.from_environment({"MODEL_PRICES": own}))


def test_a_known_model_has_a_price_without_anybody_saying_so() -> None:
    price = prices().of(entry(**OPENAI))
    assert price is not None
    assert price.source.startswith("genai-prices ")
    assert (price.prices.input, price.prices.output) == (Decimal(2), Decimal(8))
    assert prices().cost(entry(**OPENAI), None, MILLION, MILLION) == 10


def test_the_aliass_own_goes_before_the_settings_and_these_before_the_list() -> None:
    own = entry(**OPENAI, prices={"input": "0.1", "output": "0.2"})
    listed = prices('{"gpt-4.1": ["1", "1"]}')
    assert listed.cost(own, None, MILLION, 0) == Decimal("0.1")
    assert listed.cost(entry(**OPENAI), None, MILLION, 0) == 1
    assert listed.cost(entry(**{**OPENAI, "model": "other"}), "gpt-4.1", MILLION, 0) == 1


def test_a_deployment_of_azure_is_known_by_what_it_answers_with_or_is_said_to_be() -> None:
    deployment = entry(**AZURE)
    assert prices().of(deployment) is None
    assert prices().cost(deployment, "gpt-4.1-2025-04-14", MILLION, 0) == 2
    assert prices().cost(entry(**AZURE, known_as="gpt-4.1"), None, MILLION, 0) == 2


def test_a_local_model_of_a_famous_name_has_no_price() -> None:
    assert prices().of(entry(**LOCAL)) is None
    assert prices().cost(entry(**LOCAL), "gpt-4.1", 1, 1) is None


def test_hosts_that_the_list_knows_have_theirs() -> None:
    groq = {"provider": "compatible", "base_url": "https://api.groq.com/openai/v1", "model": "llama-3.3-70b-versatile"}
    assert prices().of(entry(**groq)) is not None


def test_tokens_from_the_endpoints_cache_cost_less() -> None:
    model = entry(**OPENAI)
    whole, cached = prices().cost(model, None, 1_000, 0), prices().cost(model, None, 1_000, 0, 1_000)
    assert whole is not None
    assert cached is not None
    assert 0 < cached < whole
    # An endpoint that says more of them were cached than there were is not believed.
    assert prices().cost(model, None, 1_000, 0, 5_000) == cached


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> NoReturn:
        raise AssertionError("somebody wants to connect")

    monkeypatch.setattr(socket.socket, "connect", refused)
    _calculated.cache_clear()
    assert prices().of(entry(**OPENAI)) is not None


def test_the_list_is_not_loaded_before_it_is_asked() -> None:
    code = "import sys, services.models.client; print('genai_prices' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
