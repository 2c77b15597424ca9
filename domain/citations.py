"""Citations: how a passage is named in an answer, and which of those named there were ever shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from domain.expressions import as_text
from domain.values import Json

_CITED = re.compile(r"\[([A-Za-z0-9][A-Za-z0-9._-]{0,127}#[1-9][0-9]{0,5})\]")


def cite(document: str, number: int) -> str:
    """What an answer says where it uses the passage: the same in whichever search it was found."""
    return f"[{document}#{number}]"


def cited(answer: Json) -> tuple[str, ...]:
    """Those in an answer, each once, in their order."""
    return tuple(dict.fromkeys(f"[{found}]" for found in _CITED.findall(as_text(answer))))


def unknown(answer: Json, shown: Collection[str]) -> tuple[str, ...]:
    """Those in an answer that nobody was shown: its author made them up."""
    return tuple(one for one in cited(answer) if one not in shown)


def passages_in(result: Json) -> Iterable[dict[str, Any]]:
    """The passages of a search's result, each with its `collection`; none for any other value."""
    if not isinstance(result, dict) or not isinstance(result.get("passages"), list):
        return
    for one in result["passages"]:
        if isinstance(one, dict) and isinstance(one.get("cite"), str):
            yield {"collection": result.get("collection"), **one}
