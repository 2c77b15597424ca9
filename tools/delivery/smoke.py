"""Tries the deployed app once, from a definition to the end: `python -m tools.delivery.smoke URL [--model]`.

META_AGENTS_TOKEN is its token, with the roles author and operator. A workflow is stored and executed; its timer, its
output and its events are looked at; both are removed again. `--model` also asks the default model once, which costs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

from meta_agents import Client, Event
from meta_agents.errors import MetaAgentsError
from meta_agents.results import Execution
from tools.delivery.azure import DeliveryError

NAME = "smoke-test"
PATIENCE = 180.0
"""Seconds until an execution must have ended; an idle app takes a while to start."""
AGENT = {"name": NAME, "instructions": "Answer with one short sentence.", "max_output_tokens": 40}
WAITING = {"id": "wait", "wait": {"for": "PT1S"}}
ASKING = {"id": "ask", "agent": NAME, "input": "Are you there?"}


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Try the deployed app once, from a definition to the end.")
    parser.add_argument("url")
    parser.add_argument("--model", action="store_true", help="also ask the default model once")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    with Client(options.url, os.environ["META_AGENTS_TOKEN"]) as client:
        try:
            smoke(client, model=options.model)
        except DeliveryError as error:
            print(f"smoke: {error}", file=sys.stderr)
            return 1
    return 0


def smoke(client: Client, *, model: bool = False) -> None:
    """Raises `DeliveryError` with the first thing that is not as it should be; what was made is removed either way."""
    try:
        _try(client, model)
    except MetaAgentsError as error:
        raise DeliveryError(str(error)) from error


def _try(client: Client, model: bool) -> None:
    health = client.health()
    _say(f"version {health.version}, build {health.build}")
    started: list[Execution] = []
    try:
        if model:
            client.agents.put(AGENT)
        client.workflows.put(workflow(model))
        started.append(client.executions.start(NAME, {"word": "well"}))
        _say(f"execution {started[0].id} started")
        _check(client, started[0], model)
    finally:
        _clean_up(client, started, model)
    _say("well")


def workflow(model: bool) -> dict[str, Any]:
    """A timer of the durable engine, an expression over the input, and, if asked for, a model."""
    steps = [WAITING, ASKING] if model else [WAITING]
    shape = {"type": "object", "required": ["word"], "properties": {"word": {"type": "string"}}}
    return {"name": NAME, "input": shape, "steps": steps, "output": "All is ${input.word}."}


def _check(client: Client, execution: Execution, model: bool) -> None:
    ended = _ended(client, execution.id)
    if ended.status != "completed":
        raise DeliveryError(f"The execution is {ended.status}: {ended.error}")
    if ended.output != "All is well.":
        raise DeliveryError(f"The execution's output is {ended.output!r}")
    events = [item for item in client.executions.follow(execution.id) if isinstance(item, Event)]
    offsets = [event.offset for event in events]
    if offsets != list(range(1, len(events) + 1)):
        raise DeliveryError(f"The execution's log has gaps: {offsets}")
    types = {str(event.type) for event in events}
    missing = {"execution.started", "execution.completed", *(["call.completed"] if model else [])} - types
    if missing:
        raise DeliveryError(f"The execution's log lacks {', '.join(sorted(missing))}")
    _say(f"{len(events)} events, {ended.status}")


def _ended(client: Client, id: str) -> Execution:
    deadline = time.monotonic() + PATIENCE
    while True:
        execution = client.executions.get(id)
        if execution.is_ended:
            return execution
        if time.monotonic() > deadline:
            raise DeliveryError(f"Execution {id} is {execution.status} after {PATIENCE:g} seconds")
        time.sleep(0.5)


def _clean_up(client: Client, started: list[Execution], model: bool) -> None:
    for execution in started:
        if client.executions.get(execution.id).is_ended:
            client.executions.delete(execution.id)
        else:
            client.executions.cancel(execution.id)
    client.workflows.delete(NAME)
    if model:
        client.agents.delete(NAME)


def _say(line: str) -> None:
    print(f"smoke: {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
