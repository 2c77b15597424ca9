"""The page in a real browser, over a running app."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.devhost.page.conftest import LONG, OLD, Shop, open_shop
from tests.web.conftest import Complaints

DURABLE = "/runtime/webhooks/durabletask"
ODD_ID = "50%25 o'r\"dër <1>"


def bars(page: Page, name: str | re.Pattern[str]) -> Locator:
    return page.get_by_role("listbox", name="Timeline").get_by_role("option", name=name)


def badge(page: Page) -> Locator:
    return page.locator(".instance-head .title .badge")


def start(shop: Shop, instance_id: str, items: int = 3) -> None:
    wanted = {"id": "o1", "items": ["lamp", "chair", "desk"][:items]}
    shop.post(f"{DURABLE}/orchestrators/fulfil/{instance_id}", wanted)


def test_instances_are_listed_filtered_and_paged(page: Page, shop: Shop, complaints: Complaints) -> None:
    shop.post(f"{DURABLE}/orchestrators/broken/listed-1")
    page.goto(f"{shop.url}/devhost")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(50)
    failed = rows.filter(has_text="listed-1")
    expect(failed).to_have_text(re.compile("ValueError: <img src=x onerror=alert\\(1\\)> no address for nobody$"))
    page.get_by_role("button", name="Older ›").click()
    expect(rows).to_have_count(50)
    expect(failed).to_have_count(0)
    page.go_back()
    expect(failed).to_have_count(1)
    page.get_by_role("searchbox", name="Instance id").fill("old-0123")
    expect(rows).to_have_count(10)
    page.get_by_role("searchbox", name="Instance id").fill("")
    page.get_by_role("searchbox", name="Orchestrator").fill("BROK")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Completed").click()
    expect(page.get_by_text("No instance among the newest is like this; there are older ones.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("searchbox", name="Orchestrator")).to_have_value("BROK")
    assert complaints.texts == []


def test_a_timeline_tells_what_failed_and_why(page: Page, shop: Shop, complaints: Complaints) -> None:
    start(shop, "timeline-1")
    page.goto(f"{shop.url}/devhost#/instances/timeline-1")
    expect(bars(page, "external event approve, still open")).to_have_count(1)
    expect(bars(page, re.compile("^activity reserve, done"))).to_have_count(3)
    expect(bars(page, re.compile("^activity price, attempt 1 of 3, failed"))).to_have_count(1)
    expect(bars(page, re.compile("^delay before a retry price: delay 50 ms, done"))).to_have_count(1)
    expect(bars(page, re.compile("^activity price, attempt 2 of 3, done"))).to_have_count(1)
    expect(bars(page, re.compile("^timer timer 50 ms, done"))).to_have_count(1)
    expect(bars(page, re.compile("^entity call @stock@main take, done"))).to_have_count(1)
    bars(page, re.compile("^activity notify, failed")).click()
    details = page.get_by_role("complementary", name="Details")
    expect(details.locator(".reason")).to_have_text(re.compile("ValueError: <img src=x onerror=alert"))
    expect(details.get_by_label("Traceback")).to_contain_text("in notify")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    details.get_by_role("link", name="timeline-1:parcel").click()
    expect(page.get_by_role("link", name="timeline-1", exact=True)).to_be_visible()
    expect(page.get_by_label("Output", exact=True)).to_contain_text('"to": "Zoë"')
    assert complaints.texts == []


def test_an_event_is_raised_and_its_effect_is_seen(page: Page, shop: Shop) -> None:
    start(shop, "approved-1")
    page.goto(f"{shop.url}/devhost#/instances/approved-1")
    expect(page.locator(".note")).to_have_text("Waits for external event approve, timer due in 2 d 23 h")
    page.get_by_role("button", name="Raise event…").click()
    expect(page.get_by_label("Name")).to_have_value("approve")
    page.get_by_label("Data").fill("Ada")
    page.get_by_role("button", name="Raise", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("this is not JSON")
    page.get_by_label("Data").fill('{"by": "Ada"}')
    page.get_by_role("button", name="Raise", exact=True).click()
    expect(badge(page)).to_have_text("Completed")
    expect(bars(page, re.compile("^timer timer 3 d, cancelled"))).to_have_count(1)
    expect(page.get_by_label("Output", exact=True)).to_contain_text('"by": "Ada"')


def test_an_instance_is_terminated_only_when_that_is_meant(page: Page, shop: Shop, complaints: Complaints) -> None:
    shop.post(f"{DURABLE}/orchestrators/many/many-1", 1)
    page.goto(f"{shop.url}/devhost#/instances/many-1")
    page.get_by_role("button", name="Terminate…").click()
    page.keyboard.press("Escape")
    expect(badge(page)).to_have_text("Running")
    page.get_by_role("button", name="Terminate…").click()
    page.get_by_label("Reason").fill("enough & <done>")
    page.get_by_role("button", name="Terminate", exact=True).click()
    expect(badge(page)).to_have_text("Terminated")
    expect(page.get_by_role("note")).to_have_text("Terminated: enough & <done>")
    page.get_by_role("button", name="Purge…").click()
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(page.get_by_role("heading", name="many-1")).to_have_count(0)
    page.go_back()
    expect(page.get_by_text("There is no instance with the id many-1.")).to_be_visible()
    assert complaints.but_for("404") == []


def test_odd_ids_survive_links_and_actions(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.url}/devhost#/functions")
    page.get_by_role("button", name="Start fulfil").click()
    page.get_by_label("Input").fill(json.dumps({"id": "o1", "items": [1]}))
    page.get_by_label("Instance id").fill(ODD_ID)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name=ODD_ID)).to_be_visible()
    page.get_by_role("button", name="Suspend…").click()
    page.get_by_role("button", name="Suspend", exact=True).click()
    expect(badge(page)).to_have_text("Suspended")
    page.get_by_role("link", name="Pending").click()
    page.get_by_role("link", name=ODD_ID).first.click()
    expect(page.get_by_role("heading", name=ODD_ID)).to_be_visible()
    page.get_by_role("button", name="Resume…").click()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(badge(page)).to_have_text("Running")


def test_an_entity_shows_its_state_and_takes_a_signal(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.url}/devhost#/functions")
    page.get_by_role("button", name="Signal stock").click()
    page.get_by_label("Key").fill("shelf/2 & co")
    page.get_by_label("Operation").fill("take")
    page.get_by_label("Input").fill("7")
    page.get_by_role("button", name="Signal", exact=True).click()
    expect(page.get_by_text("Sent take.")).to_be_visible()
    page.get_by_role("link", name="Entities").click()
    state = page.get_by_label("State of shelf/2 & co")
    expect(state).to_have_text(re.compile(r'\{\s*"left": 93,\s*"taken": 7\s*\}'))
    page.get_by_role("button", name="Signal stock shelf/2 & co").click()
    page.get_by_label("Operation").fill("take")
    page.get_by_label("Input").fill("1")
    page.get_by_role("button", name="Signal", exact=True).click()
    expect(state).to_contain_text('"left": 92')


def test_a_timer_function_is_fired(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.url}/devhost#/functions")
    page.get_by_role("button", name="Fire yearly").click()
    page.get_by_role("button", name="Fire", exact=True).click()
    expect(page.get_by_text("Fired yearly.")).to_be_visible()
    page.goto(f"{shop.url}/devhost#/entities?name=stock")
    expect(page.get_by_role("article", name="stock yearly")).to_be_visible()


def test_ten_thousand_events_and_instances_do_not_hurt(page: Page, shop: Shop, complaints: Complaints) -> None:
    page.goto(f"{shop.url}/devhost#/instances/long")
    expect(page.get_by_role("button", name=f"All {LONG}", exact=True)).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text=re.compile("events$"))).to_have_text("10 001 events")
    rows = page.locator(".bar-row, .event-row")
    assert rows.count() < 120
    bars(page, re.compile("^orchestrator ship")).focus()
    page.keyboard.press("End")
    expect(bars(page, re.compile("^activity label")).last).to_be_focused()
    assert page.get_by_role("option").last.get_attribute("aria-posinset") == str(LONG + 1)
    page.get_by_role("link", name="Instances").first.click()
    expect(page.get_by_role("button", name=re.compile(r"^Completed 10 \d\d\d"))).to_be_visible()
    assert OLD == 10_000
    assert complaints.texts == []


def test_everything_that_can_be_used_has_a_name(page: Page, shop: Shop) -> None:
    roles = "button|link|textbox|searchbox|checkbox|option|region|heading|listbox|grid"
    page.goto(f"{shop.url}/devhost")
    for view in ("instances", "instances/long", "pending", "entities", "functions"):
        page.goto(f"{shop.url}/devhost#/{view}")
        expect(page.get_by_role("region").or_(page.get_by_role("heading")).first).to_be_visible()
        seen = page.locator("body").aria_snapshot()
        assert len(re.findall(rf"- (?:{roles}) \"", seen)) > 5
        assert re.findall(rf"^\s*- (?:{roles})(?: \[[^]]*\])*:?$", seen, re.M) == []


def test_a_fresh_host_with_keys_and_what_is_said_after_its_end(page: Page, tmp_path: Path) -> None:
    with open_shop(tmp_path / "state.db", "--keys") as shop:
        key = json.loads((tmp_path / "state.db.keys.json").read_text())["master"]
        page.goto(f"{shop.url}/devhost")
        page.get_by_role("textbox", name="Master key").fill("a guess")
        page.keyboard.press("Enter")
        expect(page.get_by_text("This is not the master key.")).to_be_visible()
        page.goto(f"{shop.url}/devhost?code={key}")
        expect(page.get_by_role("heading", name="No instances yet")).to_be_visible()
        assert key not in page.url
        expect(page.get_by_text(f"curl -X POST '{shop.url}/api/orders'")).to_be_visible()
        page.get_by_role("button", name="Start…").click()
        page.get_by_label("Orchestrator").last.fill("broken")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(badge(page)).to_have_text("Failed")
    expect(page.get_by_role("alert")).to_have_text("The host does not answer. Is it stopped? Trying again…")
