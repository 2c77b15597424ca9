"""Executions as a log tells them, for the scripted API and for the pictures in the documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Any
MODEL = "gpt-5-mini"
STATUSES = {
    "execution.paused": "paused",
    "execution.resumed": "running",
    "execution.cancel_requested": "canceling",
    "execution.completed": "completed",
    "execution.failed": "failed",
    "execution.canceled": "canceled",
}


@dataclass
class Story:
    """A log being written: each method appends events and lets time pass."""

    workflow: str
    input: dict[str, Json]
    start: datetime = field(default_factory=lambda: datetime.now(UTC))
    events: list[dict[str, Json]] = field(default_factory=list)
    spent: dict[str, Json] = field(default_factory=lambda: usage(0, 0) | {"model_calls": 0})
    turns: int = 0
    seconds: float = 0
    kin: dict[str, Json] = field(default_factory=dict)
    """What its record says of where it came from: `retry_of`, `fork`."""

    def __post_init__(self) -> None:
        self.add("execution.started", data={"workflow": self.workflow, "version": 3}, value=self.input)

    def add(
        self, type: str, step: str | None = None, agent: str | None = None, *, data: Json = None, value: Json = None
    ) -> None:
        """Append one event at the time the story has come to."""
        offset = len(self.events) + 1
        time = (self.start + timedelta(seconds=self.seconds)).isoformat().replace("+00:00", "Z")
        event = {"offset": offset, "id": str(offset), "type": type, "time": time, "step": step, "agent": agent}
        self.events.append(event | {"data": data or {}, "value": value, "artifact": None})

    def begin(self, step: str, agent: str, attempt: int = 1, **facts: Json) -> None:
        about = {"call": f"{step}#0", "attempt": attempt, **facts}
        self.add("call.started", step, agent, data={**about, "model": "default"})

    def answer(self, step: str, agent: str, text: Json, seconds: float = 2.4, attempt: int = 1, **facts: Json) -> None:
        """The end of a call that has begun."""
        self.seconds += seconds
        used = usage(180 + 6 * len(self.events), len(str(text)) // 4)
        self.spent = add_usage(self.spent, used)
        self.turns += "role" not in facts
        about = {"call": f"{step}#0", "attempt": attempt, **facts}
        data = {**about, "model": MODEL, "usage": used, "seconds": seconds, "finish_reason": "stop"}
        self.add("call.completed", step, agent, data=data, value=text)

    def call(self, step: str, agent: str, text: Json, seconds: float = 2.4, **facts: Json) -> None:
        self.begin(step, agent, **facts)
        self.answer(step, agent, text, seconds, **facts)

    def agent_step(self, step: str, agent: str, text: Json, seconds: float = 2.4) -> None:
        self.add("step.started", step, data={"kind": "agent"})
        self.call(step, agent, text, seconds)
        self.add("step.completed", step)

    def complete(self, output: Json, stop_reason: str = "finished") -> Story:
        data = {"stop_reason": stop_reason, "usage": self.spent, "turns": self.turns}
        self.add("execution.completed", data=data, value=output)
        return self

    @property
    def status(self) -> str:
        """As the last event that says so has it."""
        told = (STATUSES[event["type"]] for event in reversed(self.events) if event["type"] in STATUSES)
        return next(told, "running")

    def record(self, id: str) -> dict[str, Json]:
        """The execution's record, as the API shows it."""
        last = self.events[-1]
        status = self.status
        ended = status in {"completed", "failed", "canceled"}
        return {
            "id": id,
            "workflow": self.workflow,
            "workflow_version": 3,
            "status": status,
            "input": self.input,
            "output": last["value"] if status == "completed" else None,
            "error": last["data"].get("error"),
            "stop_reason": last["data"].get("stop_reason"),
            "usage": self.spent,
            "turns": self.turns,
            "retry_of": None,
            "fork": None,
            "imported_from": None,
            "hold": None,
            **self.kin,
            "started_by": "local",
            "created": self.events[0]["time"],
            "ended": last["time"] if ended else None,
        }


def usage(tokens_in: int, tokens_out: int) -> dict[str, Json]:
    cost = f"{tokens_in * 0.25e-6 + tokens_out * 2e-6:.6f}"
    return {"model_calls": 1, "tokens_in": tokens_in, "tokens_out": tokens_out, "cost_usd": cost}


def add_usage(left: dict[str, Json], right: dict[str, Json]) -> dict[str, Json]:
    cost = f"{float(left['cost_usd']) + float(right['cost_usd']):.6f}"
    return {key: left[key] + right[key] for key in ("model_calls", "tokens_in", "tokens_out")} | {"cost_usd": cost}


REPORT = (
    "On 3 October, between 18:04 and 18:41, 212 customers were charged twice. The payment provider answered slowly, "
    "the shop's worker gave up after ten seconds and sent the charge again, without a key by which the provider could "
    "have known it. Support noticed by the calls; the first engineer was reached after 25 minutes."
)
PANEL = [
    ("engineer", "The provider may begin", "Send a payment key with every charge. It is one header and one column, and "
     "the provider then refuses the second charge whatever our worker does."),
    ("support-lead", "The customers have not been heard", "Customers forgive a delay, not a second charge. I would "
     "also refuse a second order of the same basket within five minutes; it is what they see."),
    ("operator", "Nobody spoke of detection yet", "We learnt it from the phone, after 20 minutes. An alarm on two "
     "charges of one order would have rung in one. But it mends nothing."),
    ("support-lead", "Support should answer the engineer", "Then the key first: no duplicate, no call. The refusal of "
     "orders annoys people who do want two."),
    ("engineer", "Settle the effort", "The key takes one day with its test. The alarm can follow in the same week, it "
     "reads the column that the key brings."),
    ("operator", "Only the operator is left to agree", "Agreed: the payment key tomorrow, and the alarm on its column "
     "after it."),
]  # fmt: skip


def panel(turns: int = len(PANEL), start: datetime | None = None) -> Story:
    """A chaired debate; with fewer turns than it has, one that still runs."""
    story = Story("incident-panel", {"report": REPORT}, start or datetime.now(UTC))
    facts = (
        "Between 18:04 and 18:41 on 3 October 212 customers were charged twice, because a slow payment was sent again "
        "without a key. Support found out by phone. Proposed: a payment key, refusing double orders, an alarm, "
        "a pager button."
    )
    story.agent_step("facts", "summariser", facts, 3.1)
    story.add("step.started", "panel", data={"kind": "group_chat"})
    for number, (agent, reason, text) in enumerate(PANEL[:turns], 1):
        step = f"panel/turn[{number}]"
        choice = {"next": agent, "reason": reason, "agreed": False}
        story.call(f"{step}/chair", "chair", choice, 0.8, turn=number, role="chair")
        story.add("chat.speaker_chosen", step, agent, data={"turn": number, "by": "chair", "reason": reason})
        story.call(step, agent, text, 2.2, turn=number)
    if turns < len(PANEL):
        return story
    evidence = "All three name the payment key as the first measure."
    story.add("chat.ended", "panel", data={"stop_reason": "agreed", "turns": turns, "evidence": evidence})
    story.add("step.completed", "panel")
    return story.complete(PANEL[-1][2], "agreed")


REVIEWS = {
    "security": ("security-reviewer", "The export link works for anyone who has it, for ever. Let it expire after a "
                 "day and ask for the account's password again before passports are included."),
    "cost": ("cost-reviewer", "Six weeks for a feature that 4 % asked for is much, but it replaces 30 support hours a "
             "month. The storage cost of kept exports is missing."),
    "traveller": ("traveller-reviewer", "One file with every booking is what I want at the border. I would be annoyed "
                  "to wait for an e-mail; show me the file on the page when it is ready."),
}  # fmt: skip


def review() -> Story:
    """Three reviewers at the same time, none of which has ended yet."""
    story = Story("design-review", {"proposal": "Travellers can export all their bookings as one file."})
    story.add("step.started", "reviews", data={"kind": "concurrent"})
    for branch, (agent, _) in REVIEWS.items():
        story.add("step.started", f"reviews/{branch}", data={"kind": "agent"})
        story.begin(f"reviews/{branch}", agent)
        story.seconds += 0.1
    return story


def finish_review(story: Story) -> Story:
    """The rest of `review`, appended to it."""
    for branch, (agent, text) in REVIEWS.items():
        story.answer(f"reviews/{branch}", agent, text)
        story.add("step.completed", f"reviews/{branch}")
    story.add("step.completed", "reviews")
    merged = "Keep the export; let its link expire after a day, show it on the page, and say what keeping it costs."
    story.agent_step("merge", "editor", merged)
    return story.complete(merged)


def problem(code: str, message: str, action: str) -> dict[str, Json]:
    return {"code": code, "message": message, "action": action, "fault": "model", "retryable": True}


def failure() -> Story:
    """A model that went away: one attempt, another, then the end."""
    story = Story("launch-brief", {"idea": "A lantern that charges by day and reads to children at night."})
    brief = (
        "The reading lantern charges in the sun and reads a story aloud at night. It needs no screen and no network."
    )
    story.agent_step("draft", "writer", brief)
    story.add("step.started", "critique", data={"kind": "agent"})
    error = problem("model_unreachable", "The model did not answer within 120 s.", "Check that the model is up.")
    for attempt in (1, 2):
        story.begin("critique", "critic", attempt)
        story.seconds += 4
        about = {"call": "critique#0", "attempt": attempt, "error": error}
        story.add("call.failed", "critique", "critic", data=about | ({"retry_in": 2.0} if attempt == 1 else {}))
        story.seconds += 2
    story.add("step.failed", "critique", data={"error": error})
    story.add("execution.failed", data={"error": error, "usage": story.spent, "stop_reason": "failed", "turns": 1})
    return story
