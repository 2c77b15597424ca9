"""Executions that people steer: questions and waits, what was canceled and why, and two beside each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.web.stories import MODEL, Json, Story, problem, usage

ASK = "Publish these release notes to all 4,100 customers?"
NOTES = (
    "Exports: all bookings as one file, from the account page. The link works for a day and asks for the password "
    "again.\n\nPayments: a charge that is sent twice is taken once."
)
DRAFTS = [
    ("Exports are here! Get all your bookings in one great file.", "It promises more than it says: for how long?"),
    (NOTES, "SHIP IT. It says what changed, and for whom."),
]


OPTIONS = {
    "approval": ["approve", "reject"],
    "failure": ["retry", "skip", "fail"],
    "turn": ["say", "pass"],
    "tool": ["approve", "reject"],
    "uncertain": ["carried_out", "call_again", "fail"],
}


def release(start: datetime | None = None) -> Story:
    """Release notes, written and checked, that wait for a human and for the store."""
    story = Story("release-notes", {"version": "4.2"}, start or datetime.now(UTC) - timedelta(minutes=12))
    changes(story)
    triage(story)
    polish(story)
    publish(story)
    return story


def changes(story: Story) -> None:
    """Two of three sources are enough; the third is canceled."""
    story.add("step.started", "changes", data={"kind": "concurrent"})
    for branch, agent in {"commits": "historian", "tickets": "librarian", "chat": "listener"}.items():
        story.add("step.started", f"changes/{branch}", data={"kind": "agent"})
        story.begin(f"changes/{branch}", agent)
    story.answer("changes/commits", "historian", "Exports as one file (#812). A payment key with every charge (#790).")
    story.add("step.completed", "changes/commits")
    story.answer("changes/tickets", "librarian", "Asked for 41 times: all bookings in one file, for the border.")
    story.add("step.completed", "changes/tickets")
    error = {"code": "canceled", "message": "It was canceled.", "action": "", "fault": "caller"}
    about = {"call": "changes/chat#0", "attempt": 1, "error": error}
    story.add("call.failed", "changes/chat", "listener", data=about, value="In the support channel, people")
    story.add("step.canceled", "changes/chat", data={"reason": "what `join` asks for is there"})
    evidence = "2 of 3 succeeded, 0 failed, 1 canceled"
    story.add("step.completed", "changes", data={"stop_reason": "enough", "evidence": evidence})


def triage(story: Story) -> None:
    """A tool, then a conversation that is passed on to whoever knows."""
    story.add("step.started", "customers", data={"kind": "tool"})
    call = {"call": "customers#0", "attempt": 1, "tool": "crm-count"}
    story.add("call.started", "customers", data={**call, "arguments": "{'feature': 'export', 'plan': 'any'}"})
    story.seconds += 1.1
    done = {**call, "seconds": 1.1}
    story.add("call.completed", "customers", data=done, value={"customers": 4100, "asked": 41})
    story.add("step.completed", "customers")
    story.add("step.started", "audience", data={"kind": "handoff"})
    passed = {"to": "lawyer", "reason": "Double charges are a legal matter, not one of tone."}
    answer = {"pass_to": "lawyer", "reason": passed["reason"], "answer": "This is about what may be said of payments."}
    story.call("audience/turn[1]", "greeter", answer, turn=1)
    story.add("handoff.passed", "audience/turn[1]", "greeter", data=passed)
    story.call("audience/turn[2]", "lawyer", "Say what is mended; name neither the provider nor a number.", turn=2)
    story.add("step.completed", "audience", data={"stop_reason": "finished"})


def polish(story: Story) -> None:
    """A loop that ends when the critic says so."""
    story.add("step.started", "polish", data={"kind": "loop"})
    for number, (draft, critique) in enumerate(DRAFTS, 1):
        story.add("loop.round", f"polish/round[{number}]", data={"round": number})
        for step, agent, text in (("write", "writer", draft), ("judge", "critic", critique)):
            story.agent_step(f"polish/round[{number}]/{step}", agent, text)
    evidence = "`steps.judge.output.contains('SHIP IT')` is true after round 2."
    story.add("step.completed", "polish", data={"stop_reason": "condition", "evidence": evidence})


def publish(story: Story) -> None:
    """A human and the store, both waited for."""
    story.add("step.started", "publish", data={"kind": "concurrent"})
    story.add("step.started", "publish/store", data={"kind": "wait"})
    until = (story.start + timedelta(days=1)).isoformat()
    story.add("step.waiting", "publish/store", data={"for": "event", "event": "store-approved", "until": until})
    story.add("step.started", "publish/sign-off", data={"kind": "approval"})
    ask(story, "publish/sign-off", f"{story.workflow}-sign-off", ASK, NOTES)


def ask(story: Story, step: str, approval: str, ask: str, show: Json, kind: str = "approval", **facts: Json) -> None:
    """A question, due two hours from now."""
    deadline = (datetime.now(UTC) + timedelta(hours=2, minutes=3)).isoformat()
    options = OPTIONS[kind]
    data = {"approval": approval, "kind": kind, "roles": ["operator"], "options": options, "otherwise": options[-1]}
    story.add(
        "approval.requested", step, data={**data, "deadline": deadline, **facts}, value={"ask": ask, "show": show}
    )


def talk() -> Story:
    """A chat in which a human takes part: it is their turn."""
    story = Story("naming", {"product": "a reading lantern"}, datetime.now(UTC) - timedelta(minutes=3))
    story.add("step.started", "names", data={"kind": "group_chat"})
    story.call("names/turn[1]", "poet", "Lullalamp: it lulls, it lights.", turn=1)
    story.call("names/turn[2]", "grump", "Nobody can spell that. Call it Lantern.", turn=2)
    verdict = {"turn": 2, "settled": False, "reason": "Two names, and no one has given way."}
    story.call("names/turn[2]/judge", "arbiter", verdict, turn=2, role="judge")
    story.add("chat.judged", "names/turn[2]/judge", "arbiter", data=verdict)
    story.call(
        "names/turn[2]/summary", "clerk", "The poet proposes Lullalamp, the grump Lantern.", turn=2, role="summary"
    )
    story.add("chat.summarised", "names/turn[2]/summary", "clerk", data={"turn": 2, "covers": [1, 2], "lost": None})
    chosen = {"turn": 3, "by": "round_robin", "reason": "next in turn"}
    story.add("chat.speaker_chosen", "names/turn[3]", "owner", data=chosen)
    question = "It is your turn to speak, owner: say something, or pass."
    ask(story, "names/turn[3]", "naming-turn-3", question, None, "turn", turn=3, speaker="owner")
    return story


def stuck() -> Story:
    """A step that failed, and a human who is to say what becomes of it."""
    story = Story("nightly-digest", {"day": "Monday"}, datetime.now(UTC) - timedelta(hours=1))
    story.add("step.started", "collect", data={"kind": "agent"})
    error = problem("model_bad_answer", "At `headline`: this is missing.", "Ask again.")
    for number in (0, 1):
        repairs = {"repairs": "collect#0"} if number else {}
        about = {"call": f"collect#{number}", "attempt": 1, **repairs}
        story.add("call.started", "collect", "collector", data={**about, "model": "default"})
        story.seconds += 3
        answer = {
            **about,
            "model": MODEL,
            "usage": usage(420, 31),
            "seconds": 3,
            "finish_reason": "stop",
            "error": error,
        }
        story.add("call.rejected", "collect", "collector", data=answer, value='{"body": "It rained."}')
    story.add("step.failed", "collect", data={"error": error})
    question = "Step `collect` failed. At `headline`: this is missing."
    ask(story, "collect", "nightly-digest-collect", question, None, "failure")
    return story


def approvals(execution: str, story: Story) -> list[dict[str, Json]]:
    """The open questions of a story, as the API lists them."""
    found = []
    for event in story.events:
        if event["type"] != "approval.requested":
            continue
        data = event["data"]
        kept = {key: data[key] for key in ("kind", "options", "roles", "deadline", "otherwise")}
        record = {
            "id": data["approval"], "execution": execution, "workflow": story.workflow, "step": event["step"],
            **event["value"], **kept, "escalated": False, "created": event["time"], "state": "pending",
            "decision": None, "comment": "", "by": None, "decided": None,
        }  # fmt: skip
        found.append(record)
    return found


def decide(story: Story, approval: dict[str, Json], decision: dict[str, Json]) -> None:
    """What the log tells of a decision, and of the end of its step."""
    data = {"approval": approval["id"], "how": "decided", "by": "local", **decision}
    story.seconds += 60
    words = decision if approval["kind"] == "turn" else None
    story.add("approval.decided", approval["step"], data={**data, "comment": data["comment"][:300]}, value=words)
    if approval["kind"] == "approval":
        approved = decision["decision"] == "approve"
        story.add("step.completed", approval["step"], value={"approved": approved, "by": "local"})


def comparison(left: dict[str, Json], right: dict[str, Json], *, changed: bool) -> dict[str, Json]:
    """Two executions of `release`, of which the second was told to be dry."""
    rows = [
        row("changes", "concurrent", "same"),
        row("changes/commits", "agent", "same", agent="historian", preview="Exports as one file (#812)."),
        row("polish", "loop", "same"),
        row(
            "polish/round[1]/write", "agent", "changed", ["definition", "request", "output"], ["request", "output"],
            agent="writer", preview=(DRAFTS[0][0], "Exports: all bookings as one file."), seconds=(2.4, 1.1),
        ),
        row("polish/round[1]/judge", "agent", "changed", ["request", "output", "stop_reason"], agent="critic",
            preview=(DRAFTS[0][1], DRAFTS[1][1])),
        row("polish/round[2]/write", "agent", "only_left", agent="writer", preview=NOTES),
        row("extra", "agent", "only_right", agent="proofreader", preview="No mistakes found."),
    ]  # fmt: skip
    instructions = {
        "pointer": "/agents/writer/instructions", "kind": "changed",
        "left": "Write release notes that people like.", "right": "Write release notes. Be dry.",
    }  # fmt: skip
    nothing: dict[str, Json] = {"items": [], "left_out": 0}
    return {
        "left": side(left, 31.2, 9), "right": side(right, 22.7, 7),
        "input": nothing, "output": nothing, "definitions": {"items": [instructions], "left_out": 0},
        "first": {"request": "polish/round[1]/write", "output": "polish/round[1]/write"},
        "counts": {"same": 3, "changed": 2, "only_left": 1, "only_right": 1},
        "rows": [each for each in rows if not changed or each["alignment"] != "same"], "left_out": 0,
    }  # fmt: skip


def side(record: dict[str, Json], seconds: float, calls: int) -> dict[str, Json]:
    used = {
        "model_calls": calls,
        "tokens_in": calls * 300,
        "tokens_out": calls * 90,
        "cost_usd": f"{calls * 0.0013:.4f}",
    }
    about = {key: record[key] for key in ("id", "workflow", "workflow_version", "status", "stop_reason")}
    return about | {"error": None, "usage": used, "seconds": seconds}


def row(
    path: str, kind: str, alignment: str, differs: list[str] | None = None, first: list[str] | None = None, *,
    agent: str | None = None, preview: str | tuple[str, str] = "", seconds: tuple[float, float] = (2.4, 2.4),
) -> dict[str, Json]:  # fmt: skip
    left, right = preview if isinstance(preview, tuple) else (preview, preview)
    used = {"model_calls": 1, "tokens_in": 300, "tokens_out": 90, "cost_usd": "0.0013" if agent else "0"}
    shared = {
        "path": path, "kind": kind, "status": "completed", "agent": agent, "artifact": None, "attempts": 1,
        "reused": 0, "usage": used, "stop_reason": None, "error": None,
    }  # fmt: skip
    return {
        "path": path, "alignment": alignment, "differs": differs or [], "first": first or [],
        "left": None if alignment == "only_right" else shared | {"preview": left, "seconds": seconds[0]},
        "right": None if alignment == "only_left" else shared | {"preview": right, "seconds": seconds[1]},
    }  # fmt: skip
