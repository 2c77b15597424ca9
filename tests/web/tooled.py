"""Executions whose agents call tools: what they asked for, what it gave, what people allowed, and what failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.web.steered import ask
from tests.web.stories import MODEL, Json, Story, add_usage, problem, usage

HOSTILE = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'
"""What a tool may give, or a model write: text, wherever the page shows it."""
MAIL = "Dear Ms Okafor, the second charge of 42.50 is on its way back to you. We are sorry."


def helpdesk(start: datetime | None = None, *, asking: bool = True) -> Story:
    """A help desk whose agent searches, asks another agent, runs a workflow, and wants to pay money back."""
    story = Story("help-desk", {"mail": "I was charged twice!"}, start or datetime.now(UTC) - timedelta(minutes=2))
    story.add("step.started", "answer", data={"kind": "agent"})
    story.begin("answer", "clerk")
    first = [
        ("find-orders", {"customer": "c-1044", "note": HOSTILE}, {}),
        ("weather", {"town": "Lagos"}, {}),
        ("ask-lawyer", {"task": "May we say that the provider was slow?"}, {"via": "agent", "target": "lawyer"}),
        ("charge-history", {"order": "o-9"}, {"via": "workflow", "target": "charge-history"}),
        ("drop-tables", {}, {"via": "refused", "refused": "There is no tool 'drop-tables': there are find-orders."}),
    ]
    asks(story, "answer", 0, "clerk", "I look at the orders, and ask what we may say.", first)
    orders = [{"order": "o-9", "paid": "42.50", "charges": 2}] * 12
    tool(story, "answer/tool[0]", "clerk", "find-orders", {"orders": orders, "remark": HOSTILE}, 0.4)
    error = problem("tool_failed", "Tool `weather` failed: it answered with status 503.", "Try again later.")
    tool(story, "answer/tool[1]", "clerk", "weather", None, 1.2, error=error)
    lawyer(story)
    history(story)
    story.begin("answer", "clerk", call="answer#1")
    refund: tuple[str, Json, Json] = ("refund", {"order": "o-9", "amount": "42.50", "reason": "charged twice"}, {})
    asks(story, "answer", 1, "clerk", "", [refund])
    if asking:
        ask_first(story)
    return story


def paid_back() -> Story:
    """The same to its end."""
    story = helpdesk(asking=False)
    ask_first(story)
    data = {
        "approval": "help-desk-refund",
        "decision": "approve",
        "by": "ada",
        "how": "decided",
        "comment": "Of course.",
    }
    story.seconds += 61
    story.add("approval.decided", "answer/tool[5]", data=data)
    tool(story, "answer/tool[5]", "clerk", "refund", {"refund": "r-77"}, 0.7)
    story.begin("answer", "clerk", call="answer#2")
    story.answer("answer", "clerk", MAIL, 1.9, call="answer#2")
    story.add("step.completed", "answer")
    return story.complete(MAIL)


def lost() -> Story:
    """A call that was cut off: nobody knows whether the money was paid back."""
    story = Story("help-desk", {"mail": "I was charged twice!"}, datetime.now(UTC) - timedelta(minutes=9))
    story.add("step.started", "answer", data={"kind": "agent"})
    story.begin("answer", "clerk")
    asks(story, "answer", 0, "clerk", "", [("refund", {"order": "o-9", "amount": "42.50"}, {})])
    about = {"call": "answer/tool[0]#0", "attempt": 1, "tool": "refund"}
    story.add("call.started", "answer/tool[0]", "clerk", data={**about, "arguments": "{'order': 'o-9'}"})
    error = problem("tool_uncertain", "Nobody knows whether `refund` was carried out.", "Look.")
    story.add("call.failed", "answer/tool[0]", "clerk", data={**about, "error": error})
    question = "Nobody knows whether `refund` was carried out: the call was cut off by a crash."
    ask(story, "answer/tool[0]", "help-desk-lost", question, None, "uncertain", tool="refund")
    return story


def lawyer(story: Story) -> None:
    """Another agent, which has a tool of its own."""
    step = "answer/tool[2]"
    story.begin(step, "lawyer", role="tool")
    asks(story, step, 0, "lawyer", "Let me look it up.", [("find-law", {"about": "blame"}, {})], role="tool")
    tool(story, f"{step}/tool[0]", "lawyer", "find-law", "§ 12: name nobody.", 0.3)
    story.begin(step, "lawyer", call=f"{step}#1", role="tool")
    story.answer(step, "lawyer", "No: name neither the provider nor a number.", 1.4, call=f"{step}#1", role="tool")


def history(story: Story) -> None:
    """A workflow of two steps."""
    step = "answer/tool[3]"
    story.add("step.started", f"{step}/fetch", data={"kind": "tool"})
    about = {"call": f"{step}/fetch#0", "attempt": 1, "tool": "ledger"}
    story.add("call.started", f"{step}/fetch", data={**about, "arguments": "{'order': 'o-9'}"})
    story.seconds += 0.2
    story.add("call.completed", f"{step}/fetch", data={**about, "seconds": 0.2}, value=["42.50", "42.50"])
    story.add("step.completed", f"{step}/fetch")
    story.agent_step(f"{step}/sum-up", "bookkeeper", "Charged twice, 42.50 each, eleven seconds apart.", 1.1)


def asks(
    story: Story, step: str, number: int, agent: str, text: str, calls: list[tuple[str, Json, Json]], **facts: Json
) -> None:
    """An answer that asks for tools, each `(name, arguments, how)`."""
    story.seconds += 1.6
    used = usage(900, 60)
    story.spent = add_usage(story.spent, used)
    about = {"call": f"{step}#{number}", "attempt": 1, **facts}
    told = {"model": MODEL, "usage": used, "seconds": 1.6, "finish_reason": "tool_calls"}
    written = [{"id": f"c{at}", "name": name, "arguments": given} for at, (name, given, _) in enumerate(calls)]
    value = {"text": text, "tool_calls": written}
    how = [{"tool": name, **made} for name, _, made in calls]
    story.add("call.asked", step, agent, data={**about, **told, "asks": how}, value=value)


def tool(story: Story, path: str, agent: str, name: str, gave: Json, seconds: float, *, error: Json = None) -> None:
    about = {"call": f"{path}#0", "attempt": 1, "tool": name}
    story.add("call.started", path, agent, data={**about, "arguments": "{}"})
    story.seconds += seconds
    if error is not None:
        story.add("call.failed", path, agent, data={**about, "error": error})
    else:
        story.add("call.completed", path, agent, data={**about, "seconds": seconds}, value=gave)


def ask_first(story: Story) -> None:
    arguments = {"order": "o-9", "amount": "42.50", "reason": "charged twice"}
    question = "May clerk call the tool refund?"
    ask(story, "answer/tool[5]", "help-desk-refund", question, arguments, "tool", tool="refund", agent="clerk")
