"""The page against a scripted API: what the app seldom shows, and the way without SignalR."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import NO_SIGNALR, Complaints, id_of, open_page
from tests.web.fake_api import TOKEN, FakeApi, sample, write
from tests.web.stories import PANEL, REVIEWS, finish_review


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with sample() as api:
        yield api


def test_a_token_in_the_link_leaves_the_address_at_once(page: Page, api: FakeApi, complaints: Complaints) -> None:
    page.goto(f"{api.address}/#token={TOKEN}")
    expect(page.locator("tbody tr")).to_have_count(4)
    assert TOKEN not in page.url
    assert complaints.texts == []


def test_a_token_that_is_not_accepted_is_asked_for_again(page: Page, api: FakeApi) -> None:
    page.goto(f"{api.address}/#token=old")
    expect(page.get_by_text("You were signed out.")).to_be_visible()
    page.get_by_label("Access token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This token is not accepted.")).to_be_visible()
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Executions")).to_be_visible()


def test_empty_lists_say_how_to_fill_them(page: Page, api: FakeApi) -> None:
    api.executions.clear()
    api.workflows.clear()
    open_page(page, api)
    expect(page.get_by_text("meta-agents run WORKFLOW")).to_be_visible()
    page.get_by_role("link", name="Start one here").click()
    expect(page.get_by_text("meta-agents apply examples/")).to_be_visible()


def test_the_list_is_filtered_and_renews_itself(page: Page, api: FakeApi) -> None:
    open_page(page, api)
    page.get_by_role("link", name="running").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    finish_review(api.executions[id_of(api, "design-review")])
    expect(page.get_by_text("No execution has this status.")).to_be_visible()


def test_parallel_agents_write_at_the_same_time_also_without_signalr(
    page: Page, api: FakeApi, complaints: Complaints
) -> None:
    execution = id_of(api, "design-review")
    pieces = [write(f"reviews/{branch}", agent, text) for branch, (agent, text) in REVIEWS.items()]
    api.deltas[execution] = [piece for together in zip(*pieces, strict=False) for piece in together][:24]
    open_page(page, api, f"#/executions/{execution}")
    expect(page.locator(".writing")).to_have_count(3)
    for agent, text in REVIEWS.values():
        said = page.get_by_role("article", name=agent).locator(".writing").inner_text()
        assert len(said) > 20
        assert text.startswith(said.strip())
    finish_review(api.executions[execution])
    expect(page.locator(".summary .badge")).to_have_text("completed")
    expect(page.locator(".turn .prose")).to_have_count(4)
    assert complaints.but_for(NO_SIGNALR) == []


def test_a_debate_shows_who_was_chosen_why_and_what_ended_it(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, f"#/executions/{id_of(api, 'incident-panel')}")
    expect(page.locator(".chip-why")).to_have_count(len(PANEL))
    expect(page.locator(".chip-why").first).to_have_text(f"chair chose {PANEL[0][1]}")
    expect(page.get_by_text("ended after 6 turns: the participants agreed")).to_be_visible()
    page.get_by_role("button", name="Turn 5: engineer").click()
    expect(page.get_by_text("The key takes one day")).to_be_in_viewport()
    assert complaints.texts == []


def test_a_failure_says_what_happened_and_what_to_do(page: Page, api: FakeApi) -> None:
    open_page(page, api, f"#/executions/{id_of(api, 'launch-brief')}")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The model did not answer within 120 s.")
    expect(alert).to_contain_text("Check that the model is up.")
    expect(page.get_by_text("attempt 2")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_the_log_is_shown_as_it_is(page: Page, api: FakeApi) -> None:
    execution = id_of(api, "incident-panel")
    open_page(page, api, f"#/executions/{execution}")
    page.get_by_role("link", name="Events").click()
    expect(page.locator(".events li")).to_have_count(len(api.executions[execution].events))
    page.get_by_role("searchbox").fill("chat.ended")
    expect(page.locator(".events li")).to_have_count(1)
    page.locator(".events summary").click()
    expect(page.locator(".events pre")).to_contain_text("All three name the payment key")


def test_an_execution_that_is_not_there_is_said_so(page: Page, api: FakeApi) -> None:
    open_page(page, api, "#/executions/" + "f" * 32)
    expect(page.get_by_role("alert")).to_contain_text("There is no such execution.")


def test_a_start_is_sent_once_however_often_it_is_tried(page: Page, api: FakeApi) -> None:
    """What the server refuses is shown at the field; the same input sent again carries the same key."""
    field_error = {"pointer": "/input/report", "message": "This is too short."}
    api.refusal = {"code": "invalid_input", "detail": "The input is invalid.", "action": "", "errors": [field_error]}
    open_page(page, api, "#/start/incident-panel")
    send = page.get_by_role("button", name="Start")
    page.get_by_label("Incident report").fill("Short")
    page.get_by_label("Customers affected").fill("many")
    send.click()
    expect(page.get_by_text("“many” is not a number.")).to_be_visible()
    assert api.started == []
    page.get_by_label("Customers affected").fill("212")
    page.get_by_label("services").fill("shop\npayments")
    send.click()
    expect(page.get_by_text("This is too short.")).to_be_visible()
    api.refusal = None
    send.click()
    expect(page.locator(".summary .badge")).to_have_text("completed")
    first, second = api.started
    assert first == second
    assert first["input"] == {
        "report": "Short", "severity": "high", "affected": 212, "services": ["shop", "payments"], "public": False,
    }  # fmt: skip


def test_an_input_may_be_written_as_json(page: Page, api: FakeApi) -> None:
    open_page(page, api, "#/start/incident-panel")
    page.get_by_label("Incident report").fill("Charged twice")
    page.get_by_role("button", name="Edit as JSON").click()
    editor = page.get_by_label("Input")
    expect(editor).to_have_value('{\n  "report": "Charged twice",\n  "severity": "high",\n  "public": false\n}')
    editor.fill('{"report": ')
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not JSON")
    editor.fill('{"report": "x"}')
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".summary .badge")).to_be_visible()
    assert api.started[0]["input"] == {"report": "x"}


def test_nothing_is_wider_than_a_phone(page: Page, api: FakeApi) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_page(page, api)
    ids = list(api.executions)
    places = [
        "#/",
        *(f"#/executions/{id}" for id in ids),
        f"#/executions/{ids[1]}?view=events",
        "#/start/incident-panel",
    ]
    for place in places:
        page.goto(f"{api.address}/{place}")
        expect(page.locator(".card, .summary").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, place
