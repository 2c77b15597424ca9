"""Embeddings without an endpoint: `wordllama`, 256 numbers for a text from a table of 16 MB. Slow to import."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import wordllama
from wordllama import WordLlama

from services.embeddings.base import Embedded, vector_of

SPACE = "wordllama-l2-256"


class LocalEmbedder:
    """Quick (thousands of texts a second, on one thread), free, and not clever: a sum of what the words mean."""

    def __init__(self) -> None:
        # Its own folder, given so, is the only way to have it look for its table where that is.
        self._model = WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
        self.space = SPACE

    async def embed(self, texts: Sequence[str]) -> Embedded:
        return await asyncio.to_thread(self._embed, list(texts))

    async def close(self) -> None:
        pass

    def _embed(self, texts: list[str]) -> Embedded:
        clean = [text.encode("utf-8", errors="replace").decode() for text in texts]
        rows = self._model.embed(clean, norm=False)
        # Of a text in which it knows no word the sum is zero: such a one is as near to all others as any.
        vectors = [vector_of(row.tolist() if row.any() else [1.0] * len(row)) for row in rows]
        tokens = sum(len(found.ids) for found in self._model.tokenizer.encode_batch(clean, add_special_tokens=False))
        return Embedded(vectors, tokens, Decimal(0))
