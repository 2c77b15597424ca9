"""OpenAI's vocabularies, from files of ours: `tiktoken` by itself would download them when first used."""

from __future__ import annotations

import base64
import json
import lzma
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import tiktoken

Name = Literal["o200k_base", "cl100k_base"]
FOLDER = Path(__file__).with_name("vocabularies")
_SLICE = 20_000
"""Characters counted at once. A cut adds a token or two, and saves time that grows faster than a text does."""


class Vocabulary:
    """Counts as the model's own endpoint does; a text of 20,000 characters and more a little higher."""

    def __init__(self, name: Name) -> None:
        self.name = name
        self._encoding = _loaded(name)

    def count(self, text: str) -> int:
        pieces = (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))
        # Marks such as `<|endoftext|>` in what somebody wrote are text like any other.
        return sum(len(self._encoding.encode_ordinary(piece)) for piece in pieces)

    def shortened(self, text: str, most: int) -> str:
        """The beginning of the text, of at most so many tokens."""
        head = text[: most * LONGEST_TOKEN]
        return self._encoding.decode(self._encoding.encode_ordinary(head)[:most], errors="ignore") if most > 0 else ""


LONGEST_TOKEN = 24
"""Characters that a token stands for at most, in texts that anybody writes: longer ones are rulers and blanks."""


@cache
def _loaded(name: Name) -> tiktoken.Encoding:
    import tiktoken  # noqa: PLC0415 - takes a while, and most processes never count

    pattern, _, ranks = lzma.decompress((FOLDER / f"{name}.xz").read_bytes()).partition(b"\n")
    tokens = (line.split() for line in ranks.splitlines())
    return tiktoken.Encoding(
        name,
        pat_str=json.loads(pattern),
        mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in tokens},
        special_tokens={},
    )
