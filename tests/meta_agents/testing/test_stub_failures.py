"""Every way of failing that the model stub knows is, to the stock client, the failure it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from meta_agents.testing import MODEL, ModelStub
from meta_agents.testing.control import Mode


@pytest.fixture
def stub() -> Iterator[ModelStub]:
    with ModelStub() as stub:
        yield stub


@pytest.fixture
def client(stub: ModelStub) -> Iterator[OpenAI]:
    with OpenAI(base_url=stub.base_url, api_key="x", max_retries=0, timeout=10) as client:
        yield client


def ask(client: OpenAI, **options: Any) -> ChatCompletion:
    completion = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}], **options)
    assert isinstance(completion, ChatCompletion)
    return completion


@pytest.mark.parametrize(
    ("mode", "error", "code"),
    [
        ("unauthorized", openai.AuthenticationError, "invalid_api_key"),
        ("not_found", openai.NotFoundError, "model_not_found"),
        ("rate_limit", openai.RateLimitError, "rate_limit_exceeded"),
        ("content_filter", openai.BadRequestError, "content_filter"),
        ("error", openai.InternalServerError, None),
        ("down", openai.InternalServerError, None),
    ],
)
def test_errors_are_those_of_the_protocol(
    stub: ModelStub, client: OpenAI, mode: Mode, error: type[openai.APIStatusError], code: str | None
) -> None:
    stub.control(mode, times=1)
    with pytest.raises(error) as raised:
        ask(client)
    assert raised.value.code == code
    assert ask(client).choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_told_as_one(stub: ModelStub, client: OpenAI, stream: bool) -> None:
    stub.control("refusal", answers=["I may not."])
    assert said(client, stream) == ("", "I may not.", "stop")


@pytest.mark.parametrize("stream", [False, True])
def test_a_filtered_answer_says_why_it_ends(stub: ModelStub, client: OpenAI, stream: bool) -> None:
    stub.control("filtered", answers=["one two three four"])
    assert said(client, stream) == ("one two", "", "content_filter")


def test_json_can_end_too_soon_though_nothing_says_so(stub: ModelStub, client: OpenAI) -> None:
    stub.control("bad_json", answers=[{"good": True}])
    assert said(client, False) == ('{"good": true', "", "stop")


def said(client: OpenAI, stream: bool) -> tuple[str, str, str | None]:
    """The text, the refusal, and the finish reason."""
    if not stream:
        [whole] = ask(client).choices
        return whole.message.content or "", whole.message.refusal or "", whole.finish_reason
    text, refusal = "", ""
    reason: str | None = None
    for chunk in client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
    ):
        [choice] = chunk.choices
        text += choice.delta.content or ""
        refusal += choice.delta.refusal or ""
        reason = choice.finish_reason or reason
    return text, refusal, reason


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_texts_with_words_in_common_are_embedded_near_each_other(client: OpenAI, encoding: Any) -> None:
    texts = ["a red lamp", "the red lamp", "seven green boats"]
    answer = client.embeddings.create(model=MODEL, input=texts, encoding_format=encoding, dimensions=256)
    near, far = (sum(map(float.__mul__, vector(answer, 0), vector(answer, n))) for n in (1, 2))
    assert near > 0.5 > far
    assert sum(part * part for part in vector(answer, 0)) == pytest.approx(1)
    assert answer.usage.prompt_tokens == 9


def vector(answer: openai.types.CreateEmbeddingResponse, index: int) -> list[float]:
    import base64
    import struct

    found: Any = answer.data[index].embedding
    if isinstance(found, str):
        raw = base64.b64decode(found)
        found = list(struct.unpack(f"<{len(raw) // 4}f", raw))
    assert len(found) == 256
    return [float(part) for part in found]


def test_embeddings_fail_as_told_and_nonsense_is_refused(stub: ModelStub, client: OpenAI) -> None:
    stub.control("rate_limit", times=1)
    with pytest.raises(openai.RateLimitError):
        client.embeddings.create(model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model=MODEL, input=[])
