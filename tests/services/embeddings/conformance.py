"""What every maker of embeddings must do. A maker's tests inherit these and give a fixture `embedder`."""

from __future__ import annotations

from array import array
from itertools import pairwise

import pytest

from services.embeddings.base import MOST_TEXTS, Embedder, Vector

MOON = "The moon goes round the earth in a month."
AGAIN = "In a month, the moon has gone once round the earth."
BREAD = "Knead flour, water and salt into a dough."


def product(left: Vector, right: Vector) -> float:
    first, second = array("f", left), array("f", right)
    return sum(a * b for a, b in zip(first, second, strict=True))


class EmbeddingsConformance:
    async def test_alike_texts_are_near_and_others_are_not(self, embedder: Embedder) -> None:
        moon, again, bread = (await embedder.embed([MOON, AGAIN, BREAD])).vectors
        assert product(moon, again) > product(moon, bread) + 0.2

    async def test_vectors_are_of_length_one_and_all_of_one_size(self, embedder: Embedder) -> None:
        vectors = (await embedder.embed([MOON, BREAD, "x", "日本語", "0", "half \ud800 a pair", "…"])).vectors
        assert [product(vector, vector) for vector in vectors] == [pytest.approx(1, abs=1e-5)] * 7
        assert all(len(left) == len(right) > 0 for left, right in pairwise(vectors))

    async def test_a_text_has_the_same_vector_whatever_stands_beside_it(self, embedder: Embedder) -> None:
        alone = (await embedder.embed([MOON])).vectors
        among = (await embedder.embed([BREAD, MOON, AGAIN * 20])).vectors
        assert product(alone[0], among[1]) == pytest.approx(1, abs=1e-3)

    async def test_as_many_as_may_come_at_once_keep_their_order(self, embedder: Embedder) -> None:
        texts = [f"{MOON} {number}" if number % 2 else f"{BREAD} {number}" for number in range(MOST_TEXTS)]
        moon, bread = (await embedder.embed([MOON, BREAD])).vectors
        vectors = (await embedder.embed(texts)).vectors
        assert [product(vector, moon) > product(vector, bread) for vector in vectors] == [False, True] * 32

    async def test_it_says_what_was_used(self, embedder: Embedder) -> None:
        assert 5 < (await embedder.embed([MOON])).tokens < 30
