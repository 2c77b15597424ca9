"""What a developer sees in the terminal: the table of functions, and one line for each thing that happens."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TextIO

from devhost.functions import (
    ACTIVITY_TRIGGER,
    ENTITY_TRIGGER,
    HTTP_TRIGGER,
    ORCHESTRATION_TRIGGER,
    TIMER_TRIGGER,
    Function,
)
from devhost.reporting import LINE, ResponseBroken

_DURABLE = {ORCHESTRATION_TRIGGER: "orchestrators", ACTIVITY_TRIGGER: "activities", ENTITY_TRIGGER: "entities"}
_QUIET = ("aiohttp", "asyncio", "azure", "httpcore", "httpx", "openai", "uvicorn", "watchfiles", "websockets")
_DIM, _BOLD, _RED, _GREEN, _YELLOW, _CYAN = "2", "1", "31", "32", "33", "36"
_BY_OUTCOME = {"2": _GREEN, "o": _GREEN, "3": _CYAN, "4": _YELLOW, "5": _RED, "f": _RED}  # by its first letter
_BY_LEVEL = {logging.WARNING: _YELLOW, logging.ERROR: _RED, logging.CRITICAL: _RED}


class Paint:
    """Colours text for a stream that is a terminal and a user who has not asked for none."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self.is_on = stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    def __call__(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.is_on and text else text


class LineFormatter(logging.Formatter):
    """The time, and then no more than it takes: a level only from WARNING on, a logger's name only for others' logs."""

    def __init__(self, paint: Paint) -> None:
        super().__init__()
        self._paint = paint
        self._second = -1
        self._time = ""

    def format(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if second != self._second:  # many lines a second share one clock text, which is dear to make
            self._second, self._time = second, self._paint(time.strftime("%H:%M:%S", time.localtime(second)), _DIM)
        if not (isinstance(record.msg, str) and record.msg.startswith(LINE)):
            return f"{self._time}  {self._told(record)}"
        outcome, space, rest = record.getMessage().partition(" ")
        return f"{self._time}  {self._paint(outcome, _BY_OUTCOME.get(outcome[0], _YELLOW))}{space}{rest}"

    def _told(self, record: logging.LogRecord) -> str:
        """A line that is no invocation's: the host's own, or one that the app or a library logged."""
        whose = "" if record.name == "root" or record.name.startswith("devhost") else f"{record.name}: "
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        text = f"{self._paint(level, _BY_LEVEL.get(record.levelno, _DIM))}{whose}{record.getMessage()}"
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        return f"{text}\n{self.formatStack(record.stack_info)}" if record.stack_info else text


def set_up_logging(*, verbose: bool) -> None:
    """Everything after start-up goes to stderr, so that a parent which reads only stdout never blocks the host."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(Paint(sys.stderr)))
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("devhost").setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.ERROR)


def _is_news(record: logging.LogRecord) -> bool:
    """Not so what the server says of responses that the host breaks off, and of those it cut short to stop."""
    if record.name != "uvicorn.error":
        return True
    error = record.exc_info[1] if record.exc_info else None
    is_cut = isinstance(error, asyncio.CancelledError) or "timeout graceful shutdown exceeded" in record.getMessage()
    return not is_cut and not isinstance(error, ResponseBroken)


def table(
    functions: Iterable[Function], urls: Mapping[str, str], due: Mapping[str, datetime], paint: Paint
) -> Iterator[str]:
    """The start-up listing: what reaches each function, and what is not served and why.

    `urls` are those of HTTP functions by their names, `due` when timer functions fire next.
    """
    all_of_them = list(functions)
    served = [function for function in all_of_them if not function.unserved and not function.disabled]
    http = [function for function in served if function.trigger.type == HTTP_TRIGGER]
    triggered = [function for function in served if function.trigger.type not in (HTTP_TRIGGER, *_DURABLE)]
    methods = {function.name: ",".join(function.methods) or "ANY" for function in http}
    widest = max(map(len, methods.values()), default=0)
    yield from _section("HTTP", http, paint, lambda f: f"{methods[f.name]:<{widest}}  {urls[f.name]}")
    yield from _section("Triggers", triggered, paint, lambda f: _trigger(f, due))
    yield from _durable(served, paint)
    unserved = [function for function in all_of_them if function.unserved and not function.disabled]
    yield from _section("Not served", unserved, paint, lambda f: paint(f"WARNING: {f.unserved}", _YELLOW))
    disabled = [function for function in all_of_them if function.disabled]
    yield from _section("Disabled", disabled, paint, lambda f: paint(f.disabled or "", _DIM))


def _section(title: str, functions: list[Function], paint: Paint, say: Callable[[Function], str]) -> Iterator[str]:
    if not functions:
        return
    width = max(len(function.name) for function in functions)
    yield paint(title, _BOLD)
    yield from (f"  {function.name:<{width}}  {say(function)}" for function in functions)
    yield ""


def _trigger(function: Function, due: Mapping[str, datetime]) -> str:
    trigger = function.trigger
    if trigger.type == TIMER_TRIGGER:
        return f"{trigger.type} '{trigger.text('schedule')}', next {due[function.name]:%Y-%m-%d %H:%M:%S %Z}"
    told = (f"{key}={value}" for key, value in trigger.properties.items() if key not in ("name", "type", "direction"))
    return f"{trigger.type} {' '.join(told)}"


def _durable(served: list[Function], paint: Paint) -> Iterator[str]:
    """Orchestrators, activities and entities have no address: their names, as orchestrators and clients call them."""
    names = {
        kind: ", ".join(
            sorted((function.durable_name for function in served if function.trigger.type == trigger), key=str.lower)
        )
        for trigger, kind in _DURABLE.items()
    }
    if any(names.values()):
        yield paint("Durable", _BOLD)
        width = max(60, shutil.get_terminal_size((120, 0)).columns)
        for kind in filter(names.get, names):
            yield textwrap.fill(names[kind], width, initial_indent=f"  {kind:<13}  ", subsequent_indent=" " * 17)
        yield ""
