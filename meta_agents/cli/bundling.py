"""`export` and `import`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.exits import BadInput

_STREAM = Path("-")

Id = Annotated[str, typer.Argument(metavar="ID", help="An execution's id.", show_default=False)]


def export_one(
    context: typer.Context,
    execution: Id,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; a name that ends in .zip makes a zip.")
    ] = _STREAM,
    zipped: Annotated[bool, typer.Option("--zip", help="A zip, whatever the name.")] = False,
) -> None:
    """Write an execution down as one document: its definitions, its input, its whole log, what it cost."""
    zipped = zipped or output.suffix.lower() == ".zip"
    if output == _STREAM and zipped and sys.stdout.isatty():
        raise BadInput("A zip is nothing for a terminal.", "Name a file: `-o FILE`.")
    with client_of(context) as client:
        bundle = client.executions.export(execution, zipped=zipped)
    if output == _STREAM:
        typer.echo(bundle, nl=not zipped)
        return
    _write(output, bundle)
    console(error=True).print(f"{output}  {len(bundle):,} bytes", soft_wrap=True)


def import_one(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `export` wrote; - reads standard input.", show_default=False)
    ],
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key and file again is the same execution.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take in an exported execution, to look at, compare, or retry; a new id."""
    bundle = read_bundle(file)
    with client_of(context) as client:
        record = client.executions.import_bundle(bundle, idempotency_key=idempotency_key)
    if as_json:
        print_json(record.as_sent())
    else:
        say(f"{record.id}  {record.status}  imported from {record.imported_from}")


def read_bundle(file: Path) -> bytes:
    """What `export` wrote; `-` is standard input. Raises `BadInput`."""
    try:
        return sys.stdin.buffer.read() if file == _STREAM else file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", "Check the path.") from error


def _write(file: Path, content: bytes) -> None:
    """All of it or nothing: what was there before stays until the whole is on disk."""
    try:
        if file.exists() and not file.is_file():  # a device or a pipe
            file.write_bytes(content)
            return
        file = file.resolve()
        with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as unfinished:
            unfinished.write(content)
            unfinished.flush()
            os.fsync(unfinished.fileno())
        Path(unfinished.name).replace(file)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}.", "Check the path.") from error
