"""The command as a process of its own: signals, pipes and encodings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.meta_agents.fake_api import TOKEN, FakeApi, Server, Stream
from tests.meta_agents.samples import frames, short_log

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))


@contextmanager
def process(server: Server, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": ROOT,
        "META_AGENTS_URL": server.url,
        "META_AGENTS_TOKEN": TOKEN,
        **variables,
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "meta_agents", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def lines_until(stream: Any, text: str) -> list[str]:
    """Lines of the stream up to the one that contains the text; a stream that ends before fails the test."""
    lines: list[str] = []
    for line in stream:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"no {text!r} in {lines}")


def test_interrupting_ends_the_watching_alone(server: Server, api: FakeApi) -> None:
    api.next_log = short_log()[:2]
    api.streams.append(Stream((frames(short_log()[:2]),), "hang"))
    with process(server, "run", "brief") as running:
        lines_until(running.stderr, "● write agent")
        running.send_signal(signal.SIGINT)
        _, rest = running.communicate(timeout=30)

    (execution,) = api.executions
    assert running.returncode == 130
    assert f"The execution goes on. Watch it: meta-agents watch {execution}" in rest
    assert "Traceback" not in rest
    assert api.executions[execution]["status"] == "running"


def test_a_reader_that_leaves_is_no_error(server: Server, api: FakeApi) -> None:
    execution = api.add_execution(short_log())
    api.streams.append(Stream((frames(short_log()[:1]),), "cut"))
    with process(server, "watch", execution, "--json") as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.stdout.close()
        assert watching.stderr is not None
        assert watching.stderr.read() == ""


def test_symbols_that_a_terminal_lacks_stop_nothing(server: Server, api: FakeApi) -> None:
    execution = api.add_execution(short_log("Größe 🙂"))
    with process(server, "watch", execution, PYTHONIOENCODING="ascii") as watching:
        out, errors = watching.communicate(timeout=30)

    assert (watching.returncode, errors) == (0, "")
    assert "Gr??e" in out


def test_version(server: Server) -> None:
    with process(server, "--version") as printing:
        out, _ = printing.communicate(timeout=30)

    assert printing.returncode == 0
    assert out.startswith("meta-agents ")
