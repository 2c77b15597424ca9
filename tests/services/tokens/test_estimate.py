"""The estimate against a real vocabulary, and a small one: that of the model that runs on a laptop."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from services.tokens.estimate import Estimate
from tools.processes import ModelServer

ROOT = Path(__file__).resolve().parents[3]
CHANCE = random.Random(1)
TEXTS = {
    "english": (ROOT / "README.md").read_text("utf-8"),
    "python": (ROOT / "domain" / "chats.py").read_text("utf-8"),
    "json": (ROOT / "docs" / "openapi.json").read_text("utf-8")[:20_000],
    "german": "Größere Überraschungen gab es für die Straßenbahnfahrer während der Feiertage nicht. " * 10,
    "russian": "Каждый шаг записывается, поэтому сбой ничего не теряет. " * 10,
    "chinese": "每个步骤都会被记录下来，因此崩溃不会丢失任何东西。" * 10,
    "arabic": "كل خطوة مسجلة لذلك لا يفقد التعطل شيئا. " * 10,
    "thai": "ทุกขั้นตอนจะถูกบันทึกไว้ " * 10,
    "signs": "😀🎉👩‍👩‍👧" * 20,
    "base64": base64.b64encode(CHANCE.randbytes(3_000)).decode(),
    "digest": CHANCE.randbytes(2_000).hex(),
    "numbers": "\n".join(f"{CHANCE.random()},{CHANCE.random()}" for _ in range(100)),
}


@pytest.fixture(scope="module")
def count() -> Iterator[Callable[[str], int]]:
    with ModelServer() as server:

        def tokens(text: str) -> int:
            url = server.environment()["OPENAI_BASE_URL"].removesuffix("/v1") + "/tokenize"
            return len(httpx.post(url, json={"content": text}, timeout=30).raise_for_status().json()["tokens"])

        yield tokens


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_errs_high_and_not_by_much(text: str, count: Callable[[str], int]) -> None:
    assert 1 <= Estimate().count(text) / count(text) <= 2.1
