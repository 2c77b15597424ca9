"""This process: how it ends, and what else may end it. Imports next to nothing, so that it is there before the app."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine

EXIT_FAILED = 1
EXIT_STARTUP = 2
_EXIT_INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C has ended
_PARENT_SECONDS = 0.5


def end_on_interrupt() -> None:
    """Let Ctrl-C end the process where it stands: no traceback out of the middle of an import."""
    signal.signal(signal.SIGINT, lambda _number, _frame: end_at_once())


def end_at_once() -> None:
    """End here and now. Nothing is lost by it: what counts is in the state file."""
    os.write(2, b"\n")  # the prompt goes below the ^C
    os._exit(_EXIT_INTERRUPTED)


def exit_process(code: int) -> None:
    """End the process although user code may still run in the pool: Python would wait for it, maybe for ever.

    Nothing is lost by it: what such a thread was doing for an orchestration is done again at the next start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.is_alive() and thread.name.startswith("function") for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


def say_stopping() -> None:
    print(" Stopping. Ctrl-C again ends at once; nothing durable is lost.", file=sys.stderr, flush=True)


async def first_of(*waits: Coroutine[object, object, object]) -> None:
    """Return when one of them has, and cancel the others."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def end_of_parent(parent: int) -> None:
    """Return once `parent`, the process that started this one, has ended, however that came."""
    while os.getppid() == parent:  # noqa: ASYNC110 - a process has no event to wait for
        await asyncio.sleep(_PARENT_SECONDS)
