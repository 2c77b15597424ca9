"""Brings a package back that ran before: `python -m tools.delivery.rollback BUILD …`; META_AGENTS_TOKEN is the token.

Every rollout keeps its package in the container `deployments`, as `kept/BUILD.zip`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from meta_agents import Client
from tools.delivery.azure import App, DeliveryError
from tools.delivery.gate import Patience, add_patience, pass_gate, patience_of
from tools.delivery.publish import publish


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Bring a package back that ran before.")
    parser.add_argument("build")
    add_app_arguments(parser)
    add_patience(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    with Client(options.url, os.environ["META_AGENTS_TOKEN"]) as client:
        try:
            roll_back(App.find(options.resource_group, options.app), client, options.build, patience_of(options))
        except DeliveryError as error:
            print(f"rollback: {error}", file=sys.stderr)
            return 1
    return 0


def roll_back(
    app: App,
    client: Client,
    build: str,
    patience: Patience,
) -> None:
    """Publish the kept package again, and wait until it is well. Raises `DeliveryError`."""
    if not app.has_kept(build):
        raise DeliveryError(f"There is no kept package of build {build}.")
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "kept.zip")
        app.fetch_kept(build, package)
        publish(app, package)
    pass_gate(client, build, patience)
    print(f"rollback: {build} runs again")


def add_app_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the app is; `azd env get-values` has all three."""
    parser.add_argument("--url", required=True, help="address of the app")
    parser.add_argument("--resource-group", required=True)
    parser.add_argument("--app", required=True, help="name of the function app")


if __name__ == "__main__":
    raise SystemExit(main())
