"""Writes the vocabularies that tokens are counted with: `python -m tools.vocabularies FILE.tiktoken ...`.

They are OpenAI's (MIT), as `tiktoken` would download them at run time; each goes, checked against the digest that
`tiktoken` expects and compressed, to `services/tokens/vocabularies/`. To be run once for each new one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

FOLDER = Path(__file__).resolve().parent.parent / "services" / "tokens" / "vocabularies"


class VocabularyError(Exception):
    """The file is not the one expected; the message is one sentence for the user."""


def known(name: str) -> tuple[str, str]:
    """The pattern that cuts a text into pieces before they are encoded, and the SHA-256 of the ranks."""
    from tiktoken_ext import openai_public  # noqa: PLC0415 - not everybody who imports us needs it

    with patch.object(openai_public, "load_tiktoken_bpe") as load:
        made: dict[str, Any] = openai_public.ENCODING_CONSTRUCTORS[name]()
    return made["pat_str"], load.call_args.kwargs["expected_hash"]


def packed(name: str, ranks: bytes) -> bytes:
    """One line of JSON, the pattern, and then the ranks. Raises `VocabularyError` when they are not those expected."""
    pattern, digest = known(name)
    found = hashlib.sha256(ranks).hexdigest()
    if found != digest:
        raise VocabularyError(f"The ranks of {name} have the SHA-256 {found}, not {digest}.")
    return lzma.compress(json.dumps(pattern).encode() + b"\n" + ranks, preset=9 | lzma.PRESET_EXTREME)


def main(files: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in map(Path, files):
        name, content = file.name.split(".")[0], file.read_bytes()
        ranks = gzip.decompress(content) if file.suffix == ".gz" else content
        (FOLDER / f"{name}.xz").write_bytes(packed(name, ranks))
        print(f"{name}: {(FOLDER / f'{name}.xz').stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
