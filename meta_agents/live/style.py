"""How things look: symbols, colours, and text from models made safe for a terminal."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from meta_agents.live.state import Progress
from meta_agents.results import Json, Usage

SYMBOLS = {
    Progress.RUNNING: ("●", "cyan"),
    Progress.COMPLETED: ("✓", "green"),
    Progress.FAILED: ("✗", "red"),
    Progress.SKIPPED: ("⊘", "bright_black"),
    Progress.CANCELED: ("■", "yellow"),
}
"""Shape and colour of each progress: the shape alone tells, for who sees no colours."""

UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What commands a terminal, or makes it show text in another order than it has."""
DIM = "bright_black"
_AGENT_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta")


def agent_style(agent: str, agents: tuple[str, ...]) -> str:
    """A bold colour that an agent keeps as long as the execution is shown."""
    place = agents.index(agent) if agent in agents else 0
    return f"bold {_AGENT_COLOURS[place % len(_AGENT_COLOURS)]}"


def safe(text: str) -> str:
    """Text without control characters: a model's answer must not be able to command the terminal."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def shown(value: Json) -> str:
    """A payload as people read it: text as it is, the rest as indented JSON."""
    return safe(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def one_line(text: str) -> str:
    """Text in a line of its own, whatever is in it."""
    return " ".join(safe(text).split())


def counted(number: int, word: str) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def usage_line(usage: Usage) -> str:
    """`4 calls, 1,234 tokens in, 456 out, $0.0012`."""
    cost = "cost not known" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
    return f"{counted(usage.model_calls, 'call')}, {usage.tokens_in:,} tokens in, {usage.tokens_out:,} out, {cost}"


def duration(time: timedelta) -> str:
    """`3.2 s`, `4 m 05 s`, `2 h 03 m`, `3 d 04 h`."""
    seconds = max(time.total_seconds(), 0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} m"
    return f"{hours // 24} d {hours % 24:02} h"


def clock(time: datetime | None) -> str:
    """In UTC, to the second."""
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def left(until: datetime, now: datetime) -> str:
    """`in 4 m 05 s`, or `now` when the time has come."""
    return f"in {duration(until - now)}" if until > now else "now"
