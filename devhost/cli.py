"""`python -m devhost`: serve a function app until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path

from devhost.errors import StartupError
from devhost.functions import Function
from devhost.host import Host, HostOptions
from devhost.invocation import user_traceback
from devhost.loader import AppImportError
from devhost.timers.service import Timers

EXIT_FAILED = 1
EXIT_STARTUP = 2
_PARENT_SECONDS = 0.5
_QUIET = ("aiohttp", "asyncio", "azure", "httpcore", "httpx", "openai", "uvicorn", "websockets")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 after a stop, 1 after a failure, 2 for no start."""
    parsed = _parser().parse_args(arguments)
    _set_up_logging(verbose=parsed.verbose)
    try:
        host = Host.load(HostOptions(parsed.app, parsed.state, parsed.host, parsed.port))
        return asyncio.run(_serve(host, parsed.with_parent))
    except StartupError as error:
        if isinstance(error, AppImportError) and error.__cause__ is not None:
            print(user_traceback(error.__cause__), file=sys.stderr)
        print(f"devhost: {error}", file=sys.stderr)
        return EXIT_STARTUP


def exit_process(code: int) -> None:
    """End the process although user code may still run in the pool: Python would wait for it, maybe for ever.

    Nothing is lost by it: what such a thread was doing for an orchestration is done again at the next start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.is_alive() and thread.name.startswith("function") for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


async def _serve(host: Host, parent: int | None) -> int:
    """Serve until told to stop, until `parent` has ended or the engine has failed; returns the exit code."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with host.serving():
        print("\n".join(_table(host)))
        print(f"devhost ready: {host.url}", flush=True)
        await _first_of(stopped.wait(), host.engine.failed.wait(), *([_end_of(parent)] if parent else []))
    # A host without its engine would take requests and never work on them: whoever runs it shall see it end.
    return EXIT_FAILED if host.engine.failed.is_set() else 0


async def _first_of(*waits: Coroutine[object, object, object]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _end_of(parent: int) -> None:
    """Return once `parent`, the process that started this one, has ended, however that came."""
    while os.getppid() == parent:  # noqa: ASYNC110 - a process has no event to wait for
        await asyncio.sleep(_PARENT_SECONDS)


def _table(host: Host) -> list[str]:
    """The start-up listing: each function with what reaches it, then what is not served and why."""
    served = [function for function in host.functions if function.unserved is None]
    width = max((len(function.name) for function in host.functions), default=0)
    urls = host.routes.urls(host.url)
    lines = [f"  {function.name:<{width}}  {_reached_by(function, urls, host.timers)}" for function in served]
    warnings = [
        f"  {function.name:<{width}}  WARNING: {function.unserved}" for function in host.functions if function.unserved
    ]
    return ["", "Functions:", *lines, *warnings, ""]


def _reached_by(function: Function, urls: dict[str, str], timers: Timers) -> str:
    if function.name in urls:
        return f"[{','.join(function.methods) or 'ANY'}] {urls[function.name]}"
    if due := timers.next_occurrence(function.name):
        return f"{function.trigger.type} '{function.trigger.text('schedule')}', next {due:%Y-%m-%d %H:%M:%S %Z}"
    return f"{function.trigger.type} '{function.durable_name}'"


def _set_up_logging(*, verbose: bool) -> None:
    # Everything after start-up goes to stderr, so that a parent which reads only stdout never blocks the host.
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("devhost").setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.ERROR)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devhost", description="Serve an Azure Functions app (Python v2 model) with durable state in one file."
    )
    parser.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py (default: here)")
    parser.add_argument("--port", type=int, default=7071, help="port to listen on, 0 for a free one (default: 7071)")
    parser.add_argument("--state", type=Path, required=True, help="file that keeps orchestrations and entities")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="stop when this process, our parent, has ended")
    parser.add_argument("--verbose", action="store_true", help="also log each orchestrator turn and library messages")
    return parser
