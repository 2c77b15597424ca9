"""`retention`, `hold`, `release` and `purge`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.executing import Id
from meta_agents.cli.exits import ExitCode
from meta_agents.results import Execution, Json, Purged
from meta_agents.synchronous.client import Client

FOR_EVER = "forever"


def retention(
    context: typer.Context,
    completed: Annotated[
        str | None, typer.Option(metavar="DAYS|forever", help="Keep completed executions so long.")
    ] = None,
    failed: Annotated[str | None, typer.Option(metavar="DAYS|forever", help="Keep failed ones so long.")] = None,
    canceled: Annotated[str | None, typer.Option(metavar="DAYS|forever", help="Keep canceled ones so long.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how long executions are kept after their end, or change what is given."""
    given = {"completed": completed, "failed": failed, "canceled": canceled}
    changes = {status: _duration(text) for status, text in given.items() if text is not None}
    with client_of(context) as client:
        stored = client.retention.get()
        if changes:
            # Only over what was read: of two who change it at the same time, the second is told.
            policy = {**stored.policy.as_sent(), **changes}
            stored = client.retention.put(policy, if_match=stored.etag, create_only=stored.etag is None)
    if as_json:
        print_json(stored.as_sent())
        return
    for status in given:
        say(f"{status:<9}  {_shown(getattr(stored.policy, status))}")


def hold(
    context: typer.Context,
    execution: Id,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why it must not be purged.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Keep an execution from being purged, until it is released."""
    with client_of(context) as client:
        _say(client.executions.hold(execution, reason), "on hold", as_json)


def release(context: typer.Context, execution: Id, as_json: AsJson = False) -> None:
    """Let an execution that was on hold be purged again."""
    with client_of(context) as client:
        _say(client.executions.release(execution), "not on hold", as_json)


def purge(
    context: typer.Context,
    execution: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this execution, whatever the policy says.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove the executions that are due, or one that has ended, with all they left. There is no way back."""
    with client_of(context) as client:
        if execution is None:
            purged = _purge_all(client)
        else:
            client.executions.delete(execution)
            purged = Purged(purged=1)
    if as_json:
        print_json(purged.model_dump(mode="json"))
    else:
        say(_told(purged))
    if purged.failed:
        console(error=True).print(f"{purged.failed} could not be removed whole; the next purge goes on with them.")
        raise typer.Exit(ExitCode.UNREACHABLE)


def _purge_all(client: Client) -> Purged:
    """Batch after batch, until nothing more is due or nothing more can be removed."""
    purged = 0
    while True:
        batch = client.retention.purge()
        purged += batch.purged
        if not batch.more or not batch.purged:
            return batch.model_copy(update={"purged": purged})


def _told(purged: Purged) -> str:
    kept = [(purged.held, "on hold"), (purged.in_use, "still needed by a retry")]
    parts = [f"kept {number} {why}" for number, why in kept if number]
    return ", ".join([f"purged {purged.purged}", *parts])


def _say(record: Execution, state: str, as_json: bool) -> None:
    if as_json:
        print_json(record.as_sent())
    else:
        why = f": {record.hold.reason}" if record.hold else ""
        say(f"{record.id}  {state}{why}")


def _duration(text: str) -> Json:
    """What the API takes for it; what is neither days nor for ever is for the API to judge."""
    if text == FOR_EVER:
        return None
    return f"P{text}D" if text.isdecimal() else text


def _shown(keep: timedelta | None) -> str:
    return "for ever" if keep is None else str(keep).removesuffix(", 0:00:00")
