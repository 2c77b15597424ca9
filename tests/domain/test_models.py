"""What a model alias may be, and what is said of one that cannot be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.models import ModelAlias, Prices, mistakes
from domain.validation import details_of

OPENAI = {"provider": "openai", "model": "gpt-4.1"}
LOCAL = {"provider": "compatible", "model": "m", "base_url": "http://127.0.0.1:1/v1"}


def entry(**fields: Any) -> ModelAlias:
    return ModelAlias.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "pointer", "says"),
    [
        ({}, "", "needs `provider` and `model`, or `cascade`"),
        ({"provider": "openai"}, "", "needs `provider` and `model`"),
        ({"provider": "compatible", "model": "m"}, "", "compatible needs `base_url`"),
        ({"provider": "azure-openai", "model": "m"}, "", "azure-openai needs `base_url`"),
        ({**OPENAI, "api_version": "2025-03-01"}, "", "for azure-openai alone"),
        ({**LOCAL, "cascade": {"first": "a", "then": "b"}}, "", "leave out base_url, model, provider"),
        ({**OPENAI, "cache": "P31D"}, "", "30 days"),
        ({**OPENAI, "base_url": "api.openai.com"}, "/base_url", "begins with https://"),
        ({**OPENAI, "base_url": "https://me:secret@host/v1"}, "/base_url", "no user"),  # pragma: allowlist secret
        ({**OPENAI, "base_url": "ftp://host"}, "/base_url", "begins with https://"),
        ({**OPENAI, "api_key": "sk-123"}, "/api_key", ""),
        ({**OPENAI, "api_key": {"env": "PATH"}}, "/api_key/env", ""),
        ({**OPENAI, "api_key": {"env": "META_AGENTS_TOKEN"}}, "/api_key/env", ""),
        ({**OPENAI, "prices": {"input": -1, "output": 1}}, "/prices/input", ""),
        ({**OPENAI, "prices": {"input": "NaN", "output": 1}}, "/prices/input", ""),
        ({**OPENAI, "requests_per_minute": 0}, "/requests_per_minute", ""),
        ({**OPENAI, "fallbacks": ["x"]}, "/fallbacks", "fallback"),
        ({"provider": "openapi", "model": "m"}, "/provider", "openai"),
    ],
)
def test_entries_that_cannot_be(fields: dict[str, Any], pointer: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        entry(**fields)
    detail = details_of(caught.value, ModelAlias, fields)[0]
    assert detail.pointer == pointer
    assert says in detail.message


@pytest.mark.parametrize(
    ("fields", "pointer", "says"),
    [
        ({**LOCAL, "fallback": ["smal"]}, "/fallback/0", "there is no model `smal`; did you mean `small`?"),
        ({**LOCAL, "fallback": ["small", "me"]}, "/fallback/1", "names itself"),
        ({**LOCAL, "fallback": ["small", "small"]}, "/fallback/1", "twice"),
        ({**LOCAL, "fallback": ["both"]}, "/fallback/0", "is a cascade"),
        ({"cascade": {"first": "nano", "then": "small"}}, "/cascade/first", "no model `nano`"),
        ({"cascade": {"first": "small", "then": "both"}}, "/cascade/then", "is a cascade"),
        ({"cascade": {"first": "small", "then": "big", "accept": "size("}}, "/cascade/accept", "failed"),
        (
            {"cascade": {"first": "small", "then": "big", "accept": "input.x"}},
            "/cascade/accept",
            "`input` is not known",
        ),
        ({**OPENAI}, "/api_key", "OPENAI_API_KEY is not set"),
        ({**LOCAL, "api_key": {"env": "MODEL_KEY_X"}}, "/api_key/env", "MODEL_KEY_X is not set"),
    ],
)
def test_entries_that_do_not_fit_the_others(fields: dict[str, Any], pointer: str, says: str) -> None:
    known = {
        "small": entry(**LOCAL),
        "big": entry(**LOCAL),
        "both": entry(cascade={"first": "small", "then": "big"}),
        "me": entry(**fields),
    }
    (detail,) = mistakes("me", known["me"], known, {"MODEL_KEY_A"})
    assert detail.pointer == pointer
    assert says in detail.message


def test_one_without_mistakes() -> None:
    fields = {**LOCAL, "api_key": {"env": "MODEL_KEY_A"}, "fallback": ["small"]}
    assert (
        list(mistakes("me", entry(**fields), {"me": entry(**fields), "small": entry(**LOCAL)}, {"MODEL_KEY_A"})) == []
    )


def test_money_is_decimal() -> None:
    assert Prices(input=Decimal("0.1"), output=Decimal("0.2")).cost(3, 1) == Decimal("0.0000005")
