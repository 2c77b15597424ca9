"""One line in the log for each invocation: how it ended, how long it took, which function, and for whom."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("devhost")

LINE = "%-6s %7s  %s"  # outcome, duration, function and subject


class ResponseBroken(Exception):
    """Has the server break off a response that has begun. Why is in the log already."""


def report(outcome: str, started: float, function: str, subject: str = "", failure: str = "") -> None:
    """Report an invocation that began at `started`, a reading of `time.perf_counter`.

    `outcome` is an HTTP status or a short word, `subject` what tells this invocation from others of the function,
    `failure` the traceback of the user's code.
    """
    level = logging.ERROR if failure else logging.INFO
    if not log.isEnabledFor(level):
        return
    what = f"{function}  {_one_line(subject)}" if subject else function
    message, arguments = LINE, [outcome, _lasted(time.perf_counter() - started), what]
    if failure:
        message, arguments = f"{LINE}\n%s", [*arguments, failure]
    # Not `log.info`: it would search the stack for a caller that nobody shows, at half of what the line costs.
    log.handle(log.makeRecord(log.name, level, __file__, 0, message, tuple(arguments), None))


def _one_line(text: str) -> str:
    """What came from outside must neither begin a line of its own nor steer the terminal."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _lasted(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
