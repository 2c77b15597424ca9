"""`pause`, `resume`, `cancel` and `send`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.executing import Id, IdempotencyKey
from meta_agents.cli.inputs import read_value
from meta_agents.live import State, reduce
from meta_agents.live.lines import narrate
from meta_agents.results import Execution
from meta_agents.synchronous.client import Client


def pause(context: typer.Context, execution: Id, as_json: AsJson = False) -> None:
    """Begin nothing more of an execution until it is resumed; what is under way ends, and is kept."""
    with client_of(context) as client:
        _say(client.executions.pause(execution), as_json, "To go on: meta-agents resume {}")


def resume(context: typer.Context, execution: Id, as_json: AsJson = False) -> None:
    """Go on with a paused execution where it was."""
    with client_of(context) as client:
        _say(client.executions.resume(execution), as_json, "Watch it: meta-agents watch {}")


def cancel(
    context: typer.Context,
    execution: Id,
    wait: Annotated[int, typer.Option(min=0, max=60, metavar="SECONDS", help="How long to wait for its end.")] = 10,
    as_json: AsJson = False,
) -> None:
    """End an execution: calls under way are broken off, finished work is kept. Says what was ended."""
    with client_of(context) as client:
        record = client.executions.cancel(execution, wait=wait or None)
        ended = _ended_by_cancel(client, execution) if record.is_ended and not as_json else ()
        if record.is_ended:
            _say(record, as_json, "To go on from what was finished: meta-agents retry {}", ended)
        else:
            _say(record, as_json, "What is under way is still ending. Watch it: meta-agents watch {}")


def send(
    context: typer.Context,
    execution: Id,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="The name that a `wait` step waits for.", show_default=False)
    ],
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE|@FILE|-", help="What comes with it: JSON, or else text.", show_default=False),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Send an event to the step of an execution that waits for it, or will."""
    given = None if value is None else read_value(value)
    with client_of(context) as client:
        sent = client.executions.send(execution, event, given, idempotency_key=idempotency_key)
    if as_json:
        print_json(sent.as_sent())
    else:
        say(f"{execution}  sent {event}")


def _say(record: Execution, as_json: bool, hint: str, more: Iterable[Text] = ()) -> None:
    """The record; or its status, more about it, and on standard error what can be done next."""
    if as_json:
        print_json(record.as_sent())
        return
    say(f"{record.id}  {record.status}")
    out = console()
    for line in more:
        out.print(line, soft_wrap=True)
    console(error=True).print(Text(hint.format(record.id)), soft_wrap=True)


def _ended_by_cancel(client: Client, execution: str) -> Iterator[Text]:
    """What the log tells from the cancel on."""
    state, canceling, after = State(execution=execution), False, 0
    while True:
        page = client.executions.events(execution, after)
        for event in page.events:
            state = reduce(state, event)
            told = narrate(state, event) if canceling else None
            if told is not None:
                yield told
            canceling = canceling or event.type == "execution.cancel_requested"
        if page.ended or not page.events:
            return
        after = page.next
