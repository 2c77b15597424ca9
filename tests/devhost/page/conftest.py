"""A host of the watched app as a process, and a real browser that looks at its page."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from devhost.engine.database import open_database
from tests.devhost.conftest import APPS
from tests.web.conftest import FLAGS, NAMES, PATIENCE, Complaints

ROOT = Path(__file__).parents[3]
LONG = 3_333  # activities of the instance with the long history
OLD = 10_000  # instances of an earlier day


class Shop(NamedTuple):
    """A running host of the watched app."""

    url: str
    process: subprocess.Popen[str]

    def post(self, path: str, body: object = None) -> httpx.Response:
        response = httpx.post(self.url + path, json=body, timeout=20, trust_env=False)
        return response.raise_for_status()


@contextlib.contextmanager
def open_shop(state: Path, *more: str) -> Iterator[Shop]:
    command = [
        *(sys.executable, "-m", "devhost", "--app", str(APPS / "watched"), "--state", str(state), "--port", "0"),
        *more,
    ]
    log = state.with_name("host.log")
    with log.open("w") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    try:
        ready = next((line for line in process.stdout if line.startswith("devhost ready: ")), None)
        assert ready is not None, log.read_text()
        yield Shop(ready.split()[-1], process)
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    state = tmp_path_factory.mktemp("shop") / "state.db"
    fill_state(state)
    with open_shop(state) as shop:
        yield shop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Per module: Playwright's loop must be gone before other modules' asynchronous tests.
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(NAMES)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: Browser, complaints: Complaints) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.on("console", complaints.note)
    page.on("pageerror", lambda error: complaints.texts.append(f"uncaught: {error}"))
    yield page
    context.close()


def fill_state(state: Path) -> None:
    """What earlier days left: many ended instances, one of them with a long history."""
    connection = open_database(state)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO instances (id, name, execution_id, status, output, custom_inherited, created, updated, events, "
        "next_id, last_turn) VALUES (:id, 'ship', 'e', 'Completed', '1', 0, :time, :time, :events, 1, :time)",
        [
            *({"id": f"old-{n:05}", "time": _time(n), "events": 0} for n in range(OLD)),
            {"id": "long", "time": _time(3 * LONG), "events": 3 * LONG + 2},
        ],
    )
    connection.executemany(
        "INSERT INTO history VALUES ('long', ?, ?, ?)",
        [(n, event["EventType"], json.dumps(event)) for n, event in enumerate(_long_history())],
    )
    connection.execute("COMMIT")
    connection.close()


def _long_history() -> Iterator[dict[str, object]]:
    yield {"EventType": 12, "EventId": -1, "Timestamp": _time(0)}
    yield {"EventType": 0, "EventId": -1, "Timestamp": _time(0), "Name": "ship", "Input": "1"}
    for n in range(LONG):
        begun, ended = {"Timestamp": _time(3 * n)}, {"Timestamp": _time(3 * n + 2)}
        yield {"EventType": 4, "EventId": n, "Name": "label", "Input": str(n), **begun}
        yield {"EventType": 5, "EventId": -1, "TaskScheduledId": n, "Result": str(n), **ended}
        yield {"EventType": 12, "EventId": -1, **ended}


def _time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"2026-01-01T00:00:{seconds:02}.{rest:03}000Z"
