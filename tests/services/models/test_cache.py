"""Answers used again: for the same request, of the same tenant, by the alias that says so, for so long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.models import ModelAlias
from domain.toolcalls import AskedTool
from services.documents.base import DocumentStore
from services.models.base import ModelAnswer
from services.models.cache import REMOVED, AnswerCache
from services.models.registry import ModelRegistry
from services.settings import Settings
from tests.services.models.conftest import ask
from tests.support import stores

HOUR = timedelta(hours=1)


class Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def answer(text: str = "Kept", **fields: Any) -> ModelAnswer:
    return ModelAnswer(text=text, value=text, model="m", **{"finish_reason": "stop", "tokens_in": 3, **fields})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[DocumentStore]:
    documents = stores.documents_of(tmp_path)
    yield documents
    await documents.close()


@pytest.fixture
async def registry(documents: DocumentStore) -> ModelRegistry:
    registry = ModelRegistry(Settings.from_environment({"OPENAI_API_KEY": "k", "MODEL_NAME": "m"}), documents)
    small = {"provider": "openai", "model": "small"}
    await registry.put("small", ModelAlias.model_validate({**small, "cache": "PT1H"}), "ann")
    cascade = {"first": "default", "then": "small"}
    await registry.put("both", ModelAlias.model_validate({"cascade": cascade, "cache": "PT1H"}), "ann")
    return registry


@pytest.fixture
def cache(documents: DocumentStore, registry: ModelRegistry, clock: Clock) -> AnswerCache:
    return AnswerCache(documents, registry, clock)


async def test_the_same_request_gets_it_while_it_lasts(cache: AnswerCache, clock: Clock) -> None:
    asked = ask(alias="small")
    assert await cache.find("t", asked) is None
    await cache.keep("t", asked, answer())
    assert await cache.find("t", ask(alias="small", idempotency_key="another", timeout=1)) == answer()
    clock.now += HOUR - timedelta(seconds=1)
    assert await cache.find("t", asked) == answer()
    clock.now += timedelta(seconds=1)
    assert await cache.find("t", asked) is None


async def test_calls_of_tools_are_answers_too(cache: AnswerCache) -> None:
    asked = ask(alias="small", tools=[{"name": "t", "parameters": {}}])
    said = answer("", finish_reason="tool_calls")
    calls = said.model_copy(update={"value": None, "tool_calls": (AskedTool(id="a", name="t", arguments={}),)})
    await cache.keep("t", asked, calls)
    assert await cache.find("t", asked) == calls


@pytest.mark.parametrize(
    "other",
    [
        {"messages": [{"role": "user", "content": "Hi!"}]},
        {"temperature": 0.5},
        {"max_output_tokens": 7},
        {"response_schema": {"type": "object"}},
        {"tools": [{"name": "t", "parameters": {}}]},
        {"alias": "both"},
    ],
)
async def test_another_request_does_not(cache: AnswerCache, other: dict[str, Any]) -> None:
    await cache.keep("t", ask(alias="small"), answer())
    assert await cache.find("t", ask(**{"alias": "small", **other})) is None


async def test_another_tenant_does_not(cache: AnswerCache) -> None:
    await cache.keep("one", ask(alias="small"), answer())
    assert await cache.find("two", ask(alias="small")) is None
    assert await cache.find("one", ask(alias="small")) is not None


async def test_an_alias_that_does_not_say_so_keeps_nothing(cache: AnswerCache, documents: DocumentStore) -> None:
    await cache.keep("t", ask(), answer())
    await cache.keep("t", ask(alias="nobody"), answer())
    assert await cache.find("t", ask()) is None
    assert (await documents.query("t/answers"))[0] == []


async def test_one_that_was_cut_off_is_not_kept(cache: AnswerCache) -> None:
    await cache.keep("t", ask(alias="small"), answer(finish_reason="length"))
    assert await cache.find("t", ask(alias="small")) is None


@pytest.mark.parametrize("alias", ["small", "both"])
async def test_an_alias_that_stands_for_something_else_by_now_starts_anew(
    cache: AnswerCache, registry: ModelRegistry, alias: str
) -> None:
    await cache.keep("t", ask(alias=alias), answer())
    other = {"provider": "openai", "model": "other", "cache": "PT1H"}
    await registry.put("small", ModelAlias.model_validate(other), "ann")
    assert await cache.find("t", ask(alias=alias)) is None


async def test_whoever_of_a_cascade_answered_it_is_the_answer(cache: AnswerCache) -> None:
    await cache.keep("t", ask(alias="both", escalated=True), answer())
    assert await cache.find("t", ask(alias="both")) == answer()


async def test_what_is_over_is_removed_by_those_who_keep_more(
    cache: AnswerCache, clock: Clock, documents: DocumentStore
) -> None:
    for number in range(REMOVED + 5):
        await cache.keep("t", ask(alias="small", max_output_tokens=number + 1), answer())
    clock.now += HOUR / 2
    again = ask(alias="small", max_output_tokens=1)
    await cache.keep("t", again, answer("Anew"))
    clock.now += HOUR / 2
    for number in range(2):
        await cache.keep("t", ask(alias="small", temperature=number), answer())
    found = await cache.find("t", again)
    assert found is not None
    assert found.text == "Anew"
    left, _ = await documents.query("t/answers", limit=200)
    assert len(left) == 2 * 3  # each with its mark
