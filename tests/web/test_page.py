"""The page against the app itself: sign in, start, watch tokens arrive, outlive the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from meta_agents.testing import ModelStub
from tests.support import stores
from tests.web.conftest import Complaints
from tools.processes import Host
from tools.start import ensure_token

AGENTS = ("writer", "optimist", "skeptic")
WORKFLOW = {
    "name": "launch",
    "description": "A draft, then a debate about it",
    "input": {
        "type": "object",
        "required": ["idea"],
        "properties": {"idea": {"type": "string", "minLength": 5, "format": "textarea", "title": "Product idea"}},
    },
    "steps": [
        {"id": "draft", "agent": "writer", "input": "${input.idea}"},
        {
            "id": "debate",
            "group_chat": {
                "participants": ["optimist", "skeptic"],
                "task": "Shall we build it? ${steps.draft.output}",
                "until": {"any": [{"turns": 5}]},
            },
        },
    ],
}
SIGNED = {
    "name": "signed",
    "steps": [
        {"id": "draft", "agent": "writer", "input": "Write about lanterns."},
        {"id": "sign-off", "approval": {"ask": "Publish this?", "show": "${steps.draft.output}", "deadline": "P1D"}},
        {"id": "go", "wait": {"event": "go", "within": "P1D"}},
    ],
    "output": "${steps.draft.output}",
}
DESK = {
    "name": "desk",
    "limits": {"model_calls": 3, "at_cap": "pause"},
    "steps": [{"id": "answer", "agent": "clerk", "input": "When is money paid back?"}],
    "output": "${steps.answer.output}",
}
"""An agent that searches, asks another agent, pays (which a human allows), and has one call too few for it."""
TOOLS: dict[str, dict[str, Any]] = {
    "search-handbook": {"library": {"collection": "handbook"}},
    "pay-back": {"library": {"collection": "handbook"}, "approval": {}, "description": "Pays."},
    "ask-lawyer": {"agent": "skeptic", "description": "Asks about the law."},
}
ANSWER = "A lantern that reads aloud needs neither a screen nor a network, and the sun pays for it"
UNREACHABLE = ("net::ERR_", "WebSocket connection")


@dataclass
class Installation:
    host: Host
    stub: ModelStub
    token: str

    def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        response = httpx.request(method, f"{self.host.address}/api{path}", headers=headers, json=body, timeout=30)
        return response.raise_for_status().json()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    state: Path = tmp_path_factory.mktemp("state")
    token = ensure_token(state).read_text()
    kept = stores.environment(state)
    with ModelStub(state / "model.jsonl") as stub, Host(state, environment=stub.environment() | kept) as host:
        installation = Installation(host, stub, token)
        for name in AGENTS:
            installation.api("PUT", f"/agents/{name}", {"name": name, "instructions": f"You are the {name}."})
        installation.api("PUT", "/workflows/launch", WORKFLOW)
        installation.api("PUT", "/workflows/signed", SIGNED)
        yield installation


def sign_in(page: Page, installation: Installation) -> None:
    page.goto(installation.host.address)
    page.get_by_label("Access token").fill(installation.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Executions")).to_be_visible()


def start(page: Page, idea: str) -> str:
    """Start an execution through the form; returns its id."""
    page.get_by_role("link", name="Start").first.click()
    page.get_by_role("link", name="launch").click()
    page.get_by_label("Product idea").fill(idea)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"#/executions/[0-9a-f]{32}$"))
    return page.url.rsplit("/", 1)[1]


def test_an_execution_is_started_watched_and_outlives_the_host(
    page: Page, installation: Installation, complaints: Complaints
) -> None:
    host = installation.host
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    installation.stub.control(pace=0.1, answers=[ANSWER] * 20)
    sign_in(page, installation)
    expect(page.get_by_text("Nothing has been started yet")).to_be_visible()
    execution = start(page, "A lantern that reads to children")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    writing = page.locator(".writing").first
    expect(writing).to_have_text(re.compile(r"^A lantern that( \w+){0,6}$"))
    expect(writing).to_have_text(re.compile(r"^A lantern that reads aloud needs neither a screen nor"))

    expect(page.locator(".turn")).to_have_count(3)  # the draft, and the debate's second turn being written
    expect(writing).not_to_be_empty()
    host.kill()
    expect(page.get_by_text("Reconnecting …")).to_be_visible()
    host.start()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    assert len([url for url in sockets if "/client/?hub=executions" in url]) == 2  # it came by SignalR, both times

    expect(page.locator(".summary .badge")).to_have_text("completed", timeout=60_000)
    expect(page.locator(".result")).to_contain_text(ANSWER)
    events = installation.api("GET", f"/executions/{execution}/events")["events"]
    answers = [event["value"] for event in events if event["type"] == "call.completed"]
    assert page.locator(".turn .prose").all_inner_texts() == answers == [ANSWER] * 6
    assert page.locator(".writing").count() == 0
    assert complaints.but_for(*UNREACHABLE) == []

    page.reload()
    expect(page.locator(".turn .prose")).to_have_text(answers)


def test_the_servers_answer_about_a_field_is_shown_at_it(page: Page, installation: Installation) -> None:
    sign_in(page, installation)
    page.get_by_role("link", name="Start").first.click()
    page.get_by_role("link", name="launch").click()
    page.get_by_label("Product idea").fill("tiny")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".field-error")).to_have_count(1)
    expect(page.get_by_label("Product idea")).to_have_attribute("aria-invalid", "true")


def test_an_execution_is_canceled_and_retried(page: Page, installation: Installation, complaints: Complaints) -> None:
    installation.stub.control(pace=0.3, answers=[ANSWER] * 20)
    sign_in(page, installation)
    canceled = start(page, "A lantern to be canceled")
    expect(page.locator(".writing")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the execution").click()
    expect(page.locator(".summary .badge")).to_have_text("canceled")
    installation.stub.control(answers=[ANSWER] * 20)
    page.get_by_role("button", name="Retry").click()
    page.wait_for_url(lambda url: canceled not in url)
    expect(page.locator(".summary .badge")).to_have_text("completed", timeout=60_000)
    expect(page.get_by_text("Retry of")).to_contain_text(canceled[-8:])
    page.get_by_role("link", name="Executions", exact=True).click()
    expect(page.locator("tbody .badge").first).to_have_text("completed")
    page.get_by_role("link", name="canceled").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert complaints.texts == []


def test_people_decide_pause_send_what_is_waited_for_and_fork(
    page: Page, installation: Installation, complaints: Complaints
) -> None:
    """The page and the app's control plane speak the same language."""
    installation.stub.control(answers=[ANSWER] * 20)
    execution = installation.api("POST", "/executions", {"workflow": "signed", "input": {}})["id"]
    sign_in(page, installation)
    page.get_by_role("link", name="Approvals 1 waiting").click()
    question = page.get_by_role("article", name="Publish this?")
    expect(question).to_contain_text(ANSWER)
    question.get_by_label("Comment").fill("Good.")
    question.get_by_role("button", name="Approve").click()
    expect(question).to_have_count(0)
    status = page.locator(".summary .badge")
    page.goto(f"{installation.host.address}/#/executions/{execution}")
    expect(question).to_contain_text("Approved by")
    page.get_by_role("button", name="Pause").click()
    expect(status).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(status).to_have_text("running")
    expect(page.locator(".wait")).to_contain_text("go waits for the event “go”")
    page.get_by_role("button", name="Send it").click()
    page.get_by_role("dialog").get_by_role("button", name="Send it").click()
    expect(status).to_have_text("completed")
    page.get_by_role("complementary").get_by_role("button", name="Fork from draft").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("this step's output").check()
    expect(dialog.get_by_label("Change this step's output")).to_have_value(ANSWER)
    dialog.get_by_label("Change this step's output").fill("Another draft.")
    dialog.get_by_label("an agent's instructions").check()
    expect(dialog.get_by_label("Instructions of writer")).to_have_value("You are the writer.")
    dialog.get_by_role("button", name="Start the fork").click()
    page.wait_for_url(lambda url: execution not in url)
    expect(page.get_by_text("was not run: this fork gives its output")).to_be_visible()
    expect(question).to_contain_text("Another draft.")
    expect(page.get_by_text("Fork of")).to_contain_text("before draft; changed: the output of draft")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the execution").click()
    expect(status).to_have_text("canceled")
    expect(question).to_contain_text("not needed any more")
    page.get_by_role("link", name="Compare them").click()
    expect(page.locator(".diff tbody tr", has_text="draft").first).to_contain_text("Another draft.")
    expect(page.get_by_text("gave something else is draft")).to_be_visible()
    assert complaints.texts == []


def calling(*asked: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in asked]}


def test_an_agent_calls_tools_is_allowed_to_and_given_more_to_spend(
    page: Page, installation: Installation, complaints: Complaints
) -> None:
    """The library, tools, approvals and budgets of the app, and what the page knows of them."""
    sign_in(page, installation)
    page.get_by_role("link", name="Library").first.click()
    page.get_by_label("Another collection").fill("handbook")
    page.get_by_role("button", name="Add documents").click()
    refunds = {"name": "refunds.md", "mimeType": "text/markdown", "buffer": b"# Refunds\n\nWithin 14 days."}
    page.locator("input[type=file]").set_input_files(refunds)  # type: ignore[arg-type]
    expect(page.locator(".documents .badge")).to_have_text("ready")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download refunds.md").click()
    assert download.value.path().read_bytes() == refunds["buffer"]
    for name, tool in TOOLS.items():
        installation.api("PUT", f"/tools/{name}", {"name": name, **tool})
    clerk = {"name": "clerk", "instructions": "You are the clerk.", "tools": list(TOOLS)}
    installation.api("PUT", "/agents/clerk", clerk)
    installation.api("PUT", "/workflows/desk", DESK)
    first = calling(
        ("search-handbook", {"query": "money paid back"}),
        ("drop-tables", {}),
        ("pay-back", {"query": "<img src=x onerror=alert(1)>"}),
    )
    answers = [first, calling(("ask-lawyer", {"task": "May we?"})), "You may.", "Soon [refunds.md#1], or [no.md#2]."]
    installation.stub.control(answers=answers)
    execution = installation.api("POST", "/executions", {"workflow": "desk", "input": {}})["id"]
    page.goto(f"{installation.host.address}/#/executions/{execution}")
    turn = page.get_by_role("article", name="clerk, answer")
    expect(turn.get_by_role("article", name="Tool drop-tables")).to_contain_text("Not called: There is no tool")
    question = turn.get_by_role("article", name="May clerk call the tool pay-back?")
    expect(question.locator("pre")).to_contain_text('"query": "<img src=x onerror=alert(1)>"')
    question.get_by_role("button", name="Approve").click()
    expect(turn.get_by_role("article", name="Tool pay-back, answer")).to_contain_text("Approved by")
    card = page.get_by_role("region", name="is used up")
    expect(card).to_contain_text("3 of 3 model calls spent")
    card.get_by_role("button", name="Raise and go on").click()
    expect(page.locator(".summary .badge")).to_have_text("completed")
    expect(turn.get_by_role("article", name="Tool ask-lawyer")).to_contain_text("You may.")
    expect(turn).to_contain_text("3 model calls")
    expect(page.locator(".summary-figures")).to_contain_text("Model calls4")
    expect(page.locator(".result .cite-unknown")).to_contain_text("[no.md#2]")
    page.locator(".result").get_by_role("button", name="[refunds.md#1]").click()
    expect(page.get_by_role("dialog")).to_contain_text("Within 14 days.")
    page.keyboard.press("Escape")
    page.get_by_role("navigation", name="View").get_by_role("link", name="Usage").click()
    expect(page.get_by_role("group", name="By step").locator("tfoot")).to_contain_text("4")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Usage").click()
    expect(page.get_by_role("group", name="By workflow")).to_contain_text("desk")
    for screen in ("Prompts", "Evaluations", "Tools", "Models"):
        page.get_by_role("navigation", name="Main").get_by_role("link", name=screen).click()
        expect(page.get_by_role("heading", name=screen, exact=True)).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
    assert complaints.texts == []
