"""Waits until the app is well: `python -m tools.delivery.gate URL --build NAME`; META_AGENTS_TOKEN is its token.

Well means: several times in a row the build that was deployed answers, and every store can be written and read. One
answer is not enough: while instances are replaced, old and new ones answer in turn.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from meta_agents import Client
from meta_agents.errors import ApiError, MetaAgentsError
from tools.delivery.azure import UNNAMED, DeliveryError


@dataclass(frozen=True)
class Patience:
    """Looks that must all go well, seconds between two, and seconds until it is given up."""

    in_a_row: int = 5
    every: float = 5.0
    seconds: float = 900.0


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Wait until the app is well.")
    parser.add_argument("url")
    parser.add_argument("--build", help="the build that must answer; any, unless given")
    add_patience(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    with Client(options.url, os.environ["META_AGENTS_TOKEN"]) as client:
        try:
            pass_gate(client, options.build, patience_of(options))
        except DeliveryError as error:
            print(f"gate: {error}", file=sys.stderr)
            return 1
    return 0


def add_patience(parser: argparse.ArgumentParser) -> None:
    usual = Patience()
    parser.add_argument("--in-a-row", type=int, default=usual.in_a_row, help="looks that must all go well")
    parser.add_argument("--every", type=float, default=usual.every, help="seconds between two")
    parser.add_argument("--patience", type=float, default=usual.seconds, help="seconds until it is given up")


def patience_of(options: argparse.Namespace) -> Patience:
    return Patience(options.in_a_row, options.every, options.patience)


def pass_gate(client: Client, build: str | None, patience: Patience) -> None:
    """Raises `DeliveryError` with what was wrong last, when the app is not well in time."""
    deadline = time.monotonic() + patience.seconds
    well = 0
    while True:
        wrong = _wrong(client, build)
        well = 0 if wrong else well + 1
        print(f"gate: {wrong or f'well, {well} of {patience.in_a_row}'}", flush=True)
        if well == patience.in_a_row:
            return
        if time.monotonic() + patience.every > deadline:
            raise DeliveryError(f"Not well after {patience.seconds:g} seconds: {wrong or 'not often enough in a row'}")
        time.sleep(patience.every)


def build_of(client: Client, patience: Patience) -> str | None:
    """The build that runs now, `unnamed` where it does not say; None: nothing answers, however often it is asked."""
    for look in range(patience.in_a_row):
        if look:
            time.sleep(patience.every)
        with suppress(MetaAgentsError):
            return client.health().build or UNNAMED
    return None


def _wrong(client: Client, build: str | None) -> str | None:
    try:
        found = client.health(deep=True).build or UNNAMED
    except ApiError as error:
        return " ".join([error.message, *(detail.message for detail in error.details)])
    except MetaAgentsError as error:
        return error.message
    return None if build in (None, found) else f"build {found} answers, not {build}"


if __name__ == "__main__":
    raise SystemExit(main())
