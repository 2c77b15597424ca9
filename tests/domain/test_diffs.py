"""Where two executions part."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.agents import Agent
from domain.diffs import Diff, Subject, diff
from domain.events import EventType
from domain.executions import Execution, Status
from domain.plans import Plan
from domain.tools import Tool
from domain.workflows import Workflow, agents_used
from tests.domain.logs import BEGIN, Log

LINE: list[dict[str, Any]] = [{"id": step, "agent": "a"} for step in ("one", "two", "three")]


def subject(log: Log, steps: list[dict[str, Any]] | None = None, input: Any = None, **instructions: str) -> Subject:
    """Ended as the log's last event says; `instructions` are those of the agents that do not have the usual ones."""
    workflow = Workflow.model_validate({"name": "w", "steps": steps or LINE})
    agents = {
        name: Agent.model_validate({"name": name, "instructions": instructions.get(name, "Go.")})
        for name in agents_used(workflow)
    }
    plan = Plan(workflow=workflow, workflow_version=1, agents=agents, agent_versions=dict.fromkeys(agents, 1))
    kinds = {
        EventType.EXECUTION_COMPLETED: Status.COMPLETED,
        EventType.EXECUTION_FAILED: Status.FAILED,
        EventType.EXECUTION_CANCELED: Status.CANCELED,
    }
    status = kinds.get(log.events[-1].type, Status.RUNNING)
    record = Execution(
        id="e", tenant="t", workflow="w", workflow_version=1, plan="p", status=status, input=input, started_by="x",
        created=BEGIN, ended=BEGIN + timedelta(minutes=1) if status.is_ended else None,
    )  # fmt: skip
    return Subject(record, plan, log.summary())


def line(*answers: str, asked: tuple[str, ...] = ("q1", "q2", "q3"), done: bool = True) -> Log:
    log = Log()
    for step, answer, question in zip(("one", "two", "three"), answers, asked, strict=False):
        log.agent_step(step, "a", answer, question)
    return log.add(EventType.EXECUTION_COMPLETED) if done else log


def rows(made: Diff) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(row.path, row.alignment, row.differs) for row in made.rows]


def test_the_same_twice() -> None:
    made = diff(subject(line("1", "2", "3")), subject(line("1", "2", "3")))
    assert {row.alignment for row in made.rows} == {"same"}
    assert (made.first.request, made.first.output) == (None, None)
    assert made.counts == {"same": 3, "changed": 0, "only_left": 0, "only_right": 0}
    assert made.definitions.items == ()
    assert made.left == made.right


def test_a_changed_prompt_is_the_cause_and_the_first_other_output_the_effect() -> None:
    steps = [LINE[0], {"id": "two", "agent": "b"}, LINE[2]]
    left = line("1", "2", "3")
    # The new prompt happens to bring the same answer; what comes after is another by chance.
    right = line("1", "2", "other", asked=("q1", "changed", "q3"))
    left.events = [event.model_copy(update={"agent": "b"}) if event.step == "two" and event.agent else event
                   for event in left.events]  # fmt: skip
    right.events = [event.model_copy(update={"agent": "b"}) if event.step == "two" and event.agent else event
                    for event in right.events]  # fmt: skip
    made = diff(subject(left, steps), subject(right, steps, b="Go on."))
    assert rows(made) == [
        ("one", "same", ()),
        ("two", "changed", ("definition", "request")),
        ("three", "changed", ("output",)),
    ]
    assert (made.first.request, made.first.output) == ("two", "three")
    assert [row.first for row in made.rows] == [(), ("request",), ("output",)]
    (change,) = made.definitions.items
    assert (change.pointer, change.left, change.right) == ("/agents/b/instructions", "Go.", "Go on.")


def test_a_step_that_failed_and_then_did_not() -> None:
    failed = Log().agent_step("one", "a", "1", "q1").begin("two").fail("two").add(EventType.EXECUTION_FAILED)
    made = diff(subject(failed), subject(line("1", "2", "3")))
    assert rows(made) == [
        ("one", "same", ()),
        ("two", "changed", ("output", "status")),
        ("three", "only_right", ()),
    ]
    assert (made.first.request, made.first.output) == (None, "two")
    assert (made.left.status, made.right.status) == ("failed", "completed")


def test_another_input_is_named() -> None:
    left, right = subject(line("1"), input={"topic": "tea"}), subject(line("1"), input={"topic": "coffee"})
    (change,) = diff(left, right).input.items
    assert (change.pointer, change.left, change.right) == ("/topic", "tea", "coffee")


def test_a_step_that_was_put_in_stands_where_it_ran_and_is_a_cause() -> None:
    log = Log().agent_step("one", "a", "1", "q1").agent_step("new", "a", "n", "q").agent_step("two", "a", "2", "q2")
    more = [LINE[0], {"id": "new", "agent": "a"}, LINE[1]]
    made = diff(subject(line("1", "2")), subject(log.add(EventType.EXECUTION_COMPLETED), more))
    assert rows(made) == [
        ("one", "same", ()),
        ("new", "only_right", ("definition",)),
        ("two", "same", ()),
    ]
    assert made.first.request == "new"


def test_items_of_a_map_are_aligned_by_number_and_the_map_itself_is_not_blamed() -> None:
    steps = [{"id": "each", "map": {"over": "input", "step": {"id": "item", "agent": "a"}}}]

    def log(*answers: str) -> Log:
        made = Log().begin("each", "map")
        for number, answer in reversed(list(enumerate(answers))):
            made.agent_step(f"each[{number}]", "a", answer)
        return made.end("each", output=f"{answers}").add(EventType.EXECUTION_COMPLETED)

    made = diff(subject(log("x", "y", "z"), steps), subject(log("x", "other", "z", "more"), steps))
    assert rows(made) == [
        ("each", "changed", ("output",)),
        ("each[3]", "only_right", ()),
        ("each[2]", "same", ()),
        ("each[1]", "changed", ("output",)),
        ("each[0]", "same", ()),
    ]
    assert (made.first.request, made.first.output) == (None, "each[3]")


def chat(*turns: tuple[str, str], reason: str = "turns") -> Log:
    log = Log().begin("talk", "group_chat")
    for number, (speaker, text) in enumerate(turns, start=1):
        log.add(EventType.SPEAKER_CHOSEN, f"talk/turn[{number}]", speaker, turn=number, by="boss", reason="r")
        log.call(f"talk/turn[{number}]", speaker, text, f"{speaker} after {turns[: number - 1]}")
    log.add(EventType.CHAT_ENDED, "talk", turns=len(turns), stop_reason=reason, evidence="e")
    return log.end("talk", output="e").add(EventType.EXECUTION_COMPLETED)


TALK = [{"id": "talk", "group_chat": {"participants": ["a", "b"], "task": "t", "until": {"any": [{"turns": 9}]}}}]


def test_another_speaker_is_named() -> None:
    made = diff(subject(chat(("a", "x"), ("b", "y")), TALK), subject(chat(("a", "x"), ("a", "y")), TALK))
    assert rows(made) == [
        ("talk", "same", ()),
        ("talk/turn[1]", "same", ()),
        ("talk/turn[2]", "changed", ("request", "speaker")),
    ]
    assert (made.first.request, made.first.output) == ("talk/turn[2]", None)


def test_a_chat_that_stopped_for_another_reason_had_another_turn_first() -> None:
    left, right = chat(("a", "x"), ("b", "y"), ("a", "z")), chat(("a", "x"), ("b", "AGREED"), reason="said")
    made = diff(subject(left, TALK), subject(right, TALK))
    assert rows(made) == [
        ("talk", "changed", ("stop_reason",)),
        ("talk/turn[1]", "same", ()),
        ("talk/turn[2]", "changed", ("output",)),
        ("talk/turn[3]", "only_left", ()),
    ]
    assert made.first.output == "talk/turn[2]"


def test_rules_of_a_chat_are_its_own_definition_and_not_that_of_its_turns() -> None:
    rules = [{"id": "talk", "group_chat": {**TALK[0]["group_chat"], "until": {"any": [{"turns": 5}]}}}]  # type: ignore[dict-item]
    made = diff(subject(chat(("a", "x")), TALK), subject(chat(("a", "x")), rules))
    assert rows(made) == [("talk", "changed", ("definition",)), ("talk/turn[1]", "same", ())]


def test_a_changed_step_inside_others_is_found_at_its_path() -> None:
    def steps(input: str) -> list[dict[str, Any]]:
        inner = {"id": "in", "agent": "a", "input": input}
        branch = {"id": "b", "map": {"over": "input", "step": {"id": "s", "sequential": [inner]}}}
        loop = {"id": "again", "loop": {"most": 2, "until": "true", "steps": [{"id": "par", "concurrent": [branch]}]}}
        return [{"id": "choose", "switch": {"cases": [{"when": "true", "step": loop}]}}]

    path = "choose/again/round[1]/par/b[0]/in"
    log = Log().begin("choose", "switch").begin("choose/again", "loop").begin("choose/again/round[1]/par", "concurrent")
    log.begin("choose/again/round[1]/par/b", "map").agent_step(path, "a", "x").add(EventType.EXECUTION_COMPLETED)
    made = diff(subject(log, steps("${input}")), subject(log, steps("other")))
    assert [row.path for row in made.rows if row.differs] == [path]
    assert made.first.request == path


def test_a_changed_step_of_another_workflow_is_found_where_it_ran() -> None:
    steps = [{"id": "other", "workflow": "inner", "input": {}}]
    log = Log().begin("other", "workflow").agent_step("other/deep", "a", "x").add(EventType.EXECUTION_COMPLETED)

    def with_inner(input: str) -> Subject:
        inner = Workflow.model_validate({"name": "inner", "steps": [{"id": "deep", "agent": "a", "input": input}]})
        made = subject(log, steps)
        return replace(made, plan=made.plan.model_copy(update={"workflows": {"inner": inner}}))

    made = diff(with_inner("Deep."), with_inner("Deeper."))
    assert rows(made) == [("other", "same", ()), ("other/deep", "changed", ("definition",))]
    assert [change.pointer for change in made.definitions.items] == ["/workflows/inner/steps/0/input"]


def test_a_changed_tool_is_the_definition_of_the_steps_that_call_it() -> None:
    log = Log().begin("t", "tool").add(EventType.CALL_COMPLETED, "t", call="t#0", request="r", value=1).end("t")

    def with_tool(description: str) -> Subject:
        tool = Tool.model_validate({"name": "add", "function": "f", "description": description})
        made = subject(log, [{"id": "t", "tool": "add"}])
        return replace(made, plan=made.plan.model_copy(update={"tools": {"add": tool}}))

    assert rows(diff(with_tool("Adds."), with_tool("Sums up."))) == [("t", "changed", ("definition",))]


def test_of_one_that_goes_on_what_has_not_come_yet_is_no_difference_in_output() -> None:
    made = diff(subject(line("1", "2", "3")), subject(line("1", done=False).begin("two")))
    assert rows(made) == [("one", "same", ()), ("two", "changed", ("status",)), ("three", "only_left", ())]
    assert (made.first.request, made.first.output) == (None, None)
    assert made.right.seconds == 4


def test_costs_are_of_the_log_and_stand_beside_each_step() -> None:
    made = diff(subject(line("1", "2", "3")), subject(line("1")))
    assert (str(made.left.usage.cost_usd), str(made.right.usage.cost_usd)) == ("0.03", "0.01")
    left = made.rows[0].left
    assert left is not None
    assert (str(left.usage.cost_usd), left.seconds) == ("0.01", 3)
