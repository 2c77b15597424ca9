"""The makers of embeddings: the one in the process, and those behind an endpoint with every way to fail."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Code, Fault, ProblemError
from meta_agents.testing import ModelStub
from services.embeddings import choosing
from services.embeddings.base import Embedder
from services.embeddings.choosing import Embeddings
from services.embeddings.local import LocalEmbedder
from services.settings import Settings
from tests.services.embeddings.conformance import EmbeddingsConformance
from tests.services.models.endpoint import RawEndpoint, http

SECRET = "sk-this-must-never-be-seen"


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)


class TestLocal(EmbeddingsConformance):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return LocalEmbedder()

    async def test_it_costs_nothing_and_asks_nobody(self, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(socket, "socket", None)
        assert (await embedder.embed(["hello"])).cost_usd == 0


def settings(url: str, **environment: str) -> Settings:
    given = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": SECRET, "MODEL_NAME": "m", "EMBEDDING_MODEL": "small"}
    return Settings.from_environment({**given, **environment})


class TestEndpoint(EmbeddingsConformance):
    @pytest.fixture
    async def embedder(self) -> AsyncIterator[Embedder]:
        with ModelStub() as stub:
            made = Embeddings(settings(stub.base_url))
            assert await made.space() == "small"
            yield made._maker or LocalEmbedder()
            await made.close()


def answer(*vectors: Any, indices: list[int] | None = None) -> bytes:
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in zip(indices or range(len(vectors)), vectors, strict=True)
    ]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return http(200, json.dumps({"object": "list", "model": "m", "data": data, "usage": usage}))


async def asked(reply: bytes, *texts: str, **environment: str) -> Any:
    async with RawEndpoint(reply) as endpoint:
        made = Embeddings(settings(f"{endpoint.origin}/v1", **environment))
        try:
            return await made.embed(texts), endpoint.received
        finally:
            await made.close()


async def test_what_is_asked_and_what_it_costs() -> None:
    prices = json.dumps({"small": ["0.02", "0"]})
    found, received = await asked(answer([0, 2], [3, 0], indices=[1, 0]), "a", "b", MODEL_PRICES=prices)
    assert found.tokens == 4
    assert found.cost_usd == Decimal("0.00000008")
    assert received[0].path == "/v1/embeddings"
    assert (received[0].body["model"], received[0].body["input"]) == ("small", ["a", "b"])
    assert found.vectors == [b"\x00\x00\x80?\x00\x00\x00\x00", b"\x00\x00\x00\x00\x00\x00\x80?"], (
        "in the order of texts"
    )


async def test_another_endpoint_may_make_them() -> None:
    async with RawEndpoint(answer([1, 0])) as endpoint:
        made = Embeddings(settings("http://127.0.0.1:9/v1", EMBEDDING_BASE_URL=f"{endpoint.origin}/v1"))
        assert (await made.embed(["a"])).cost_usd is None
        await made.close()


async def test_azure_is_used_by_identity() -> None:
    async def token() -> str:
        return "entra"

    async with RawEndpoint(answer([1, 0])) as endpoint:
        environment = {"AZURE_OPENAI_ENDPOINT": endpoint.origin, "MODEL_NAME": "m", "EMBEDDING_MODEL": "deployment"}
        made = Embeddings(Settings.from_environment(environment), token)
        await made.embed(["a"])
        await made.close()
    [received] = endpoint.received
    assert received.path == "/openai/v1/embeddings"
    assert received.headers["authorization"] == "Bearer entra"


@pytest.mark.parametrize(
    ("reply", "code", "fault", "retryable"),
    [
        (http(401, json.dumps({"error": {"message": SECRET}})), Code.MODEL_REFUSED, Fault.PLATFORM, False),
        (http(404, json.dumps({"error": {"message": "no model"}})), Code.MODEL_REFUSED, Fault.PLATFORM, False),
        (http(400, json.dumps({"error": {"message": "too long"}})), Code.MODEL_REFUSED, Fault.AUTHOR, False),
        (http(429, "{}", retry_after="7"), Code.MODEL_RATE_LIMITED, Fault.MODEL, True),
        (http(500, "oh"), Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (b"", Code.MODEL_UNREACHABLE, Fault.MODEL, True),
        (answer(), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (answer([1, 0]), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (answer([1, 0], [1, 0, 0]), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (answer([1, 0], [0, 0]), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (answer([1, 0], [1, 0], indices=[0, 0]), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (answer([1, 0], ["a", "b"]), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (http(200, "<html>"), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
        (http(200, '{"data": null}'), Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
    ],
)  # fmt: skip
async def test_failures_are_typed(reply: bytes, code: Code, fault: Fault, retryable: bool) -> None:
    with pytest.raises(ProblemError) as caught:
        await asked(reply, "a", "b")
    problem = caught.value.problem
    assert (problem.code, problem.fault, problem.retryable) == (code, fault, retryable)
    assert SECRET not in str(problem)


async def test_an_endpoint_that_is_silent_is_given_up() -> None:
    with pytest.raises(ProblemError) as caught:
        async with RawEndpoint(_never) as endpoint:
            await Embeddings(settings(f"{endpoint.origin}/v1", MODEL_TIMEOUT="0.05")).embed(["a"])
    assert caught.value.problem.code is Code.MODEL_UNREACHABLE


async def _never(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def test_without_a_model_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    with pytest.raises(ProblemError, match="No model for embeddings") as caught:
        await Embeddings(Settings()).embed(["a"])
    assert "EMBEDDING_MODEL" in caught.value.problem.action
