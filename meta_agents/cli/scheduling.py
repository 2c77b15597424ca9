"""`schedule` and what follows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from meta_agents.cli.checking import located
from meta_agents.cli.context import AsJson, client_of, console, print_json, print_text, say
from meta_agents.cli.documents import Document, read_documents, to_yaml
from meta_agents.cli.executing import Detach, see_through
from meta_agents.cli.exits import BadInput
from meta_agents.cli.inputs import read_input
from meta_agents.cli.tables import table_of
from meta_agents.errors import ApiError
from meta_agents.live.style import clock, one_line
from meta_agents.results import Json, ScheduleSummary, StoredSchedule
from meta_agents.synchronous.client import Client

app = typer.Typer(help="Start workflows by the clock.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@app.command("list")
def list_schedules(context: typer.Context, as_json: AsJson = False) -> None:
    """List schedules by name, with the next time of each and what came of the last one."""
    with client_of(context) as client:
        rows = list(client.schedules.list())
    if as_json:
        print_json([row.as_sent() for row in rows])
    else:
        console().print(_table(rows))


@app.command("set")
def set_schedule(
    context: typer.Context,
    name: Name,
    workflow: Annotated[
        str, typer.Argument(metavar="WORKFLOW", help="A workflow's name, or name@version.", show_default=False)
    ],
    cron: Annotated[
        str,
        typer.Argument(
            metavar="CRON",
            help='In quotes: minute, hour, day of the month, month, day of the week, such as "30 7 * * MON-FRI".',
            show_default=False,
        ),
    ],
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="An IANA name, such as Europe/Berlin.")] = "UTC",
    given: Annotated[
        str | None, typer.Option("--input", metavar="JSON|@FILE|-", help="The input; - reads standard input.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE|KEY=@FILE", help="One value of the input; may be repeated."),
    ] = None,
    catch_up: Annotated[str, typer.Option(metavar="skip|last|all", help="What to do about missed times.")] = "last",
) -> None:
    """Make a schedule, or put another in its place (files can say more: `schedule apply`)."""
    schedule: dict[str, Json] = {"name": name, "workflow": workflow, "cron": cron, "time_zone": time_zone}
    schedule |= {"input": read_input(given, settings or ()), "catch_up": catch_up}
    with client_of(context) as client:
        _say("set", client.schedules.put(schedule))


@app.command()
def apply(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="YAML or JSON files, or folders of them.", show_default=False),
    ],
) -> None:
    """Keep schedules from files, one after the other."""
    documents = read_documents(files)
    strange = [document.place("") for document in documents if not _is_schedule(document.content)]
    if strange or not documents:
        raise BadInput(
            "Not every document is a schedule." if strange else "The files hold no schedule.",
            "A schedule has `name`, `workflow` and `cron`; nothing was sent.",
            tuple(strange),
        )
    with client_of(context) as client:
        for document in documents:
            _say("set", _put(client, document))


@app.command()
def get(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a schedule as YAML that `schedule apply` takes."""
    with client_of(context) as client:
        stored = client.schedules.get(name)
    if as_json:
        print_json(stored.as_sent())
        return
    say(f"# next: {_next(stored)}")
    if stored.last_due is not None:
        error = stored.last_error
        what = f"started {stored.last_execution}" if error is None else f"failed: {error.message}"
        say(f"# {_local(stored.last_due, _zone_of(stored))}: {one_line(what)}")
    print_text(to_yaml(stored.definition))


@app.command("next")
def next_times(
    context: typer.Context,
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Say when it is due next, in its time zone and in UTC."""
    with client_of(context) as client:
        found = client.schedules.next(name, count)
    if as_json:
        print_json(found.as_sent())
        return
    for time in found.times:
        say(f"{_local(time, found.time_zone)}  {clock(time)}")


@app.command()
def pause(context: typer.Context, name: Name) -> None:
    """Start nothing until it is resumed."""
    with client_of(context) as client:
        _say("paused", client.schedules.pause(name))


@app.command()
def resume(context: typer.Context, name: Name) -> None:
    """Go on with the next time from now."""
    with client_of(context) as client:
        _say("resumed", client.schedules.resume(name))


@app.command()
def run(context: typer.Context, name: Name, detach: Detach = False, as_json: AsJson = False) -> None:
    """Start an execution now, and show it live."""
    with client_of(context) as client:
        see_through(client, client.schedules.run(name), detach=detach, as_json=as_json)


@app.command()
def delete(context: typer.Context, name: Name) -> None:
    """Delete it; executions that it started go on."""
    with client_of(context) as client:
        client.schedules.delete(name)
    say(f"deleted  schedule  {name}")


def _put(client: Client, document: Document) -> StoredSchedule:
    try:
        return client.schedules.put(document.content)
    except ApiError as error:
        if not error.details:
            raise
        places = tuple(map(str, located(document, error.details)))
        raise BadInput(error.message, error.action, places) from error


def _is_schedule(content: Json) -> bool:
    return isinstance(content, dict) and "cron" in content and isinstance(content.get("name"), str)


def _say(what: str, stored: StoredSchedule) -> None:
    say(f"{what}  schedule  {stored.definition['name']}  next: {_next(stored)}")


def _table(rows: Iterable[ScheduleSummary]) -> Table:
    table = table_of("NAME", "WORKFLOW", "CRON", "TIME ZONE", "NEXT", "LAST")
    for row in rows:
        last = row.last_execution if row.last_error is None else f"failed: {row.last_error.message}"
        cells = (row.name, row.workflow, row.cron, row.time_zone, _next(row), last or "")
        table.add_row(*cells)
    return table


def _next(schedule: ScheduleSummary | StoredSchedule) -> str:
    if schedule.paused:
        return "paused"
    return "none" if schedule.next is None else _local(schedule.next, _zone_of(schedule))


def _zone_of(schedule: ScheduleSummary | StoredSchedule) -> str:
    if isinstance(schedule, ScheduleSummary):
        return schedule.time_zone
    return str(schedule.definition.get("time_zone", "UTC"))


def _local(time: datetime, zone: str) -> str:
    """As the clock there shows it."""
    try:
        return f"{time.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"
    except (LookupError, ValueError, OSError):  # this machine knows fewer zones than the server
        return clock(time)
