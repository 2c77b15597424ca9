"""The demo's crash: the host is killed while an agent is in the middle of its turn of a chat, and started again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from rich.text import Text

from meta_agents import Delta, Event, Item
from tools.processes import Host

TURN = 3
"""The turn of the chat that is interrupted."""
ENOUGH = 16
"""Characters of the answer that must have been seen, so that there is something to lose."""

_CHAT_TURN = re.compile(r".*/turn\[(\d+)\]")


class Crash:
    """Kills `host` (SIGKILL) once, when turn `TURN` is being spoken, and starts it again."""

    def __init__(self, host: Host, say: Callable[[Text], None]) -> None:
        self.happened = False
        self._host = host
        self._say = say

    def after(self, item: Item) -> None:
        """Called with each item of the execution's stream; returns when the host is up again."""
        if not self.happened and _is_due(item):
            self.happened = True
            self._kill_and_start(item)

    def _kill_and_start(self, item: Item) -> None:
        turn = _turn_of(item)
        what = f"The Functions host (process {self._host.process.pid}) is killed in the middle of turn {turn}."
        self._say(Text.assemble((" kill -9 ", "bold white on red"), (f" {what}", "bold red")))
        self._host.kill()
        before = time.monotonic()
        self._host.start()
        back = f"The host is back after {time.monotonic() - before:.1f} s, and the chat goes on at turn {turn}."
        self._say(Text.assemble((" started ", "bold black on green"), (f" {back}", "bold green")))


def _is_due(item: Item) -> bool:
    """In the middle of the turn; or when the next one begins, with a model that gives its answers in one piece."""
    turn = _turn_of(item)
    if isinstance(item, Delta):
        return turn >= TURN and item.position + len(item.text) >= ENOUGH
    return turn > TURN and item.type == "call.started"


def _turn_of(item: Delta | Event) -> int:
    """The number of the chat turn that is being spoken; 0 for all else, a chair's choice included."""
    found = _CHAT_TURN.fullmatch(item.step or "")
    return int(found[1]) if found else 0
