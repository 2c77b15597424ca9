"""How passages are kept as items of Cosmos DB, and what words are looked for among them. Pure.

A document has one head, which says which upload's passages are the document's now: no others are seen.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from array import array
from collections.abc import Sequence
from typing import Any

from domain.errors import Code, Fault, Problem, ProblemError
from services.embeddings.base import Vector
from services.library.cosmos_container import DIMENSIONS, scope_of
from services.library.index import Passage, Source

Item = dict[str, Any]
FIELDS = "c.id, c.document, c.upload, c.number, c.title, c.text, c.starts, c.ends, c.page"
"""Of passages that are found: all that a hit says, without the vector."""
MOST_WORDS = 32
"""Of a question. Each is looked for by itself, and costs."""

_DIGITS = 7
"""Of a vector's numbers: those of a 32-bit float below 1 hold no more."""
_ODD = re.compile("[\0\ud800-\udfff]")
"""What is in no valid UTF-8, or not kept by every reader of JSON."""


def head_id(document: str) -> str:
    return f"head-{_digest(document)}"


def head_item(source: Source) -> Item:
    scope = scope_of(source.tenant, source.collection)
    return {"id": head_id(source.document), "scope": scope, "published": source.upload}


def passage_items(source: Source, space: str, passages: Sequence[Passage], sizes: Sequence[int]) -> list[Item]:
    """Raises `ProblemError` where the container keeps no vectors of that length."""
    return [_item(source, space, one, sizes) for one in passages]


def _item(source: Source, space: str, passage: Passage, sizes: Sequence[int]) -> Item:
    title, text = _ODD.sub("\ufffd", passage.title), _ODD.sub("\ufffd", passage.text)
    return {
        "id": f"{_digest(f'{source.upload}/{source.document}')}-{passage.number:06d}",
        "scope": scope_of(source.tenant, source.collection),
        "document": source.document,
        "upload": source.upload,
        "space": space,
        "number": passage.number,
        "title": title,
        "text": text,
        "starts": passage.start,
        "ends": passage.end,
        "page": passage.page,
        # The title counts twice, as it does in the SQLite index.
        "words": folded(f"{title} {title} {text}"),
        vector_property(passage.vector, sizes): numbers_of(passage.vector),
    }


def passage_of(item: Item) -> Passage:
    """Without its vector."""
    number, title, text = item["number"], item["title"], item["text"]
    return Passage(number, title, text, item["starts"], item["ends"], item.get("page"), vector=b"")


def numbers_of(vector: Vector) -> list[float]:
    return [round(number, _DIGITS) for number in array("f", vector)]


def vector_property(vector: Vector, sizes: Sequence[int] = DIMENSIONS) -> str:
    """Where a vector of that length is kept. Raises `ProblemError` where the container has no place for it."""
    size = len(array("f", vector))
    if size not in sizes:
        raise ProblemError(_no_place(size, sizes))
    return f"v{size}"


def words_of(question: str) -> list[str]:
    """Without what has a meaning in a query."""
    return list(dict.fromkeys(re.findall(r"\w+", folded(question))))[:MOST_WORDS]


def folded(text: str) -> str:
    """In lower case and without accents: whether Cosmos DB sees past these is not documented."""
    letters = unicodedata.normalize("NFKD", _ODD.sub(" ", text).casefold())
    return unicodedata.normalize("NFC", "".join(one for one in letters if not unicodedata.combining(one)))


def _no_place(size: int, sizes: Sequence[int]) -> Problem:
    known = ", ".join(map(str, sizes))
    return Problem(
        code=Code.PLATFORM_FAILED,
        message=f"The library's container keeps vectors of {known} numbers; those of EMBEDDING_MODEL have {size}.",
        action=(
            f"Add {size} to DIMENSIONS in services/library/cosmos_container.py and in infra/bicep/modules/cosmos.bicep "
            "and deploy; or use another embedding model; then send the document again."
        ),
        fault=Fault.PLATFORM,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
