"""The commands put together, and the one place where what went wrong becomes words and an exit code."""

from __future__ import annotations

import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from meta_agents.cli import (
    approvals,
    budgets,
    bundling,
    comparing,
    controlling,
    datasets,
    definitions,
    evaluating,
    executing,
    forking,
    keeping,
    library,
    models,
    prompting,
    replaying,
    scheduling,
    showing,
    testing,
    tooling,
    using,
)
from meta_agents.cli.context import console
from meta_agents.cli.exits import code_of_error, show_error
from meta_agents.errors import MetaAgentsError
from meta_agents.settings import DEFAULT_URL
from meta_agents.wire import client_version

_EPILOG = (
    "Exit codes: 0 completed, 1 execution failed, 2 bad input, 3 not found, 4 unauthenticated, 5 unreachable, "
    "6 canceled, 130 interrupted (the execution goes on)."
)


class _Commands(TyperGroup):
    """Says errors in plain words, never as a traceback."""

    # `Any`: Typer's own context class has no public name that this could be declared with.
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except MetaAgentsError as error:
            show_error(console(error=True), error)
            raise typer.Exit(code_of_error(error)) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"meta-agents {client_version()}")
        raise typer.Exit


@app.callback(epilog=_EPILOG)
def _options(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(envvar="META_AGENTS_URL", help=f"Where the app runs; {DEFAULT_URL} if unset."),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run teams of LLM agents as durable workflows, and watch them.

    The token is META_AGENTS_TOKEN; for an app on this machine, else the file .local/token (or $STATE_DIR/token).
    """
    context.obj = url


app.command()(executing.run)
app.command()(executing.watch)
app.command()(definitions.apply)
app.command("list")(showing.list_things)
app.command()(showing.get)
app.command()(definitions.lint)
app.command("test")(testing.play)
app.command()(controlling.pause)
app.command()(controlling.resume)
app.command()(controlling.cancel)
app.command()(executing.retry)
app.command()(forking.fork)
app.command()(replaying.replay)
app.command()(controlling.send)
app.command()(approvals.approvals)
app.command()(approvals.approve)
app.command()(approvals.reject)
app.command()(approvals.decide)
app.command()(comparing.diff)
app.command("export")(bundling.export_one)
app.command("import")(bundling.import_one)
app.command()(definitions.delete)
app.command()(keeping.retention)
app.command()(keeping.hold)
app.command()(keeping.release)
app.command()(keeping.purge)
app.command()(prompting.uses)
app.add_typer(prompting.app, name="prompt")
app.add_typer(datasets.app, name="dataset")
app.add_typer(evaluating.app, name="eval")
app.command()(using.usage)
app.add_typer(scheduling.app, name="schedule")
app.add_typer(tooling.app, name="tool")
app.add_typer(budgets.app, name="budget")
app.add_typer(models.app, name="model")
app.add_typer(library.app, name="library")


def main() -> None:
    """The `meta-agents` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a symbol shows another; it does not stop us.
            stream.reconfigure(errors="replace")
    app(prog_name="meta-agents")
