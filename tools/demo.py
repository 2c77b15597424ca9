"""Shows what this is, on this machine, in a minute: `make demo`, or `python -m tools.demo [--svg FILE]`.

Serves the app with a local model, loads the examples, runs four workflows, kills its own host in the middle of one,
and counts what that cost. `STATE_DIR` (.local) gets `demo.json`, and `demo/` with all state and the host's log; `PORT`
(default: a free one), and the variables that name a model elsewhere, are those of `make start`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.text import Text

from meta_agents import Client, Event, MetaAgentsError
from meta_agents.live import LiveView
from tools.demo_crash import Crash
from tools.demo_report import Outcome, report, write_json
from tools.demo_screen import Screen
from tools.processes import ROOT, ProcessFailed
from tools.start import Installation, StartError, installation, port_setting
from tools.weights import WeightsError

EXAMPLES = ROOT / "examples"
LOG_LINES = 5
INTRODUCTION = """\
Four workflows of AI agents run on this machine. In the middle of the last, the server that runs them is killed.

Starting the model and the Functions host ..."""


class DemoFailed(Exception):
    """The demo cannot go on; the message is for the user."""


@dataclass(frozen=True)
class Part:
    """A workflow of the examples, the document it is run on, and what it shows."""

    workflow: str
    pattern: str
    parameter: str
    document: str
    crash: bool = False


PARTS = (
    Part("launch-brief", "one agent after the other", "idea", "product-idea.md"),
    Part("design-review", "three agents at the same time", "proposal", "design-proposal.md"),
    Part("order-desk", "agents that call tools: a function, and an MCP server", "question", "customer-question.md"),
    Part("incident-panel", "agents in a group chat, led by one of them", "report", "incident-report.md", crash=True),
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run four workflows, with a crash in between, on this machine.")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also save a picture of the last screen")
    options = parser.parse_args()
    state_dir = Path(os.environ.get("STATE_DIR") or ".local")
    _on_signals(_interrupt)
    screen = Screen()
    try:
        outcomes = demo(screen, state_dir)
    except KeyboardInterrupt:
        return 130
    except (StartError, WeightsError, ProcessFailed, MetaAgentsError, DemoFailed) as error:
        tell(screen, Text(f"\nThe demo failed. {error}", "bold red"))
        _show_log(screen, state_dir / "demo")
        return 1
    if options.svg:
        screen.save_picture(options.svg)
    return 0 if all(outcome.completed for outcome in outcomes) else 1


def demo(screen: Screen, state_dir: Path) -> list[Outcome]:
    """All of it. Raises what `installation` and the client raise, and `DemoFailed`."""
    folder = state_dir / "demo"
    log = _fresh(folder)
    tell(screen, INTRODUCTION)
    with (
        log.open("w", encoding="utf-8", buffering=1) as file,
        installation(folder, port=_port(), say=lambda line: print(line, file=file)) as running,
        _client(running) as client,
    ):
        try:
            model = client.health().model
            name = model.name if model else "unknown"
            tell(screen, f"  model  {name}, at {running.model.address if running.model else 'the address you set'}")
            tell(screen, f"  host   {running.host.address}, its log is {log}")
            load_examples(screen, client)
            outcomes = [run(screen, client, running, part) for part in PARTS]
            write_json(state_dir / "demo.json", name, outcomes)
        finally:
            # From here on everything is being stopped, which takes seconds and must not be cut short.
            _on_signals(signal.SIG_IGN)
    conclude(screen, state_dir, outcomes)
    return outcomes


def load_examples(screen: Screen, client: Client) -> None:
    """Put every definition of examples/ into the app."""
    kinds = {
        "tools": client.tools,
        "agents": client.agents,
        "workflows": client.workflows,
    }  # each names those before it
    found = {kind: sorted((EXAMPLES / kind).glob("*.yaml")) for kind in kinds}
    for kind, paths in found.items():
        for path in paths:
            kinds[kind].put(_read_yaml(path))
    tell(screen, f"  loaded {', '.join(f'{len(paths)} {kind}' for kind, paths in found.items())} from examples/")


def run(screen: Screen, client: Client, running: Installation, part: Part) -> Outcome:
    """Start one workflow, show it until it ends, and count."""
    number = PARTS.index(part) + 1
    screen.print()
    screen.rule(Text(f"{number} of {len(PARTS)}: {part.workflow}, {part.pattern}", "bold"), align="left")
    tell(screen, f"Reads examples/inputs/{part.document}.")
    text = (EXAMPLES / "inputs" / part.document).read_text(encoding="utf-8")
    execution = client.executions.start(part.workflow, {part.parameter: text}).id
    crash = Crash(running.host, lambda said: tell(screen, said)) if part.crash else None
    with LiveView(screen) as view:

        def lost(_cause: MetaAgentsError | None) -> None:
            if child := running.ended():
                raise child.failure("ended by itself")
            view.note("The connection was lost; following again from the last event seen.")

        for item in client.executions.follow(execution, on_lost=lost):
            view.feed(item)
            if crash:
                crash.after(item)
    return Outcome.of(client.executions.get(execution), _log_of(client, execution))


def conclude(screen: Screen, state_dir: Path, outcomes: list[Outcome]) -> None:
    screen.print()
    screen.rule(Text("What it came to", "bold"), align="left")
    screen.print(report(outcomes))
    screen.print()
    resumed = sum(outcome.resumed for outcome in outcomes)
    repeated = sum(outcome.repeated_calls for outcome in outcomes)
    tell(
        screen,
        f"The kill interrupted {resumed} model call{'' if resumed == 1 else 's'}, made again after the restart. "
        f"Of the finished ones, {repeated or 'none'} had to be paid for twice.",
    )
    tell(screen, f"The same as JSON: {state_dir / 'demo.json'}")
    failed = [outcome.workflow for outcome in outcomes if not outcome.completed]
    if failed:
        screen.print(Text(f"Not completed: {', '.join(failed)}.", "bold red"))
        _show_log(screen, state_dir / "demo")
    else:
        screen.print(Text.assemble("Next: ", ("make start", "bold"), " serves the app with its web page."))


def tell(screen: Screen, line: str | Text) -> None:
    # A file has no width; a terminal breaks lines between words only if we do.
    screen.print(Text(line) if isinstance(line, str) else line, soft_wrap=not screen.is_terminal)


def _client(running: Installation) -> Client:
    # The app too takes a token from the environment first.
    token = os.environ.get("META_AGENTS_TOKEN") or running.token_file.read_text(encoding="utf-8")
    return Client(running.host.address, token)


def _log_of(client: Client, execution: str) -> Iterable[Event]:
    after, ended = 0, False
    while not ended:
        page = client.executions.events(execution, after)
        yield from page.events
        after, ended = page.next, page.ended


def _port() -> int:
    return port_setting(os.environ) if os.environ.get("PORT") else 0


def _fresh(folder: Path) -> Path:
    """Make the folder anew, without a previous demo's state; the path of the host's log in it."""
    log = folder / "host.log"
    if folder.exists():
        if any(folder.iterdir()) and not log.exists():
            raise DemoFailed(f"{folder} is not of an earlier demo, so it is not removed: choose another STATE_DIR.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return log


def _read_yaml(path: Path) -> dict[str, Any]:
    definition: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return definition


def _show_log(screen: Screen, folder: Path) -> None:
    log = folder / "host.log"
    if log.exists():
        tell(screen, f"The host's log is {log}. It ends with:")
        for line in log.read_text(encoding="utf-8").splitlines()[-LOG_LINES:]:
            tell(screen, f"  {line}")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _on_signals(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
