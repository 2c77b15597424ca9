"""Runs Microsoft's public Durable Functions samples, unmodified, on the local host, and prints how each ended.

`python -m tests.compat.samples FOLDER [WORD]`: FOLDER holds the checkouts, one of each repository and commit, named
`<repository>@<the commit's first seven digits>`; WORD picks the samples that have it in their name. Each orchestration
is started by the sample's own HTTP function and followed to its end. Exit code 1 when one ended otherwise than it must.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.compat.sample_apps import ANY, SAMPLES, Ask, Request, Sample, Start
from tools.processes import Host, ProcessFailed

SECONDS = 60
SHOWN = 160
"""Characters of an answer in the table."""
_ENDED = {"Completed", "Failed", "Terminated"}


@dataclass(frozen=True)
class Outcome:
    """One line of the table: what was tried, whether it went as it must, and what was seen."""

    what: str
    good: bool
    seen: str


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.compat.samples", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("word", nargs="?", default="")
    options = parser.parse_args(arguments)
    good = True
    for sample in SAMPLES:
        if options.word not in sample.name:
            continue
        print(sample.name, f"(needs {sample.needs})" if sample.needs else "")
        for outcome in outcomes(sample, options.folder):
            good &= outcome.good
            print(f"  {'ok  ' if outcome.good else 'BAD '} {outcome.what}: {outcome.seen}", flush=True)
    return 0 if good else 1


def outcomes(sample: Sample, folder: Path) -> Iterator[Outcome]:
    """Run one sample on a host of its own, step after step."""
    source = folder / sample.checkout / sample.path
    if not source.is_dir():
        yield Outcome("checkout", False, f"{source} is not there")
        return
    with tempfile.TemporaryDirectory() as scratch:
        app, data = Path(scratch, "app"), Path(scratch, "data")
        shutil.copytree(source, app)
        if sample.host_json:
            (app / "host.json").write_text(sample.host_json)
        for name in sample.files:
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text("x")
        host = Host(Path(scratch), app=app, environment=sample.settings)
        try:
            host.start()
        except ProcessFailed:
            said = next((line for line in host.output if line.startswith("devhost: ")), "nothing")
            yield Outcome("does not start", bool(sample.refused) and sample.refused in said, said.replace(scratch, ""))
            return
        try:
            with httpx.Client(base_url=host.address, timeout=SECONDS, trust_env=False) as http:
                unserved = dict(left_out(http))
                good = not sample.refused and set(unserved) == sample.unserved
                said = "; ".join(f"without {name}: {why}" for name, why in unserved.items())
                yield Outcome("starts", good, said or "every function is served")
                for step in sample.steps:
                    yield run(http, step, data) if isinstance(step, Start) else ask(http, step)
        finally:
            host.kill()


def left_out(http: httpx.Client) -> Iterator[tuple[str, str]]:
    """The functions that the host does not serve, and why."""
    for function in http.get("/admin/functions").raise_for_status().json():
        status = http.get(f"/admin/functions/{function['name']}/status").raise_for_status().json()
        if errors := status.get("errors"):
            yield function["name"], errors[0]


def ask(http: httpx.Client, step: Ask) -> Outcome:
    response = send(http, step.request)
    answer = response.json() if "json" in response.headers.get("content-type", "") else response.text
    return Outcome(_title(step.request), response.is_success and like(step.answer, answer), _short(response.text))


def run(http: httpx.Client, start: Start, data: Path) -> Outcome:
    """Start one orchestration, send it what its user sends, and wait for its end."""
    what = _title(start.request)
    began = time.monotonic()
    response = send(http, start.request, folder=str(data))
    if response.status_code != 202:
        return Outcome(what, False, _short(f"{response.status_code} {response.text}"))
    started = response.json()
    if start.then:
        wait(http, started["statusQueryGetUri"], lambda status: like(start.when, status["customStatus"]))
        for request in start.then:
            answer = send(http, request, id=started["id"])
            if not answer.is_success:
                return Outcome(what, False, _short(f"{request.path}: {answer.status_code} {answer.text}"))
    status = wait(http, started["statusQueryGetUri"], lambda status: status["runtimeStatus"] in _ENDED)
    good = status["runtimeStatus"] == start.status and like(start.output, status["output"])
    seconds = time.monotonic() - began
    return Outcome(what, good, _short(f"{status['runtimeStatus']} in {seconds:.1f} s, {json.dumps(status['output'])}"))


def send(http: httpx.Client, request: Request, **named: str) -> httpx.Response:
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    path = request.path.format(soon=quote(soon), **named)
    body = request.body.format(**named) if isinstance(request.body, str) else request.body
    return http.request(request.method, path, json=body)


def wait(http: httpx.Client, uri: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The orchestration's status, as its own status address tells it, once `holds` is true of it or time is up."""
    deadline = time.monotonic() + SECONDS
    while True:
        status: dict[str, Any] = http.get(uri).raise_for_status().json()
        if holds(status) or status["runtimeStatus"] in _ENDED or time.monotonic() > deadline:
            return status
        time.sleep(0.05)


def _title(request: Request) -> str:
    return f"{request.method} {request.path}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def like(expected: object, seen: object) -> bool:
    """Whether `seen` is as expected: equal, but `ANY` is anything and of an object only the named keys count."""
    if expected is ANY:
        return True
    if isinstance(expected, dict) and isinstance(seen, dict):
        return all(key in seen and like(value, seen[key]) for key, value in expected.items())
    return expected == seen


if __name__ == "__main__":
    sys.exit(main())
