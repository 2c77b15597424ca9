"""Serves one app in this process until told to stop, and tells the developer about it."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from datetime import datetime

import uvloop

from devhost.console import Paint, set_up_logging, table
from devhost.host import Host, HostOptions
from devhost.keys import keys_file
from devhost.loader import AppImportError
from devhost.page.files import PATH
from devhost.process import EXIT_FAILED, end_at_once, end_of_parent, first_of, say_stopping
from devhost.tracebacks import user_traceback

_NEW_OBJECTS = 10_000
"""Between two looks of the collector. Python's own 700 is soon reached by JSON and models that live for one step."""


def serve(options: HostOptions, parent: int | None, *, verbose: bool) -> int:
    """Load the app and serve it; returns the exit code. Raises `StartupError`, the user's traceback already printed."""
    set_up_logging(verbose=verbose)
    try:
        # uvloop: much of what this host does is hand results from one thread's or socket's callback to another's.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(Host.load(options), options, parent))
    except AppImportError as error:
        if error.__cause__ is not None:
            print(user_traceback(error.__cause__), file=sys.stderr)
        raise


async def _serve(host: Host, options: HostOptions, parent: int | None) -> int:
    """Serve until told to stop, until `parent` has ended or the engine has failed."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGINT, _interrupted, stopped)
    _settle_memory()
    async with host.serving():
        _announce(host, options)
        await first_of(stopped.wait(), host.engine.failed.wait(), *([end_of_parent(parent)] if parent else []))
    # A host without its engine would take requests and never work on them: whoever runs it shall see it end.
    return EXIT_FAILED if host.engine.failed.is_set() else 0


def _settle_memory() -> None:
    """The code and the app that were loaded stay for good: have the garbage collector look at them no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)


def _interrupted(stopped: asyncio.Event) -> None:
    if stopped.is_set():
        end_at_once()
    say_stopping()
    stopped.set()


def _announce(host: Host, options: HostOptions) -> None:
    paint = Paint(sys.stdout)
    print("\n".join(["", *table(host.functions, host.routes.urls(host.url), _due(host), paint)]))
    print(f"Page   {paint(f'{host.url}{PATH}', '36')}{'?code= and the master key' if options.keys else ''}")
    print(f"State  {options.state}")
    if options.keys:
        print(f"Keys   {keys_file(options.state)}")
    print(f"devhost ready: {host.url}", flush=True)


def _due(host: Host) -> dict[str, datetime]:
    occurrences = ((function.name, host.triggers.timers.next_occurrence(function.name)) for function in host.functions)
    return {name: due for name, due in occurrences if due is not None}
