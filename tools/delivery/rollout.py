"""Brings a package to an app, and takes it back if that is not well: `python -m tools.delivery.rollout PACKAGE …`.

The package that runs is kept first, and the new one beside it. Then: publish, gate, smoke test. When one of them fails,
the kept one is published again and must pass the gate; the exit code is 1 all the same. META_AGENTS_TOKEN is the app's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import zipfile
from pathlib import Path

from meta_agents import Client
from tools.delivery.azure import UNNAMED, App, DeliveryError
from tools.delivery.gate import Patience, add_patience, build_of, pass_gate, patience_of
from tools.delivery.publish import publish
from tools.delivery.rollback import add_app_arguments, roll_back
from tools.delivery.smoke import smoke


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Bring a package to an app, and take it back if that is not well.")
    parser.add_argument("package", type=Path)
    add_app_arguments(parser)
    parser.add_argument("--model", action="store_true", help="the smoke test asks the default model once")
    add_patience(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    patience = patience_of(options)
    with Client(options.url, os.environ["META_AGENTS_TOKEN"]) as client:
        try:
            app = App.find(options.resource_group, options.app)
            before = prepare(app, client, options.package, patience)
        except DeliveryError as error:
            print(f"rollout: nothing was changed. {error}", file=sys.stderr)
            return 1
        try:
            publish(app, options.package)
            pass_gate(client, build_in(options.package), patience)
            smoke(client, model=options.model)
        except DeliveryError as error:
            print(f"rollout: {error}", file=sys.stderr)
            return take_back(app, client, before, patience)
    print(f"rollout: {build_in(options.package)} runs, before it {before or 'nothing'}")
    return 0


def prepare(app: App, client: Client, package: Path, patience: Patience) -> str | None:
    """Keep what runs and what shall run. Returns the build to go back to; None: nothing runs yet."""
    before = build_of(client, patience)
    # One without a name may be another than the one that was kept.
    if before == UNNAMED or (before is not None and not app.has_kept(before)):
        with tempfile.TemporaryDirectory() as folder:
            running = Path(folder, "running.zip")
            app.fetch_running(running)
            app.keep(before, running)
    app.keep(build_in(package), package)
    print(f"rollout: {before or 'nothing'} runs and is kept; {build_in(package)} follows by {app.strategy}")
    return before


def take_back(app: App, client: Client, before: str | None, patience: Patience) -> int:
    """Always 1: a rollout that was taken back has failed."""
    if before is None:
        print("rollout: nothing ran before, so there is nothing to go back to", file=sys.stderr)
        return 1
    try:
        roll_back(app, client, before, patience)
    except DeliveryError as error:
        print(f"rollout: and it could not be taken back: {error}", file=sys.stderr)
    return 1


def build_in(package: Path) -> str:
    """The build that a package says it is. Raises `DeliveryError` when it says none."""
    try:
        with zipfile.ZipFile(package) as archive:
            return archive.read("build.txt").decode().strip()
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise DeliveryError(f"{package} is no package of `python -m tools.delivery.package`: {error}") from error


if __name__ == "__main__":
    raise SystemExit(main())
