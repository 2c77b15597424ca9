"""Text becomes words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from tests.cosmos.errors import CosmosError, bad_request

_WORD = re.compile(
    r"""\s*(?:(?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<parameter>@\w+)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>\?\?|\|\||<<|>>>?|<=|>=|!=|<>|[-+*/%=<>().,\[\]{}?:~&|^]))""",
    re.VERBOSE,
)
_KEYWORDS = """
    AND ARRAY AS ASC BETWEEN BY DESC DISTINCT ESCAPE EXISTS FALSE FROM GROUP IN JOIN LEFT LIKE LIMIT NOT NULL OFFSET OR
    ORDER RANK RIGHT SELECT TOP TRUE UDF UNDEFINED VALUE WHERE
"""
KEYWORDS = frozenset(_KEYWORDS.split())


@dataclass(frozen=True)
class Word:
    """`text` as it was written; `value` of numbers and strings."""

    kind: Literal["number", "string", "parameter", "name", "sign", "keyword", "end"]
    text: str
    value: Any = None


def words_of(text: str) -> list[Word]:
    """Raises `CosmosError` 400 at what is no word."""
    found: list[Word] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _WORD.match(text, at)
        if match is None:
            raise syntax_error(text[at : at + 10])
        found.append(_word(match))
        at = match.end()
    return [*found, Word("end", "end of text")]


def syntax_error(near: str) -> CosmosError:
    problem = {"severity": "Error", "code": "SC1001", "message": f"Syntax error, incorrect syntax near '{near}'."}
    return bad_request(json.dumps({"errors": [problem]}))


def _word(match: re.Match[str]) -> Word:
    kind = match.lastgroup
    text = match.group(kind or 0)
    if kind == "name":
        return Word("keyword", text) if text.upper() in KEYWORDS else Word("name", text)
    if kind == "number":
        is_whole = re.fullmatch(r"\d+", text) is not None
        return Word(
            "number", text, int(text, 0) if text[:2] in ("0x", "0X") else int(text) if is_whole else float(text)
        )
    if kind == "string":
        return Word("string", text, _unescaped(text[1:-1]))
    return Word("parameter" if kind == "parameter" else "sign", text)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    # As JSON reads it, but for quotes, of which there are two kinds here.
    plain = re.sub(
        r"\\(.)|\"", lambda found: f"\\{found[1]}" if found[1] and found[1] != "'" else found[1] or '\\"', text
    )
    try:
        return str(json.loads(f'"{plain}"'))
    except ValueError as error:
        raise syntax_error(text[:10]) from error
