"""The page where it is about money: budgets that are used up, and what was spent on what; against a scripted API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import NO_SIGNALR, Complaints, open_page
from tests.web.fake_api import FakeApi, spent


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with spent() as api:
        yield api


def test_a_budget_is_raised_and_the_execution_goes_on(page: Page, api: FakeApi, complaints: Complaints) -> None:
    execution = next(iter(api.executions))
    open_page(page, api, f"#/executions/{execution}")
    card = page.get_by_role("region", name="is used up")
    expect(card).to_contain_text("4 of 4 model calls spent")
    card.get_by_label("Model calls in all").fill("3")
    expect(card.get_by_text("It can only be raised")).to_be_visible()
    card.get_by_label("Model calls in all").fill("12")
    card.get_by_role("button", name="Raise and go on").click()
    expect(page.locator(".summary .badge")).to_have_text("running")
    expect(card).to_have_count(0)
    assert api.asked == [(f"/api/executions/{execution}/budget", {"path": "panel", "model_calls": 12})]
    page.get_by_role("link", name="Usage").last.click()
    rows = page.get_by_role("group", name="By step").locator("tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_role("link", name="by agent").click()
    expect(page.get_by_role("group", name="By agent").locator("tbody tr").first).to_contain_text("clerk")
    assert complaints.but_for(NO_SIGNALR) == []


def test_usage_is_filtered_and_the_address_keeps_how(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, "#/usage?from=2026-11-01&to=2026-11-14")
    expect(page.get_by_role("img", name="Cost by day")).to_be_visible()
    expect(page.locator(".chart-bar")).to_have_count(10)
    page.get_by_role("link", name="by agent").click()
    page.get_by_label("of").select_option("tokens")
    page.get_by_role("link", name="writer").click()
    expect(page.get_by_role("heading", name="Tokens by day of writer")).to_be_visible()
    assert page.url.endswith("#/usage?from=2026-11-01&to=2026-11-14&by=agent&measure=tokens&only=writer")
    page.reload()
    expect(page.get_by_role("heading", name="Tokens by day of writer")).to_be_visible()
    page.get_by_text("The days as a table").click()
    expect(page.get_by_role("group", name="By day").locator("tbody tr")).to_have_count(14)
    expect(page.locator(".budgets")).to_contain_text("$301.20 of $500.00")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert complaints.texts == []
