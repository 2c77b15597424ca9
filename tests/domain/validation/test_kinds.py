"""What each kind of step must keep to: what it names, what it hands over, where it comes to an end."""

from __future__ import annotations

from typing import Any

import pytest

from domain.agents import Agent
from domain.tools import Tool
from domain.validation import Known, check_agent, check_tool
from domain.workflows import Workflow
from tests.domain.validation.samples import agent, both, chat, handoff, loop, of_steps, switch, told

CLOSED = {
    "type": "object",
    "required": ["to"],
    "properties": {"to": {"type": "string"}, "copies": {"type": "integer"}},
    "additionalProperties": False,
}


def workflow(name: str, *uses: str, **more: Any) -> Workflow:
    steps = [agent("a"), *({"id": f"u{index}", "workflow": one} for index, one in enumerate(uses))]
    return Workflow.model_validate({"name": name, "steps": steps, **more})


KNOWN = Known(
    agents=dict.fromkeys(["writer", "critic"]),
    tools={"send-mail": Tool(name="send-mail", function="send-mail", input=CLOSED), "broken": None},
    workflows={
        "brief": workflow("brief", input=CLOSED),
        "back": workflow("back", "middle"),
        "middle": workflow("middle", "w"),
        "rings": workflow("rings", "rings@2"),
        "rings@2": workflow("rings", "rings"),
        "broken": None,
        **{f"deep{n}": workflow(f"deep{n}", f"deep{n + 1}") for n in range(12)},
        "deep12": workflow("deep12"),
    },
    tool_names=frozenset({"send-mail", "broken"}),
    workflow_names=frozenset({"brief", "back"}),
)


def tool(arguments: Any, name: str = "send-mail") -> dict[str, Any]:
    return {"id": "t", "tool": name, "arguments": arguments}


def other(name: str, **more: Any) -> dict[str, Any]:
    return {"id": "o", "workflow": name, **more}


@pytest.mark.parametrize(
    ("step", "where", "what"),
    [
        (tool({}, "send-mial"), "/tool", "there is no tool `send-mial`; did you mean `send-mail`?"),
        (tool({}, "send-mail@4"), "/tool", "the tool `send-mail` has no version 4"),
        (tool({}), "/arguments/to", "`send-mail` does not take this: this key is needed"),
        (tool({"to": "x", "cc": 1}), "/arguments/cc", "unknown key 'cc'"),
        (tool({"to": 5}), "/arguments/to", "5 is not of type 'string'"),
        (tool({"to": "${input.x}", "copies": "two"}), "/arguments/copies", "'two' is not of type 'integer'"),
        (tool({"to": "${inptu.x}"}), "/arguments/to", "`inptu` is not known here"),
        (other("breif"), "/workflow", "there is no workflow `breif`; did you mean `brief`?"),
        (other("brief@3"), "/workflow", "the workflow `brief` has no version 3"),
        (other("brief", input={"copies": 2}), "/input/to", "`brief` does not take this: this key is needed"),
        (other("brief", input={"to": "a", "copies": "${input.x}", "x": 1}), "/input/x", "unknown key 'x'"),
        (other("brief", input="text"), "/input", "not of type 'object'"),
        (other("w"), "/workflow", "it leads back to itself (w → w), without end"),
        (other("back"), "/workflow", "it leads back to itself (w → back → middle → w), without end"),
        (other("rings"), "/workflow", "it leads back to itself (rings → rings@2 → rings), without end"),
        (other("deep0"), "/workflow", "nested more than 10 deep"),
        ({"id": "x", "wait": {"until": "tomorrow"}}, "/wait/until", "no RFC 3339 time"),
        ({"id": "x", "wait": {"for": "PT1H"}, "timeout": "PT1M"}, "/wait/for", "its `timeout` is over after PT1M"),
        ({"id": "x", "approval": {"ask": "${nope}"}}, "/approval/ask", "`nope` is not known here"),
        ({"id": "x", "approval": {"ask": "?", "show": "${nope}"}}, "/approval/show", "`nope` is not known here"),
        (
            {"id": "m", "map": {"over": "'text'", "step": agent("a")}},
            "/map/over",
            "must give a list, and it never does",
        ),
        (
            {"id": "m", "map": {"over": "[1, 2]", "step": agent("a"), "join": {"at_least": 3}}},
            "/map/join/at_least",
            "only 2",
        ),
        (both({"at_least": 3}), "/concurrent/join/at_least", "there are only 2, so that this can never be met"),
        (loop(until="round.index"), "", None),
        (loop(until="'no'"), "/loop/until", "a condition must be true or false"),
        (switch(("1 / 0 == 1", agent("a"))), "/switch/cases/0/when", "It always will."),
        (agent("a", when="size('x')"), "/when", "a condition must be true or false"),
        (handoff({"writer": ["critc"]}), "/handoff/may_pass/writer/0", "did you mean `critic`?"),
        (handoff({"writer": ["critic"], "critic": ["critic"]}), "/handoff/may_pass/critic/0", "to itself"),
        (handoff({"critic": ["writer"]}, "crtic"), "/handoff/start", "did you mean `critic`?"),
        (handoff({"writer": ["critic"]}, task="${chat}"), "/handoff/task", "`chat` is not known here"),
    ],
)
def test_what_cannot_work_is_refused(step: Any, where: str, what: str | None) -> None:
    found = told(of_steps(step), KNOWN)
    assert list(found) == ([] if what is None else [f"/steps/0{where}"])
    assert what is None or what in found[f"/steps/0{where}"]


@pytest.mark.parametrize(
    "step",
    [
        tool({"to": "${input.x}"}),
        tool({"to": "To: ${input.x}", "copies": "${input.n}"}),
        tool({"anything": 1}, "broken"),
        other("brief"),
        other("brief", input={"to": "x"}),
        other("broken", input=5),
        other("deep4"),
        {"id": "x", "wait": {"until": "2026-03-01T09:00:00Z"}},
        {"id": "x", "wait": {"until": "${input.when}"}},
    ],
)
def test_what_can_work_is_taken(step: Any) -> None:
    assert told(of_steps(step), KNOWN) == {}


@pytest.mark.parametrize(
    ("rules", "where", "what"),
    [
        ({"participants": ["writer", {"human": "writer"}]}, "/participants/1/human", "already a participant"),
        (
            {"speaker": {"expression": "'critc'"}},
            "/speaker/expression",
            "never names a participant; did you mean `critic`?",
        ),
        ({"speaker": {"expression": "chat.turns > 1 ? 'critic' : item"}}, "/speaker/expression", "`item` is not known"),
        ({"view": {"summary": "nobody"}}, "/view/summary", "no agent `nobody`"),
        ({"views": {"critic": {"summary": "nobody"}}}, "/views/critic/summary", "no agent `nobody`"),
        ({"views": {"critc": {"last": 3}}}, "/views/critc", "`critc` is no participant; did you mean `critic`?"),
        ({"until": {"any": [{"turns": 20}, {"all": [{"says": " "}]}]}}, "/until/any/1/all/0/says", "blanks"),
        (
            {"until": {"any": [{"turns": 20}, {"judged": {"agent": "jugde", "question": "?"}}]}},
            "/until/any/1/judged/agent",
            "no agent `jugde`",
        ),
        ({"until": {"any": [{"turns": 2}, {"holds": "1"}]}}, "/until/any/1/holds", "must be true or false"),
        ({"until": {"all": [{"turns": 2}, {"says": "X"}]}}, "/until/all", "of `all` conditions the last one counts"),
        ({"until": {"any": [{"all": [{"turns": 2}, {"says": "X"}]}]}}, "/until/any", "nothing bounds this chat"),
        ({"until": {"any": [{"budget": {"cost_usd": 1}}]}}, "/until/any", "nothing bounds this chat"),
        (
            {"participants": ["writer", {"human": "ann"}], "until": {"any": [{"budget": {"tokens": 9}}]}},
            "/until/any",
            "nothing bounds this chat",
        ),
        ({"until": {"any": [{"no_progress": 3}]}}, "/until/any", "nothing bounds this chat"),
    ],
)
def test_what_no_chat_can_be_is_refused(rules: Any, where: str, what: str) -> None:
    found = told(of_steps(chat(**rules)))
    assert list(found) == [f"/steps/0/group_chat{where}"]
    assert what in found[f"/steps/0/group_chat{where}"]


@pytest.mark.parametrize(
    "until",
    [
        {"any": [{"time": "PT5M"}]},
        {"any": [{"budget": {"model_calls": 10}}, {"says": "X"}]},
        {"all": [{"turns": 5}, {"any": [{"says": "X"}, {"time": "PT1H"}]}]},
    ],
)
def test_what_ends_a_chat_for_certain_is_taken(until: Any) -> None:
    assert told(of_steps(chat(until=until))) == {}


class TestOtherDefinitions:
    @pytest.mark.parametrize(
        ("change", "where", "what"),
        [
            ({"input": {"type": "objct"}}, "/input/type", "not valid"),
            ({"input": {"type": "array"}}, "/input/type", "are an object"),
            ({"http": {"url": "ftp://x.example/"}}, "/http/url", "begins with https://"),
            ({"http": {"url": "https:///x"}}, "/http/url", "no host name"),
            ({"http": {"url": "https://[x/"}}, "/http/url", "this is no address"),
            ({"name": "functions", "function": "x"}, "/name", "a word of the API's own"),
            (
                {"http": {"url": "https://x.example/${input.id}"}},
                "/http/url",
                "`input` is not known here; it may use arguments",
            ),
            ({"http": {"url": "https://x.example", "headers": {"a b": "c"}}}, "/http/headers/a b", "letters, digits"),
            ({"http": {"url": "https://x.example", "headers": {"Host": "c"}}}, "/http/headers/Host", "by the service"),
            ({"http": {"url": "https://x.example", "headers": {"x-a": "${steps.a}"}}}, "/http/headers/x-a", "`steps`"),
            ({"http": {"url": "https://x.example", "body": {"a": ["${"]}}}, "/http/body/a/0", "not closed"),
        ],
    )
    def test_a_tool(self, change: Any, where: str, what: str) -> None:
        written = {"name": "t", **({} if "http" in change else {"function": "f"}), **change}
        (detail,) = check_tool(Tool.model_validate(written), written).errors
        assert detail.pointer == where
        assert what in detail.message

    def test_a_good_tool(self) -> None:
        http = {
            "url": "https://${arguments.region}.x.example/items/${arguments.id}",
            "headers": {"X-Id": "${arguments.id}"},
        }
        assert check_tool(Tool.model_validate({"name": "t", "http": http})) == ((), ())

    def test_a_body_that_is_not_sent(self) -> None:
        http = {"url": "https://x.example", "method": "GET", "body": {}}
        ((warning,), ()) = reversed(check_tool(Tool.model_validate({"name": "t", "http": http})))
        assert "not sent with GET" in warning.message

    def test_an_agent(self) -> None:
        written = {"name": "a", "instructions": "x", "output_schema": {"properties": {"p": {"pattern": "(?=x)"}}}}
        (detail,) = check_agent(Agent.model_validate(written), written).errors
        assert detail.pointer == "/output_schema/properties/p/pattern"
