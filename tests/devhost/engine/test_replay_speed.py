"""The faster timestamp parser must read every text as the SDK's own does."""

from __future__ import annotations

import importlib
import importlib.metadata
from datetime import UTC, datetime
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.engine import replay_speed
from devhost.engine.clock import from_text, to_text

_MODULE = "azure.durable_functions.models.history.HistoryEvent"

parse = importlib.import_module("dateutil.parser").parse
_LEAST, _MOST = datetime.fromisoformat("1000-01-01"), datetime.fromisoformat("9999-12-31")
moments = st.datetimes(_LEAST, _MOST, timezones=st.just(UTC))


@given(moments)
def test_both_parsers_agree_on_what_the_engine_writes(moment: datetime) -> None:
    text = to_text(moment)
    fast, slow = datetime.fromisoformat(text), parse(text)
    assert fast == slow == moment
    assert fast.utcoffset() == slow.utcoffset()
    assert str(fast) == str(slow)


@given(moments, moments)
def test_texts_sort_as_times_do(one: datetime, other: datetime) -> None:
    assert (one < other) == (to_text(one) < to_text(other))
    assert from_text(to_text(one)) == one


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = importlib.import_module(_MODULE)
    monkeypatch.setattr(module, "dt_parse", parse)
    return module


def test_the_installed_sdk_is_a_known_one_and_is_sped_up(sdk: ModuleType) -> None:
    assert replay_speed.speed_up_replays()
    assert sdk.dt_parse == datetime.fromisoformat
    event = sdk.HistoryEvent(EventType=12, EventId=-1, IsPlayed=False, Timestamp="2026-01-02T03:04:05.678900Z")
    assert event.timestamp == datetime(2026, 1, 2, 3, 4, 5, 678900, UTC)


def test_an_unknown_sdk_is_left_alone(sdk: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.99.0")
    assert not replay_speed.speed_up_replays()
    assert sdk.dt_parse is parse


def test_no_sdk_at_all_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert not replay_speed.speed_up_replays()
