"""The page where prompts are made better: versions, labels, trials, evaluations; against a scripted API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Complaints, open_page
from tests.web.fake_api import FakeApi, prompted
from tests.web.prompted import FIRST, SECOND, TRIAL


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with prompted() as api:
        yield api


def test_a_label_is_moved_after_a_look_at_what_changes(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, "#/prompts")
    page.get_by_role("link", name="greet").click()
    expect(page.get_by_role("heading", name="greet version 3")).to_be_visible()
    expect(page.get_by_role("region", name="Text")).to_contain_text("End with the weather.")
    page.get_by_role("link", name="Changes").click()
    expect(page.locator(".text-line-changed")).to_contain_text("changed: Be warm${tone}, and never loud.")
    page.get_by_label("from").select_option("production")
    page.wait_for_url("**from=production*")
    page.get_by_role("link", name="Used by").click()
    expect(page.locator(".rows").first).to_contain_text("greet:production")
    page.get_by_role("button", name="Move staging").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Version").select_option("1")
    expect(dialog).to_contain_text("use version 1 where agents say greet:staging")
    assert api.asked == []
    dialog.get_by_role("button", name="Move it to 1").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("region", name="Versions").locator("li", has_text="staging").first).to_contain_text("1")
    assert api.asked == [("/api/prompts/greet/labels/staging", {"version": 1})]
    assert complaints.texts == []


def test_a_draft_is_tried_on_past_executions(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, "#/prompts/greet?version=2&view=try")
    page.get_by_label("Text").fill("Say hello.")
    expect(page.get_by_text("a draft, not stored")).to_be_visible()
    page.get_by_label("last").fill("5")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="host@4 with greet@3")).to_be_visible()
    variables = {"language": {"type": "string", "description": "What the guest speaks"}}
    draft = {"template": "Say hello.", "variables": variables}
    past = {"workflow": "incident-panel", "last": 5}
    assert api.asked == [("/api/prompts/greet/try", {"agent": "host", "draft": draft, "executions": past})]
    row = page.get_by_role("button", name="9b1c20e4 draft").nth(1)
    row.press("Enter")
    expect(page.locator(".case-sides")).to_contain_text("Hello, and welcome to our house!")
    expect(page.locator(".case-sides")).to_contain_text("<b>of course</b>")
    assert complaints.texts == []


def test_evaluations_are_read_and_compared(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, "#/evaluations")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("checkbox").last.check()
    page.get_by_role("link", name="Compare the two").click()
    expect(page.get_by_role("region", name="exact")).to_contain_text("70 % left, 90 % right: +20 points")
    expect(page.get_by_role("region", name="kind")).to_contain_text("no difference that can be believed")
    page.get_by_role("link", name="host@4").first.click()
    expect(page.get_by_role("img", name="70 %, in truth 45 to 85 %")).to_be_visible()
    expect(page.locator(".cases tbody tr")).to_have_count(10)
    page.get_by_role("link", name="not passed").click()
    page.wait_for_url("**cases=failed*")
    assert complaints.texts == []


def test_nothing_is_wider_than_a_phone(page: Page, api: FakeApi) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_page(page, api)
    prompt = [f"#/prompts/greet?view={view}" for view in ("text", "changes", "uses", "try")]
    evaluations = ["#/evaluations", f"#/evaluations/{TRIAL}", f"#/evaluations/{FIRST}/compare/{SECOND}"]
    for place in ["#/prompts", *prompt, *evaluations]:
        page.goto(f"{api.address}/{place}")
        expect(page.locator("main .card").last).to_be_visible()
        for case in page.locator(".case-name").all():
            case.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, place
