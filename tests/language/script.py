"""What the world does while a workflow runs: models, tools, people and senders of events, each a pure function.

Both the simulation and the reference ask it, so that they meet the same world. Times have odd microseconds, other ones
for each call, so that two things that do not depend on each other hardly ever happen at the same instant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import Code, Fault, Problem
from domain.values import Json

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AGREED = "AGREED"
LONG = " many words" * 250
"""Too long to travel inline, so that orchestrators see a reference to it."""
SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "n": {"type": "integer"}, "items": {"type": "array"}},
    "required": ["ok", "n", "items"],
}
"""The output schema of agents whose answers conditions look at."""
RETRYABLE = frozenset({Code.MODEL_UNREACHABLE, Code.MODEL_RATE_LIMITED, Code.MODEL_BAD_ANSWER, Code.TOOL_FAILED})
MOST_RETRIES = 2
"""Times that a human has a failed step tried again."""


def number(*about: str | int) -> int:
    """As good as random, and the same each time."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, about)).encode()).digest()[:6])


def odd(*about: str | int) -> timedelta:
    """Less than a second, and hardly ever the same."""
    return timedelta(microseconds=1 + number(*about) % 999_983)


@dataclass(frozen=True)
class Does:
    """What a model or a tool does with one attempt: it answers after whole `seconds`, or fails."""

    seconds: int = 1
    error: Code | None = None
    retry_after: float | None = None
    misfits: bool = False
    """Where a schema is asked for, the answer does not satisfy it."""
    n: int = 0
    """Decides what the answer says."""
    long: bool = False

    def problem(self) -> Problem:
        return problem(self.error or Code.MODEL_BAD_ANSWER, self.retry_after)


@dataclass(frozen=True)
class Human:
    """Chooses an option after whole `seconds`; None: never, where the question has a deadline."""

    choice: int = 0
    seconds: int | None = 1


@dataclass(frozen=True)
class Script:
    calls: Sequence[Does] = (Does(),)
    humans: Sequence[Human] = (Human(),)
    periods: Sequence[int] = (5,)
    """Seconds between the events of one name that are sent to the execution."""
    deaf: bool = False
    """Answers do not depend on what was asked: for a world that asks in words of its own."""

    def call(self, key: str, attempt: int, *, tool: bool) -> Does:
        does = self.calls[number("call", key, attempt) % len(self.calls)]
        if tool and does.error is not None:
            return Does(does.seconds, Code.TOOL_FAILED, n=does.n)
        return does

    def lasts(self, key: str, attempt: int, does: Does) -> timedelta:
        return timedelta(seconds=does.seconds) + odd("lasts", key, attempt)

    def answer(self, does: Does, key: str, asked: str, schema: dict[str, Any] | None) -> Json:
        """Depends on all that was asked, so that an answer tells whether the right thing was asked."""
        padding = LONG if does.long else ""
        about = "something" if self.deaf else f"{number(asked):x}"
        text = f"{key} on {about}{f' {AGREED}' if does.n % 3 == 2 else ''}{padding}"
        if schema is None:
            return text
        if "pass_to" in schema["properties"]:
            choices = schema["properties"]["pass_to"]["enum"]
            return {"pass_to": choices[does.n % len(choices)], "reason": "why not", "answer": text}
        return {"ok": does.n % 2 == 0, "n": does.n, "items": [f"{i}{padding}" for i in range(does.n % 4)], "said": text}

    def decision(self, key: str, options: Sequence[str], *, must: bool) -> tuple[str, timedelta] | None:
        """What a human decides and how long that takes; None: nothing. A step is not tried again without end."""
        human = self.humans[number("human", key) % len(self.humans)]
        _, failure, times = key.rpartition("?failure")
        if failure and int(times) >= MOST_RETRIES:
            return options[1 + human.choice % 2], timedelta(seconds=1) + odd("decides", key)
        if human.seconds is None and not must:
            return None
        return options[human.choice % len(options)], timedelta(seconds=human.seconds or 1) + odd("decides", key)

    def signals(self, name: str) -> Iterator[datetime]:
        """When events of this name are sent, without end."""
        period = timedelta(seconds=self.periods[number("signal", name) % len(self.periods)]) + odd("period", name)
        moment = BEGIN
        while True:
            moment += period
            yield moment


def problem(code: Code, retry_after: float | None = None) -> Problem:
    return Problem(
        code=code, message="The script says so.", action="None.", fault=Fault.MODEL,
        retryable=code in RETRYABLE, retry_after=retry_after,
    )  # fmt: skip


def request(task: str, turns: Sequence[tuple[str, str]] = (), rejected: str | None = None) -> str:
    """All that a model is told, in one text."""
    said = [f"{who}: {words}" for who, words in turns]
    return " | ".join([task, *said, *([f"not: {rejected}"] if rejected else [])])


def signal(name: str) -> Json:
    """What comes with an event of this name."""
    return {"sent": name}


def misfit(key: str) -> str:
    """An answer that satisfies no schema."""
    return f"{key} says something else"


def tokens(does: Does) -> int:
    """What an answered call uses."""
    return 10 + does.n
