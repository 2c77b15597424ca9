"""Makes the synchronous client of the asynchronous one: `python -m tools.unasync` after each change of that.

A test asks whether it was done. Words are replaced, and what they leave is put in order by ruff. (The package `unasync`
replaces single words, and neither turns loops into `yield from` nor takes away the parentheses of an `await`.)
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "meta_agents"
SOURCE, TARGET = PACKAGE / "asynchronous", PACKAGE / "synchronous"
INIT = '''"""The synchronous client, made of the asynchronous one by `python -m tools.unasync`: change that one.

Belongs here: what was made. Does not belong here: anything that was written.
"""
'''
_WORDS = (
    (r"\(await ([\w.]+\(.*\))\)\.", r"\1."),
    (r"\b(async|await) ", ""),
    (r"\bimport asyncio\b", "import time"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bAwaitable\[(Page\[T\])\]", r"\1"),
    (r"\bAsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basynchronous\b", "synchronous"),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\ba(closing|close|read|iter_bytes)\b", r"\1"),
)


def made(source: Path) -> str:
    """The synchronous twin of a module, in order."""
    text = source.read_text("utf-8")
    for pattern, replacement in _WORDS:
        text = re.sub(pattern, replacement, text)
    name = str(TARGET / source.name)
    order = ["check", "--fix-only", "--unsafe-fixes", "--select=I,F401,UP028", "--quiet"]
    for command in (order, ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", name, "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


def twins() -> dict[Path, str]:
    """What should stand where."""
    sources = (path for path in sorted(SOURCE.glob("*.py")) if path.name != "__init__.py")
    return {TARGET / "__init__.py": INIT} | {TARGET / path.name: made(path) for path in sources}


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for place, content in twins().items():
        place.write_text(content, "utf-8")
