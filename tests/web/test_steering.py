"""The page where people steer: questions, pauses, forks, comparisons; against a scripted API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import NO_SIGNALR, Complaints, id_of, open_page
from tests.web.fake_api import FakeApi, steered
from tests.web.steered import ASK, NOTES, release
from tests.web.stories import Story

PHONE = 360


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with steered() as api:
        yield api


def test_a_question_is_answered_in_the_inbox(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api)
    inbox = page.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals")
    expect(inbox).to_have_text("Approvals 3 waiting")
    inbox.press("Enter")
    card = page.get_by_role("article", name=ASK)
    expect(card).to_contain_text("Ends in 2 h; then it counts as rejected.")
    expect(card).to_contain_text("The link works for a day")
    card.get_by_label("Comment").fill("Not on a Friday.")
    card.get_by_role("button", name="Reject").press("Enter")
    expect(card).to_have_count(0)
    expect(page.get_by_role("article")).to_have_count(2)
    expect(inbox).to_have_text("Approvals 2 waiting")
    expect(page.get_by_role("heading", name="Approvals")).to_be_focused()
    assert api.asked == [
        ("/api/approvals/release-notes-sign-off", {"decision": "reject", "comment": "Not on a Friday."})
    ]
    assert complaints.but_for(NO_SIGNALR) == []


def test_a_question_is_answered_where_it_arose(page: Page, api: FakeApi, complaints: Complaints) -> None:
    open_page(page, api, f"#/executions/{id_of(api, 'release-notes')}")
    page.get_by_role("button", name="Go to it").click()
    card = page.get_by_role("article", name=ASK)
    expect(card.get_by_label("Comment")).to_be_focused()
    card.get_by_role("button", name="Approve").click()
    expect(card).to_contain_text("Approved by")
    expect(page.get_by_role("button", name="Go to it")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Main")).to_contain_text("2 waiting")
    expect(page.locator(".step", has_text="sign-off")).to_have_class("step step-completed")
    assert complaints.but_for(NO_SIGNALR) == []


def test_a_human_says_their_words(page: Page, api: FakeApi) -> None:
    open_page(page, api, f"#/executions/{id_of(api, 'naming')}")
    say = page.get_by_role("button", name="Say it")
    expect(say).to_be_disabled()
    page.get_by_label("Your words").fill("Call it Lamp.")
    say.click()
    said = page.get_by_role("article", name="owner, names/turn[3]")
    expect(said).to_contain_text("Call it Lamp.")
    expect(page.locator("#asked-naming-turn-3")).to_be_focused()
    page.get_by_role("button", name="Turn 1: poet").click()
    page.get_by_role("button", name="Turn 3: owner").click()
    expect(said).to_be_in_viewport()
    assert api.asked[-1][1] == {"decision": "say", "comment": "Call it Lamp."}


def test_an_execution_is_paused_resumed_and_canceled(page: Page, api: FakeApi, complaints: Complaints) -> None:
    execution = id_of(api, "release-notes")
    open_page(page, api, f"#/executions/{execution}")
    status = page.locator(".summary .badge")
    page.get_by_role("button", name="Pause").press("Enter")
    expect(status).to_have_text("paused")
    expect(page.get_by_text("nothing new begins until it is resumed")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.keyboard.press("Enter")
    expect(status).to_have_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("What is not finished is lost.")).to_be_visible()
    page.get_by_role("button", name="Cancel the execution").click()
    expect(status).to_have_text("canceling")
    expect(page.get_by_role("button", name="Canceling …")).to_be_disabled()
    api.executions[execution].add("execution.canceled")
    expect(status).to_have_text("canceled")
    expect(page.get_by_role("article", name=ASK)).to_contain_text("not needed any more")
    page.get_by_role("button", name="Retry").click()
    page.wait_for_url(lambda url: execution not in url)
    expect(page.get_by_text("Retry of")).to_contain_text(execution[-8:])
    assert [path.rsplit("/", 1)[1] for path, _ in api.asked] == ["pause", "resume", "cancel", "retry"]
    assert complaints.but_for(NO_SIGNALR) == []


def test_it_is_forked_from_a_step_with_what_was_edited(page: Page, api: FakeApi, complaints: Complaints) -> None:
    execution = id_of(api, "release-notes")
    open_page(page, api, f"#/executions/{execution}")
    opener = page.get_by_role("complementary").get_by_role("button", name="Fork from polish/round[2]/write")
    opener.press("Enter")
    dialog = page.get_by_role("dialog", name="Fork from here")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    opener.press("Enter")
    dialog.get_by_label("this step's output").check()
    expect(dialog.get_by_label("Change this step's output")).to_have_value(NOTES)
    dialog.get_by_label("Change this step's output").fill("Nothing new.")
    dialog.get_by_label("the input").check()
    dialog.get_by_label("Change the input").fill("{")
    dialog.get_by_label("an agent's instructions").check()
    dialog.get_by_label("Agent", exact=True).select_option("critic")
    expect(dialog.get_by_text("As this execution has it, version 4.")).to_be_visible()
    dialog.get_by_label("Instructions of critic").fill("Be kind.")
    send = dialog.get_by_role("button", name="Start the fork")
    send.click()
    expect(dialog.get_by_text("This is not JSON")).to_be_visible()
    assert api.asked == []
    dialog.get_by_label("Change the input").fill('{"version": "4.3"}')
    api.refusal = {"code": "invalid_input", "detail": "There is no such version.", "action": "Write another."}
    send.click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is no such version.")
    api.refusal = None
    send.click()
    page.wait_for_url(lambda url: execution not in url)
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Fork of")).to_contain_text(
        "before polish/round[2]/write; changed: input, agents/critic, the output of polish/round[2]/write"
    )
    assert api.asked[0] == api.asked[1]
    assert api.asked[1][1] == {
        "before": "polish/round[2]/write",
        "input": {"version": "4.3"},
        "outputs": {"polish/round[2]/write": "Nothing new."},
        "agents": {"critic": {"name": "critic", "instructions": "Be kind.", "temperature": 0.2}},
    }
    assert complaints.but_for(NO_SIGNALR, "/fork") == []


def test_an_event_that_is_waited_for_is_sent(page: Page, api: FakeApi) -> None:
    execution = id_of(api, "release-notes")
    open_page(page, api, f"#/executions/{execution}")
    expect(page.locator(".wait")).to_contain_text("publish/store waits for the event “store-approved”, until")
    page.get_by_role("button", name="Send it").click()
    page.get_by_label("What comes with it").fill('{"build": 7}')
    page.get_by_role("dialog").get_by_role("button", name="Send it").click()
    expect(page.get_by_text("The event “store-approved” came by local")).to_be_visible()
    assert api.asked == [(f"/api/executions/{execution}/events/store-approved", {"build": 7})]


def test_two_executions_are_compared(page: Page, api: FakeApi, complaints: Complaints) -> None:
    left, right = id_of(api, "release-notes"), "0198f1ab" + "0" * 24
    fork = {"before": "polish/round[1]/write", "until": 30, "outputs": [], "edited": ["agents/writer"]}
    api.executions[right] = release()
    api.executions[right].kin = {"retry_of": left, "fork": fork}
    open_page(page, api, f"#/executions/{right}")
    page.get_by_role("link", name="Compare them").click()
    expect(page.get_by_text("They part at")).to_contain_text("polish/round[1]/write")
    expect(page.locator(".diff tbody tr")).to_have_count(4)
    expect(page.locator(".diff-first")).to_contain_text("They part here")
    page.get_by_role("button", name="polish/round[1]/write").click()
    expect(page.locator(".diff-first")).to_be_focused()
    expect(page.locator(".sides")).to_contain_text("− $0.0026")
    page.get_by_text("Definitions").click()
    expect(page.locator(".changed")).to_contain_text("/agents/writer/instructions")
    page.get_by_label("also the 3 that are the same").check()
    expect(page.locator(".diff tbody tr")).to_have_count(7)
    page.get_by_role("link", name="With another").click()
    page.locator("a.cover", has_text="release-notes@3").click()  # one of those to choose from, not of those compared
    expect(page.get_by_text("They part at")).to_be_visible()
    assert complaints.but_for(NO_SIGNALR) == []


def test_a_long_log_is_drawn_where_somebody_looks(page: Page, api: FakeApi) -> None:
    """Everything is there, little of it in the page: its newest turn, and any other that is asked for."""
    story = Story("long", {}, datetime.now(UTC))
    story.add("step.started", "each", data={"kind": "map"})
    for number in range(100):
        story.agent_step(f"each[{number}]", "worker", "Done. " * 40)
    story.add("step.started", "talk", data={"kind": "group_chat"})
    for number in range(1, 401):
        story.call(f"talk/turn[{number}]", "ann" if number % 2 else "bob", f"This is {number}. " * 20, turn=number)
    story.add("thing.unheard_of", "talk", data={"of": "tomorrow"})
    api.executions["long"] = story
    open_page(page, api, "#/executions/long")
    expect(page.get_by_text("This is 400.")).to_be_in_viewport()
    page.wait_for_function("document.querySelectorAll('*').length < 4000")
    page.get_by_role("button", name="340 earlier …").click()
    page.get_by_role("button", name="Turn 7: ann").click()
    expect(page.get_by_text("This is 7.")).to_be_in_viewport()
    story.call("talk/turn[401]", "ann", "The last words.", turn=401)
    page.get_by_role("button", name="↓ Latest").click()
    expect(page.get_by_text("The last words.")).to_be_in_viewport()
    page.get_by_role("link", name="Events").click()
    expect(page.get_by_text(f"{len(story.events)} events")).to_be_visible()
    page.get_by_role("searchbox").fill("unheard")
    expect(page.locator(".events li")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(page: Page, api: FakeApi, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": PHONE, "height": 740})
    open_page(page, api)
    ids = list(api.executions)
    compare = f"#/compare/{ids[0]}"
    for place in ["#/", "#/approvals", *(f"#/executions/{id}" for id in ids), compare, f"{compare}/{ids[1]}"]:
        page.goto(f"{api.address}/{place}")
        expect(page.locator(".card, .empty").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, place
    page.goto(f"{api.address}/#/executions/{ids[0]}")
    page.get_by_role("button", name="Fork from changes", exact=True).click()
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= PHONE - box["width"]
