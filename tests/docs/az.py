"""The `az` commands in texts: found, and held against what the Azure CLI's own table says of them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

TABLE = json.loads(Path(__file__).with_name("az_commands.json").read_text("utf-8"))["commands"]
OF_EXTENSIONS = {
    "durabletask scheduler show",
    "durabletask taskhub delete",
    "durabletask taskhub show",
    "monitor app-insights query",
    "monitor log-analytics query",
}
"""Not in the CLI's own table, so that only their names could be looked up, in its documentation."""
_ENDS = re.compile(r"[;|&()<>]+")


def commands_in(text: str) -> Iterator[list[str]]:
    """The arguments of each `az` in shell text, inside `$(…)` too; not of those told in part, with an ellipsis."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in (line for line in joined.splitlines() if "…" not in line):
        for inner in re.findall(r"\$\((az [^()]*)\)", line):
            yield from _of_line(inner)
        yield from _of_line(re.sub(r"\$\(az [^()]*\)", "VALUE", line))


def _of_line(line: str) -> Iterator[list[str]]:
    if "az " not in line:
        return
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    words.commenters = "#"
    found: list[str] | None = None
    is_first = True
    for word in words:
        if _ENDS.fullmatch(word):
            if found is not None:
                yield found
            found, is_first = None, True
        elif found is not None:
            found.append(word)
        elif is_first and word == "az":
            found = []
        else:
            # After an assignment, or a word like `if`, a command may follow.
            is_first = word in {"if", "do", "then"} or bool(re.fullmatch(r"[A-Z_]+=.*", word))
    if found is not None:
        yield found


def name_of(arguments: Sequence[str]) -> str:
    words = []
    for word in arguments:
        if word.startswith("-"):
            break
        words.append(word)
    return " ".join(words)


def wrong_with(arguments: Sequence[str]) -> list[str]:
    """What the table does not know of this command."""
    name = name_of(arguments)
    if name in OF_EXTENSIONS:
        return []
    if name not in TABLE:
        return [f"{name}: look it up (tests/docs/az_table.py)"]
    given = {word.partition("=")[0] for word in arguments if re.match(r"--?[a-z]", word)}
    odd = [f"{name}: {option}" for option in sorted(given - set(TABLE[name]["options"]))]
    lacking = [ways for ways in TABLE[name]["needed"] if not given & set(ways) and "--ids" not in given]
    return odd + [f"{name}: lacks {ways[0]}" for ways in lacking]
