"""The page where agents call tools; against a scripted API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import NO_SIGNALR, Complaints, open_page
from tests.web.fake_api import FakeApi, tooled
from tests.web.tooled import HOSTILE, MAIL


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with tooled() as api:
        yield api


def test_a_turn_with_tools_shows_each_call(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, f"#/executions/{list(api.executions)[2]}")
    turn = page.get_by_role("article", name="clerk, answer")
    expect(turn).to_contain_text(MAIL)
    expect(turn).to_contain_text("3 model calls")
    orders = turn.get_by_role("article", name="Tool find-orders, answer/tool[0]")
    expect(orders).to_contain_text("400 ms")
    orders.locator("summary").press("Enter")
    expect(orders.locator("pre").first).to_contain_text("c-1044")
    expect(orders.locator("pre").first).to_contain_text("<img src=x onerror=")
    expect(orders.locator(".tool-result")).to_contain_text("<script>")
    expect(turn.get_by_role("article", name="Tool weather")).to_contain_text("status 503")
    expect(turn.get_by_role("article", name="Tool drop-tables")).to_contain_text("Not called: There is no tool")
    expect(turn.get_by_role("article", name="Tool refund")).to_contain_text("Approved by ada")
    lawyer = turn.get_by_role("article", name="Tool ask-lawyer")
    expect(lawyer).to_contain_text("No: name neither")
    lawyer.locator("summary").first.press("Enter")
    expect(lawyer.get_by_role("article", name="Tool find-law")).to_contain_text("§ 12")
    history = turn.get_by_role("article", name="Tool charge-history")
    history.locator("summary").first.press("Enter")
    expect(history.get_by_role("article", name="bookkeeper")).to_contain_text("eleven seconds apart")
    steps = page.get_by_role("complementary")
    expect(steps.locator(".step", has_text="find-law")).to_have_class("step step-completed")
    expect(steps.locator(".step", has_text="weather")).to_have_class("step step-failed")
    assert HOSTILE.startswith("<img")
    assert "taken" not in page.title()
    assert page.locator(".turn img").count() == 0
    assert complaints.texts == []


def test_people_allow_a_call_and_say_what_became_of_a_lost_one(
    page: Page, api: FakeApi, complaints: Complaints
) -> None:
    asking, lost, _ = api.executions
    open_page(page, api, f"#/executions/{asking}")
    page.get_by_role("button", name="Go to it").click()
    card = page.get_by_role("article", name="May clerk call the tool refund?")
    expect(card.get_by_label("Comment")).to_be_focused()
    expect(card.locator("pre")).to_contain_text('"amount": "42.50"')
    card.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("article", name="Tool refund, answer")).to_contain_text("Rejected by local")
    expect(page.get_by_role("complementary").locator(".step", has_text="refund")).to_have_class("step step-skipped")
    expect(page.locator("#asked-help-desk-refund")).to_be_focused()
    page.goto(f"{api.address}/#/executions/{lost}")
    page.get_by_label("What it gave").fill('{"refund": "r-78"}')
    page.get_by_role("button", name="It was carried out").click()
    expect(page.get_by_role("article", name="Tool refund, answer")).to_contain_text(
        "Found to have been carried out by local"
    )
    assert api.asked[-1][1] == {"decision": "carried_out", "comment": '{"refund": "r-78"}'}
    assert complaints.but_for(NO_SIGNALR) == []


def test_nothing_is_wider_than_a_phone(page: Page, api: FakeApi) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_page(page, api)
    for id in api.executions:
        page.goto(f"{api.address}/#/executions/{id}")
        expect(page.locator(".tool-use").first).to_be_visible()
        for summary in page.locator(".tool-use > details > summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, id
