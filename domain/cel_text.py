"""CEL as text: its tokens, the names it uses, the arguments of a call; of texts that its parser has accepted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

Path = tuple[str, ...]
"""A name and the keys after it: `input.a["b"]` is `("input", "a", "b")`."""

KEYWORDS = frozenset({"true", "false", "null", "in"})

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | //[^\n]* )
  | (?P<string> [bB]?[rR][bB]? (?: \"{3}.*?\"{3} | '{3}.*?'{3} | \"[^\"\n]*\" | '[^'\n]*' )
              | [bB]? (?: \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3}
                        | \"(?:\\.|[^\"\\\n])*\" | '(?:\\.|[^'\\\n])*' ) )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<number> \d+(?:\.\d+)?(?:[eE][+-]?\d+)?\w* )
  | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_PLAIN_STRING = re.compile(r"\"[^\"\\]*\"|'[^'\\]*'")


class Token(NamedTuple):
    """`kind` is string, name, number or mark."""

    kind: str
    text: str
    start: int
    end: int


def tokens(source: str, start: int = 0) -> Iterator[Token]:
    """One by one from `start`; blanks and comments are left out."""
    for match in _TOKEN.finditer(source, start):
        if match.lastgroup != "blank":
            yield Token(match.lastgroup or "mark", match[0], match.start(), match.end())


def closing(all_tokens: Sequence[Token], opening: int) -> int:
    """Index of the bracket that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(all_tokens)):
        depth += _step(all_tokens[index])
        if depth == 0:
            return index
    raise ValueError("a bracket is not closed")


def arguments(all_tokens: Sequence[Token], opening: int) -> list[Sequence[Token]]:
    """The tokens of each argument of the call whose bracket is at `opening`."""
    found: list[Sequence[Token]] = []
    first, depth, end = opening + 1, 0, closing(all_tokens, opening)
    for index in range(opening + 1, end):
        depth += _step(all_tokens[index])
        if depth == 0 and all_tokens[index].text == ",":
            found.append(all_tokens[first:index])
            first = index + 1
    return [*found, all_tokens[first:end]] if end > opening + 1 else []


def is_call(all_tokens: Sequence[Token], index: int) -> bool:
    """Whether the name at `index` is that of a function or method called there."""
    return index + 1 < len(all_tokens) and all_tokens[index + 1].text == "("


def is_method(all_tokens: Sequence[Token], index: int) -> bool:
    """Whether the name at `index` follows a dot, and the dot a value."""
    if index < 2 or all_tokens[index - 1].text != ".":
        return False
    before = all_tokens[index - 2]
    return before.kind != "mark" or before.text in {")", "]", "}"}


def paths(all_tokens: Sequence[Token], bound: Collection[str] = ()) -> Iterator[Path]:
    """Each use of a name, with the keys that follow it as far as they are written out; `bound` ones left out."""
    for index, token in enumerate(all_tokens):
        is_name = token.kind == "name" and token.text not in KEYWORDS and token.text not in bound
        if is_name and not is_method(all_tokens, index) and not is_call(all_tokens, index):
            yield (token.text, *_keys(all_tokens, index + 1))


def is_one_path(all_tokens: Sequence[Token]) -> bool:
    """Whether the text is a name with keys after it and nothing else."""
    first = all_tokens[0]
    if first.kind != "name" or first.text in KEYWORDS or is_call(all_tokens, 0):
        return False
    in_brackets = sum(token.text == "[" for token in all_tokens)
    return len(all_tokens) == 1 + 2 * len(list(_keys(all_tokens, 1))) + in_brackets


def _keys(all_tokens: Sequence[Token], index: int) -> Iterator[str]:
    while True:
        texts = [token.text for token in all_tokens[index : index + 3]]
        if len(texts) >= 2 and texts[0] == "." and all_tokens[index + 1].kind == "name":
            if is_call(all_tokens, index + 1):
                return
            yield texts[1]
            index += 2
        elif len(texts) == 3 and texts[0] == "[" and texts[2] == "]" and _PLAIN_STRING.fullmatch(texts[1]):
            yield texts[1][1:-1]
            index += 3
        else:
            return


def _step(token: Token) -> int:
    if token.kind != "mark":
        return 0
    return 1 if token.text in "([{" else -1 if token.text in ")]}" else 0
