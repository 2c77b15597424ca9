"""An execution in a terminal: finished work scrolls by, and a panel below shows who is writing now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from meta_agents.following import Item
from meta_agents.live.lines import narrate
from meta_agents.live.panel import panel
from meta_agents.live.state import State, reduce
from meta_agents.results import Delta


class LiveView:
    """Feed it what `follow` yields, inside a `with` statement.

    In a terminal it keeps a panel of the calls under way; elsewhere it prints lines alone. As a rich renderable it is
    the panel of its present state. `execution`: its id, for the commands that it shows.
    """

    def __init__(
        self, console: Console, *, execution: str = "", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.state = State(execution=execution)
        self._console = console
        self._now = now
        self._note: str | None = None
        moving = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(self, console=console, transient=True, refresh_per_second=8) if moving else None

    def feed(self, item: Item) -> None:
        """Take in one event or delta, and say what it says."""
        self.state = reduce(self.state, item)
        self._note = None
        if isinstance(item, Delta):
            return
        said = narrate(self.state, item)
        if said is not None:
            self._print(said)

    def note(self, text: str) -> None:
        """Show a remark about the watching itself, such as a lost connection, until the next item."""
        if self._live is None and text != self._note:
            self._print(Text(text))
        self._note = text

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        yield from panel(self.state, self._now(), self._note, console, options.max_width, height)

    def _print(self, text: Text) -> None:
        if self._live is None:
            self._console.print(text, soft_wrap=True)
            return
        # A paragraph wider than the terminal goes on under its own beginning.
        indents = [(line, len(line.plain) - len(line.plain.lstrip(" "))) for line in text.split("\n", allow_blank=True)]
        self._console.print(Group(*(Padding.indent(line[indent:], indent) for line, indent in indents)))
