"""The synchronous client is the asynchronous one, without the waiting."""

from __future__ import annotations

import re
from pathlib import Path

from tools.unasync import SOURCE, TARGET, made, twins


def test_it_was_made_after_the_last_change() -> None:
    wrong = [place.name for place, content in twins().items() if place.read_text("utf-8") != content]
    assert wrong == [], "make them anew: python -m tools.unasync"
    assert {path.name for path in TARGET.glob("*.py")} == {path.name for path in SOURCE.glob("*.py")}


def test_nothing_asynchronous_is_left() -> None:
    lines = (line for place, content in twins().items() if place.name != "__init__.py" for line in content.splitlines())
    assert [line for line in lines if re.search(r"\b(async|await)", line, re.IGNORECASE)] == []


def test_words_are_replaced_and_put_in_order(tmp_path: Path) -> None:
    source = tmp_path / "thing.py"
    source.write_text(
        "from meta_agents.asynchronous.calling import AsyncCall\n"
        "class AsyncThing:\n"
        "    async def all(self, call: AsyncCall) -> AsyncIterator[int]:\n"
        "        async for item in (await call(1)).items:\n"
        "            yield item\n"
    )
    assert made(source) == (
        "from meta_agents.synchronous.calling import Call\n\n\n"
        "class Thing:\n"
        "    def all(self, call: Call) -> Iterator[int]:\n"
        "        yield from call(1).items\n"
    )
