"""`test`: the player of tests belongs to the app, so this finds an app's checkout and has it play."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.exits import BadInput

_PLAYER = Path("kit") / "__main__.py"
_PYTHONS = (Path(".venv/bin/python"), Path(".venv/Scripts/python.exe"))


def play(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Test files, workflows, or folders of them.", show_default=False),
    ],
    words: Annotated[
        str, typer.Option("-k", metavar="WORDS", help="Only cases whose file or name has these words.")
    ] = "",
    first: Annotated[bool, typer.Option("-x", help="Stop at the first that fails.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit's XML, too.")
    ] = None,
    app: Annotated[
        Path | None,
        typer.Option("--app", metavar="FOLDER", help="The app's checkout, if it is not around here."),
    ] = None,
) -> None:
    """Play the tests that lie beside workflows, over the real engine and in virtual time; no model is called."""
    checkout = _checkout(app)
    python = next((checkout / path for path in _PYTHONS if (checkout / path).exists()), Path(sys.executable))
    options = [f"-k={words}", *(["-x"] if first else []), *([f"--junit={junit}"] if junit else [])]
    # Isolated from the folder it is called in, whose names may be those of the app's rooms.
    command = [str(python), "-P", "-m", "kit", *options, "--", *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONUTF8": "1"}
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


def _checkout(given: Path | None) -> Path:
    """The folder of the app: the one given, or one around the working directory or this package."""
    here = [Path.cwd(), Path(__file__).resolve().parent]
    candidates = [given] if given else [folder for start in here for folder in (start, *start.parents)]
    for folder in candidates:
        if (folder / _PLAYER).is_file():
            return folder.resolve()
    where = f"{given} is no checkout" if given else "There is no checkout"
    message = f"{where} of the app, whose engine plays the tests."
    raise BadInput(message, "Name the folder of a clone of Meta-Agents with `--app`.")
