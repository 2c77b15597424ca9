"""A real browser, and a page that remembers what it complained about."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.web.fake_api import DIST, TOKEN, FakeApi

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000
"""Milliseconds: how long a busy machine may take to show what is expected."""
NO_SIGNALR = "/api/negotiate"
"""What the page complains about where the API has no SignalR."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Per module: Playwright's loop must be gone before other modules' asynchronous tests.
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(NAMES)})")
    assert (DIST / "index.html").is_file(), "The page is not built: `make setup` builds it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What the page wrote on the console as an error, or threw, with the address it concerned."""

    texts: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.texts.append(f"{message.text} ({message.location['url']})")

    def but_for(self, *expected: str) -> list[str]:
        """Those that contain none of the expected texts."""
        return [text for text in self.texts if not any(part in text for part in expected)]


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: Browser, complaints: Complaints) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.on("console", complaints.note)
    page.on("pageerror", lambda error: complaints.texts.append(f"uncaught: {error}"))
    yield page
    context.close()


def open_page(page: Page, api: FakeApi, address: str = "#/") -> None:
    """Signed in by a link, then at `address`."""
    page.goto(f"{api.address}/#token={TOKEN}")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.goto(f"{api.address}/{address}")


def id_of(api: FakeApi, workflow: str) -> str:
    return next(id for id, story in api.executions.items() if story.workflow == workflow)
