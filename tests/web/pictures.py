"""Takes the pictures in the documentation: `python -m tests.web.pictures`, after `make setup`."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, expect, sync_playwright

from tests.web.conftest import FLAGS
from tests.web.fake_api import DIST, TOKEN, FakeApi, prompted, spent, tooled, write
from tests.web.prompted import FIRST
from tests.web.steered import NOTES, approvals, release, talk
from tests.web.stories import PANEL, Story, failure, finish_review, panel, review
from tests.web.tooled import HOSTILE

IMAGES = DIST.parents[1] / "docs" / "images"
WATCHED = "0198f1aa0009c3d1a70e55b27e41d0a2"
ASKING = "0198f1aa0010c3d1a70e55b2c4f09d37"
DONE = "0198f1aa0008c3d1a70e55b25a0cc1f4"
FORKED = "0198f1aa0011c3d1a70e55b28b13e6a5"


def debate() -> tuple[Story, list[dict[str, object]]]:
    """A debate in which the fifth turn is being written, and what has been written of it."""
    story = panel(4, start=datetime.now(UTC) - timedelta(seconds=18))
    agent, reason, text = PANEL[4]
    step = "panel/turn[5]"
    story.call(f"{step}/chair", "chair", {"next": agent, "reason": reason}, 0.8, turn=5, role="chair")
    story.add("chat.speaker_chosen", step, agent, data={"turn": 5, "by": "chair", "reason": reason})
    story.begin(step, agent, turn=5)
    return story, write(step, agent, text[: len(text) * 2 // 3].rsplit(" ", 1)[0])


def a_day() -> FakeApi:
    """What was done in an installation today."""
    api = FakeApi()
    story, deltas = debate()
    api.executions[WATCHED] = story
    api.deltas[WATCHED] = deltas
    done = [review(), panel(), finish_review(review()), failure(), panel(), finish_review(review()), panel()]
    for number, earlier in enumerate(done):
        minutes = 0.1 if number == 0 else 7 * number**2
        shift(earlier, timedelta(minutes=minutes))
        api.executions[f"0198f1aa000{8 - number}" + f"{(number + 1) * 0x9E3779B97F4A7C15:020x}"[:20]] = earlier
    return api


def asked() -> FakeApi:
    """Two executions that wait for people, and two of which one is a fork of the other."""
    api = FakeApi()
    api.executions = {ASKING: release(), WATCHED: talk()}
    api.executions |= {id: release().complete(NOTES) for id in (DONE, FORKED)}
    for id in (ASKING, WATCHED):
        api.approvals |= {approval["id"]: approval for approval in approvals(id, api.executions[id])}
    return api


def shift(story: Story, back: timedelta) -> None:
    for event in story.events:
        event["time"] = (datetime.fromisoformat(event["time"]) - back).isoformat()


def take(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 960})
    page.goto(f"{address}/#token={TOKEN}")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.screenshot(path=IMAGES / "executions.png", clip={"x": 0, "y": 0, "width": 1280, "height": 560})
    page.goto(f"{address}/#/executions/{WATCHED}")
    expect(page.locator(".writing")).to_be_visible()
    page.screenshot(path=IMAGES / "execution.png")


def take_steering(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 700})
    page.goto(f"{address}/#token={TOKEN}")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.goto(f"{address}/#/approvals")
    expect(page.get_by_role("article")).to_have_count(2)
    page.screenshot(path=IMAGES / "approvals.png")
    page.goto(f"{address}/#/compare/{DONE}/{FORKED}")
    expect(page.locator(".diff-first")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 880})
    page.screenshot(path=IMAGES / "compare.png")


def peaceful(api: FakeApi) -> FakeApi:
    """Without what the tests have written into it to do harm."""
    for story in api.executions.values():
        story.events = json.loads(json.dumps(story.events).replace(json.dumps(HOSTILE)[1:-1], "by mail"))
    return api


def take_tools(browser: Browser, address: str, execution: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{address}/#token={TOKEN}")
    page.goto(f"{address}/#/executions/{execution}")
    lawyer = page.get_by_role("article", name="Tool ask-lawyer")
    lawyer.locator("summary").first.click()
    expect(lawyer.get_by_role("article", name="Tool find-law")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=IMAGES / "tools.png")


def take_figures(browser: Browser, spending: str, judging: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{spending}/#token={TOKEN}")
    page.goto(f"{spending}/#/usage")
    expect(page.locator(".chart-bar").first).to_be_visible()
    page.screenshot(path=IMAGES / "usage.png")
    page.goto(f"{judging}/#token={TOKEN}")
    page.goto(f"{judging}/#/evaluations/{FIRST}")
    expect(page.locator(".rate").first).to_be_visible()
    page.screenshot(path=IMAGES / "evaluation.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        a_day() as api,
        asked() as asking,
        peaceful(tooled()) as calling,
        spent() as spending,
        prompted() as judging,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        take(browser, api.address)
        take_steering(browser, asking.address)
        take_tools(browser, calling.address, list(calling.executions)[2])
        take_figures(browser, spending.address, judging.address)
        browser.close()


if __name__ == "__main__":
    main()
