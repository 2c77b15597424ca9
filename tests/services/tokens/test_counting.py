"""Tokens as endpoints count them, and the estimate for models whose vocabulary nobody knows."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.toolcalls import ToolSpec
from services.models.base import ModelRequest
from services.tokens.counting import counted, counter_for, tokens_of
from services.tokens.estimate import Estimate
from services.tokens.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[3]


def request(*texts: str, **more: object) -> ModelRequest:
    messages = [{"role": "user", "content": text} for text in texts]
    return ModelRequest.model_validate({"messages": messages, "idempotency_key": "k", **more})


@pytest.mark.parametrize(
    ("model", "counter"),
    [
        ("gpt-4.1-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("gpt-oss-20b", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("smollm2-135m-instruct", "estimate"),
        ("text-davinci-003", "estimate"),
        (None, "estimate"),
    ],
)
async def test_a_model_has_a_counter(model: str | None, counter: str) -> None:
    assert (await counter_for(model)).name == counter


def test_known_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenAI's own page shows them; nothing is fetched for it."""
    monkeypatch.setattr(socket, "socket", None)
    new, old = Vocabulary("o200k_base"), Vocabulary("cl100k_base")
    assert new.count("tiktoken is great!") == old.count("tiktoken is great!") == 6
    assert old.count("お誕生日おめでとう") == 9
    assert new.count("お誕生日おめでとう") == 8
    assert new.count("<|endoftext|>") > 1, "what somebody wrote is no mark"


async def test_a_request_is_its_words_its_tools_and_its_schema() -> None:
    counter = await counter_for("gpt-4.1")
    plain = counted(request("hello world"), counter)
    assert plain == 3 + 4 + 2
    tool = ToolSpec(name="look", description="Looks it up.", parameters={"type": "object", "properties": {"q": {}}})
    with_tool = counted(request("hello world", tools=(tool,)), counter)
    assert with_tool > plain + 12
    assert counted(request("hello world", response_schema={"type": "object"}), counter) > plain
    asked = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q": "moon"}'}}
    answered = request("hello world").model_copy(
        update={"messages": [{"role": "assistant", "content": None, "tool_calls": [asked]}]}
    )
    assert counted(answered, counter) > 15


async def test_a_long_text_is_counted_beside_the_event_loop() -> None:
    counter = Estimate()
    assert await tokens_of(request("word " * 50_000), counter) == counted(request("word " * 50_000), counter)


@pytest.mark.parametrize("counter", [Vocabulary("o200k_base"), Vocabulary("cl100k_base"), Estimate()])
@pytest.mark.parametrize(
    "text", ["", "word " * 500, "日本語のテキスト" * 40, "0123456789" * 30, "👩‍👩‍👧" * 20, "a" * 3_000]
)
def test_what_is_shortened_is_a_beginning_that_fits(counter: Vocabulary | Estimate, text: str) -> None:
    for most in (0, 1, 7, 100, 10_000):
        short = counter.shortened(text, most)
        assert text.startswith(short)
        assert counter.count(short) <= most
    assert counter.shortened(text, 10_000) == text


@given(st.text(max_size=300))
def test_any_text_is_counted(text: str) -> None:
    """By no vocabulary is it more tokens than bytes; and the estimate is no less than half of what a large one says."""
    exact = Vocabulary("o200k_base").count(text)
    assert exact <= len(text.encode())
    assert Estimate().count(text) * 2 >= exact


def test_the_time_grows_with_the_text() -> None:
    """A word without end is counted piece by piece."""
    assert Vocabulary("o200k_base").count("a" * 400_000) == 20 * Vocabulary("o200k_base").count("a" * 20_000)
