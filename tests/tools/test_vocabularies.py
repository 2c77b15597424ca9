"""The vocabularies in this repository are the ones that the pinned `tiktoken` would download."""

from __future__ import annotations

import hashlib
import json
import lzma

import pytest

from tools import vocabularies


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_they_are_openais(name: str) -> None:
    pattern, _, ranks = lzma.decompress((vocabularies.FOLDER / f"{name}.xz").read_bytes()).partition(b"\n")
    assert (json.loads(pattern), hashlib.sha256(ranks).hexdigest()) == vocabularies.known(name)


def test_others_are_refused() -> None:
    with pytest.raises(vocabularies.VocabularyError, match="SHA-256"):
        vocabularies.packed("o200k_base", b"IQ== 0\n")
