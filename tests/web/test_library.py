"""The page where things are looked up and tried: the library, tools, models; against a scripted API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Complaints, open_page
from tests.web.fake_api import FakeApi, shelved
from tests.web.shelved import REFUND


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with shelved() as api:
        yield api


def test_documents_are_sent_searched_and_taken_away(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, "#/library")
    page.get_by_role("link", name="handbook").click()
    rows = page.locator(".documents li")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("indexing 16 of 40")
    expect(rows.nth(2)).to_contain_text("There is no text in it.")
    hours = {"name": "Opening hours.md", "mimeType": "text/markdown", "buffer": b"From nine to five."}
    page.locator("input[type=file]").set_input_files(hours)  # type: ignore[arg-type]
    expect(page.locator(".sendings")).to_contain_text("Opening-hours.md: sent")
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="Remove scan.pdf").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(rows.filter(has_text="scan.pdf")).to_have_count(0)
    page.get_by_label("What is looked for").fill("money back")
    page.keyboard.press("Enter")
    expect(page.locator(".passage")).to_have_count(2)
    expect(page.locator(".passage").last).to_contain_text("<img src=x")
    assert page.url.endswith("?q=money+back")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download refunds.md").click()
    assert download.value.path().read_text() == REFUND
    assert "taken" not in page.title()
    assert complaints.texts == []


def test_a_mark_in_an_answer_leads_to_its_passage(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, f"#/executions/{next(iter(api.executions))}")
    expect(page.locator(".result .cite-unknown")).to_contain_text("[weather.md#1]")
    page.locator(".result").get_by_role("button", name="[refunds.md#3]").press("Enter")
    expect(page.get_by_role("dialog", name="Refunds › By card")).to_contain_text(REFUND)
    page.keyboard.press("Escape")
    expect(page.locator(".result .cite")).to_be_focused()
    assert complaints.texts == []


def test_a_tool_is_called_by_hand(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, "#/tools")
    page.get_by_role("link", name="refund").click()
    expect(page.get_by_text("This really calls it")).to_be_visible()
    page.get_by_label("Amount").fill("9.00")
    page.get_by_role("button", name="Call it for real").click()
    expect(page.locator(".result")).to_contain_text("r-77")
    expect(page.locator(".result")).to_contain_text("<script>")
    assert api.asked == [("/api/tools/refund/call", {"arguments": {"order": "o-9", "amount": "9.00"}, "version": 2})]
    page.goto(f"{api.address}/#/tools/flaky")
    page.get_by_role("button", name="Call it for real").click()
    expect(page.get_by_role("alert")).to_contain_text("status 503")
    page.get_by_role("link", name="Models").click()
    expect(page.locator(".model-card")).to_have_count(4)
    expect(page.locator(".model-card").first).to_contain_text("there is no model `smal`")
    assert complaints.texts == []


def test_nothing_is_wider_than_a_phone(page: Page, api: FakeApi) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_page(page, api)
    for place in ["library", "library/handbook?q=money", "tools", "tools/refund", "models"]:
        page.goto(f"{api.address}/#/{place}")
        expect(page.locator("main .card").last).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, place
    page.locator(".nav-narrow summary").click()
    page.locator(".nav-narrow").get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    expect(page.locator(".nav-narrow > div")).not_to_be_visible()
