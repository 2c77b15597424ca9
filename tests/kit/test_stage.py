"""A case is taken at its word: what it does not provide for fails it, and so does what nobody wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.agents import Agent
from domain.tools import Tool
from domain.workflows import Workflow
from kit.cases import BadCases, Case, parse
from kit.library import Library
from kit.script import CaseFailed
from kit.stage import play

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

AGENTS = {name: Agent(name=name, instructions=f"You are {name}.") for name in ("ann", "bob")}
TWO = [
    {"id": "one", "agent": "ann", "input": "${input}"},
    {"id": "two", "agent": "bob", "input": "${steps.one.output}"},
]
QUESTION = {"id": "ok", "approval": {"ask": "Publish ${input}?", "roles": ["press"], "deadline": "PT1H"}}
BOTH = {"id": "both", "concurrent": {"join": "any", "branches": [{"id": id, "agent": id} for id in AGENTS]}}


def cased(**case: Any) -> Case:
    return parse({"workflow": "w", "cases": [{"name": "it", "input": "hi", **case}]}, "w.test.yaml{}".format).cases[0]


async def played(folder: Path, *steps: dict[str, Any], **case: Any) -> list[str]:
    """What is not as the case expects."""
    workflow = Workflow.model_validate({"name": "w", "input": {}, "steps": steps})
    one = cased(**case)
    return (await play(one, "w", Library(AGENTS, {}, {"w": workflow}), folder)).differences(one.expect)


async def test_what_is_as_it_should_be_is_not_complained_about(tmp_path: Path) -> None:
    answers = {"one": {"asked": "hi", "not_asked": "ho", "answer": "x", "takes": "PT1M"}, "two": "y"}
    expect = {"output": "y", "took": "PT1M", "steps": {"two": "completed"}, "stop_reason": "finished"}
    assert await played(tmp_path, *TWO, answers=answers, expect=expect) == []


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ({"answers": {"one": "x"}}, "`two` was called, and no answer is left for it. It was asked: x"),
        ({"in_order": ["x"]}, "`two` was called after the last answer was given."),
        ({"in_order": ["x", "y", "z"]}, "nobody wanted the answers after call 2"),
        ({"answers": {"one": "x", "two": "y", "three": "z"}}, "nobody wanted an answer to `three`"),
        ({"answers": {"one": ["x", "x"], "two": "y"}}, "nobody wanted an answer to `one`"),
        ({"in_order": [{"call": "two", "answer": "x"}]}, "`one` was called, where the next answer is for `two`"),
        ({"answers": {"one": {"asked": "ho", "answer": "x"}}}, "`one` was not asked 'ho'. It was asked: hi"),
        ({"answers": {"one": {"not_asked": "hi", "answer": "x"}}}, "`one` was asked 'hi'."),
        (
            {"answers": {"one": "x", "two": {"broken_off": True}}},
            "an answer to `two`, which nobody breaks off",
        ),
        ({"answers": {"one": "x", "two": "y"}, "people": {"one": {"decision": "retry"}}}, "a decision in `one`"),
        ({"answers": {"one": "x", "two": "y"}, "events": {"one": {}}}, "nobody wanted the event in `one`"),
    ],
)
async def test_calls_and_script_have_to_match(tmp_path: Path, case: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CaseFailed) as failed:
        await played(tmp_path, *TWO, **case)
    assert complaint in str(failed.value)


@pytest.mark.parametrize(
    ("decision", "complaint"),
    [
        ({"decision": "approve"}, "A person in the role `operator` may not decide `ok`: it is for press."),
        ({"decision": "yes", "role": "press"}, "Send as `decision` one of: approve, reject"),
        ({"decision": "approve", "role": "press", "asked": "Print"}, "They were asked: Publish hi?"),
        ({"decision": "approve", "role": "press", "after": "PT2H"}, "nobody wanted what was to come in `ok`"),
    ],
)  # fmt: skip
async def test_people_decide_what_they_may(tmp_path: Path, decision: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CaseFailed) as failed:
        await played(tmp_path, QUESTION, people={"ok": decision})
    assert complaint in str(failed.value)


async def test_what_is_broken_off_has_to_be_said(tmp_path: Path) -> None:
    answers = {"both/ann": "x", "both/bob": {"answer": "y", "takes": "PT1M"}}
    with pytest.raises(CaseFailed, match="`both/bob` was broken off before it had answered"):
        await played(tmp_path, BOTH, answers=answers)


async def test_an_execution_that_waits_for_ever_is_told_from_one_that_is_slow(tmp_path: Path) -> None:
    with pytest.raises(CaseFailed, match="the execution waits for the event `go` in `w`"):
        await played(tmp_path, {"id": "w", "wait": {"event": "go"}})


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ({"output": "z"}, "output is 'y', not 'z'"),
        ({"status": "failed"}, "status is 'completed', not 'failed'"),
        ({"error": "timeout"}, "error is None, not 'timeout'"),
        ({"stop_reason": "agreed"}, "stop_reason is 'finished', not 'agreed'"),
        ({"took": "PT1M"}, "took is '0:00:00', not '0:01:00'"),
        ({"calls": ["two"]}, "calls is ['one', 'two'], not ['two']"),
        ({"steps": {"one": "skipped"}}, "the end of `one` is 'completed', not 'skipped'"),
        ({"steps": {"six": "completed"}}, "the end of `six` is None, not 'completed'"),
        ({"stop_reasons": {"one": "agreed"}}, "the stop_reason of `one` is None, not 'agreed'"),
    ],
)
async def test_what_is_expected_is_looked_at(tmp_path: Path, expect: dict[str, Any], difference: str) -> None:
    assert await played(tmp_path, *TWO, answers={"one": "x", "two": "y"}, expect=expect) == [difference]


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ({"anwers": {}}, "w.test.yaml/cases/0/anwers: "),
        (
            {"answers": {"one": {"takes": "PT1M"}}},
            "exactly one of these keys is needed: answer, tools, runs, fails, broken_off",
        ),
        ({"answers": {"one": {"answer": "x", "fails": "tool_failed"}}}, "exactly one of these keys is needed"),
        ({"answers": {"one": {"fails": "tool_faild"}}}, "did you mean `tool_failed`?"),
        ({"answers": {"one": {"answer": "x", "takes": "-PT1M"}}}, "w.test.yaml/cases/0/answers/one/0/takes: "),
        ({"answers": {"one": "x"}, "in_order": ["x"]}, "write `answers` or `in_order`, not both"),
        ({"expect": {"status": "done"}}, "w.test.yaml/cases/0/expect/status: "),
    ],
)
def test_a_slip_in_a_case_is_told_with_its_place(case: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadCases) as bad:
        cased(**case)
    assert complaint in str(bad.value)


async def test_a_decision_that_comes_after_the_deadline_decided_is_not_swallowed(tmp_path: Path) -> None:
    people = {"ok": {"decision": "approve", "role": "press", "after": "PT90M"}}
    slow = {"id": "one", "agent": "ann"}
    with pytest.raises(CaseFailed, match="`ok` was settled before someone decided"):
        await played(tmp_path, QUESTION, slow, answers={"one": {"answer": "x", "takes": "PT2H"}}, people=people)


ORDER = {"type": "object", "required": ["number"], "properties": {"number": {"type": "string"}}}
LOOK = Tool.model_validate({"name": "look", "input": ORDER, "function": "find-order"})
FETCH = Tool.model_validate(
    {"name": "fetch", "input": ORDER, "http": {"url": "https://x.example.com/${arguments.number}"}}
)
ASKS = {"tools": [{"name": "look", "arguments": {"number": "A-1001"}}]}


async def helped(folder: Path, **answers: Any) -> list[str]:
    agent = Agent(name="ann", instructions="You are ann.", tools=("look", "fetch"))
    steps = [{"id": "help", "agent": "ann", "input": "hi"}]
    workflow = Workflow.model_validate({"name": "w", "input": {}, "steps": steps})
    library = Library({"ann": agent}, {"look": LOOK, "fetch": FETCH}, {"w": workflow})
    one = cased(answers={path.replace("tool0", "help/tool[0]"): answer for path, answer in answers.items()})
    return (await play(one, "w", library, folder, ["examples.tools.orders"])).differences(one.expect)


async def test_a_function_really_runs(tmp_path: Path) -> None:
    answers = {"help": ASKS, "tool0": {"runs": True}, "help#1": {"asked": "2026-03-04", "answer": "In March."}}
    assert await helped(tmp_path, **answers) == []


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ({"help": {"offered": ["look"], "answer": "x"}}, "`help` was offered other tools than look: look, fetch."),
        ({"help": {"runs": True}}, "`help` is no call of a tool that is a function"),
        ({"help": ASKS, "tool0": ASKS}, "`help/tool[0]` is a call of the tool `look`, which asks for no tools."),
        ({"help": ASKS}, "`help/tool[0]` was called, and no answer is left for it."),
        (
            {"help": {"tools": [{"name": "fetch", "arguments": {"number": "1"}}]}, "tool0": {"runs": True}},
            "`help/tool[0]` is no call of a tool that is a function",
        ),
    ],
)
async def test_tools_that_agents_ask_for_are_looked_at(tmp_path: Path, answers: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CaseFailed) as failed:
        await helped(tmp_path, **answers)
    assert complaint in str(failed.value)


async def test_a_budget_that_pauses_is_where_a_case_may_end(tmp_path: Path) -> None:
    two = [{**step, "input": "${input}"} for step in TWO]
    capped = {"id": "capped", "budget": {"model_calls": 1, "at_cap": "pause"}, "sequential": two}
    expect = {"status": "paused", "calls": ["capped/one"]}
    assert await played(tmp_path / "a", capped, answers={"capped/one": "x"}, expect=expect) == []
    with pytest.raises(CaseFailed, match="has used 1 of 1 model calls: write `status: paused`"):
        await played(tmp_path / "b", capped, answers={"capped/one": "x"})
