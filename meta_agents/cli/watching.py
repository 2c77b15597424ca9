"""Watching an execution to its end, and saying how it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from meta_agents.cli.context import console, print_json, print_text
from meta_agents.cli.exits import ExitCode, code_of_status
from meta_agents.live import LiveView, State
from meta_agents.live.control_lines import NEEDS_SOMEBODY
from meta_agents.live.lines import narrate
from meta_agents.live.style import shown
from meta_agents.results import Delta, Event, Execution
from meta_agents.synchronous.client import Client

_SHOWN_WHOLE = {"call.completed", "call.failed", "call.asked", "approval.requested"}
_RECORD_TRIES = 50
_RECORD_WAIT = 0.1
"""Seconds between looks at a record that has not yet caught up with its log."""


def watch_live(client: Client, execution: str, out: Console) -> Execution:
    """Show progress until the end; the ended record."""
    with _leaving_it_to_go_on(execution), LiveView(out, execution=execution) as view:
        following = client.executions.follow(
            execution, on_lost=lambda _: view.note("The connection was lost; trying again …")
        )
        for item in following:
            view.feed(item if isinstance(item, Delta) else _whole(client, execution, item))
        return _ended_record(client, execution)


def watch_as_json(client: Client, execution: str) -> Execution:
    """Print each event as one line of JSON; the ended record."""
    with _leaving_it_to_go_on(execution):
        for item in client.executions.follow(execution):
            if not isinstance(item, Delta):
                print_json(item.as_sent(), indent=None)
        return _ended_record(client, execution)


def watch_silently(client: Client, execution: str, progress: Console) -> Execution:
    """Wait for the end, saying only what somebody has to do for it; the ended record."""
    state = State(execution=execution)
    with _leaving_it_to_go_on(execution):
        for item in client.executions.follow(execution):
            if isinstance(item, Delta) or item.type not in NEEDS_SOMEBODY:
                continue
            said = narrate(state, _whole(client, execution, item))
            if said is not None:
                progress.print(said, soft_wrap=True)
        return _ended_record(client, execution)


def conclude(ended: Execution, progress: Console, *, print_output: bool = False) -> ExitCode:
    """Print the output if asked, or what can be done about a failure; the exit code."""
    code = code_of_status(ended.status)
    if code is ExitCode.COMPLETED:
        if print_output:
            _print_output(ended, progress)
    else:
        progress.print(Text(f"To go on from what was finished: meta-agents retry {ended.id}"), soft_wrap=True)
    return code


def _print_output(ended: Execution, progress: Console) -> None:
    out = console()
    if out.is_terminal:
        progress.rule("output")
        out.print(Text(shown(ended.output)))
    else:
        # A file or a program gets it as it is.
        raw = ended.output if isinstance(ended.output, str) else json.dumps(ended.output, indent=2, ensure_ascii=False)
        print_text(raw)


@contextmanager
def _leaving_it_to_go_on(execution: str) -> Iterator[None]:
    """Ctrl-C ends the watching alone, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        message = f"\nThe execution goes on. Watch it: meta-agents watch {execution}"
        console(error=True).print(Text(message), soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _whole(client: Client, execution: str, event: Event) -> Event:
    """The event with its payload, if that is to be shown and was kept apart because of its size."""
    if event.artifact is None or event.type not in _SHOWN_WHOLE:
        return event
    return event.model_copy(update={"value": client.executions.value(execution, event)})


def _ended_record(client: Client, execution: str) -> Execution:
    """The record, which is written after the last event and may be a moment behind it."""
    record = client.executions.get(execution)
    for _ in range(_RECORD_TRIES):
        if record.is_ended:
            break
        time.sleep(_RECORD_WAIT)
        record = client.executions.get(execution)
    return record
