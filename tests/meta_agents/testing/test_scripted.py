"""A script is kept to: what it does not foresee fails the test, and so does what nobody used."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from meta_agents.testing import Line, ScriptedModel, ScriptFailed, Use

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("find", "send")
]


def ask(model: ScriptedModel, text: str = "Hello", key: str = "", **options: Any) -> Any:
    """What the stock client makes of the answer; of one that is streamed, its chunks."""
    messages = [{"role": "system", "content": "You are kind."}, {"role": "user", "content": text}]
    with OpenAI(base_url=model.base_url, api_key="x", max_retries=0, timeout=10) as client:
        made: Any = client.chat.completions.create
        answer = made(model="m", messages=messages, extra_headers={"Idempotency-Key": key}, **options)
        return list(answer) if options.get("stream") else answer


def said(model: ScriptedModel, text: str = "Hello", **options: Any) -> str:
    return str(ask(model, text, **options).choices[0].message.content)


def test_lines_are_said_in_order() -> None:
    with ScriptedModel([Line("one"), Line({"two": 2})]) as model:
        assert [said(model), json.loads(said(model))] == ["one", {"two": 2}]
    assert [asked.last for asked in model.requests] == ["Hello", "Hello"]


def test_out_of_order_each_call_gets_the_first_line_that_fits() -> None:
    lines = [Line("b", asked="bob"), Line("a", asked="ann"), Line("more", asked="ann")]
    with ScriptedModel(lines, in_order=False) as model:
        assert [said(model, f"I am {name}") for name in ("ann", "bob", "ann")] == ["a", "b", "more"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (Line(asked="Good-bye"), "its last message has no 'Good-bye'; it was: Hello"),
        (Line(asked=["Hell", "x"]), "its last message has no 'x'"),
        (Line(not_asked="Hello"), "its last message has 'Hello'"),
        (Line(system="rude"), "no system message has 'rude'"),
        (Line(call="draft"), "its call is 'review#1', not 'draft'"),
        (Line(model="big"), "its model is 'm', not 'big'"),
        (Line(offered=["find"]), "its tools are ['find', 'send'], not ['find']"),
        (Line(offered=[]), "its tools are ['find', 'send'], not []"),
    ],
)
def test_a_call_that_is_not_the_one_of_its_line_fails_the_test(line: Line, complaint: str) -> None:
    model = ScriptedModel([line])
    with pytest.raises(ScriptFailed) as failed, model, pytest.raises(openai.BadRequestError) as refused:
        ask(model, key="e-1:review#1", tools=TOOLS)
    assert refused.value.code == "not_in_script"
    told, unused = str(failed.value).splitlines()
    assert told.startswith("Call 'review#1' came where line 1 is to come: ")
    assert complaint in told
    assert unused.startswith("Line 1 was not used: ")


def test_a_line_that_fits_in_all_it_says_is_used() -> None:
    line = Line(
        "yes", asked=["Hel", "lo"], not_asked="x", system="kind", call="draft", model="m", offered=["find", "send"]
    )
    with ScriptedModel([line]) as model:
        assert ask(model, key="e-1:draft#0", tools=TOOLS).choices[0].message.content == "yes"


def test_a_call_after_the_last_line_fails_the_test() -> None:
    model = ScriptedModel([])
    with pytest.raises(ScriptFailed) as failed, model, pytest.raises(openai.BadRequestError):
        ask(model)
    assert str(failed.value) == "A call came after the last line was used. Its last message was: Hello"


def test_an_unused_line_fails_the_test() -> None:
    model = ScriptedModel([Line(), Line("two")])
    with pytest.raises(ScriptFailed, match=r"^Line 2 was not used: .*'two'"), model:
        ask(model)


def test_the_tests_own_failure_is_not_hidden() -> None:
    with pytest.raises(KeyError), ScriptedModel([Line("never said")]):
        raise KeyError


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_asked_for_all_at_once(stream: bool) -> None:
    uses = [Use("find", {"number": "A-1001", "note": "two words"}), Use("send", '{"cut off')]
    with ScriptedModel([Line("Let me see.", uses=uses)]) as model:
        answer = ask(model, tools=TOOLS, stream=stream)
        calls, reason, text = streamed_calls(answer) if stream else whole_calls(answer)
    assert calls == {0: ("find", '{"number": "A-1001", "note": "two words"}'), 1: ("send", '{"cut off')}
    assert (reason, text) == ("tool_calls", "Let me see.")


def whole_calls(answer: Any) -> tuple[dict[int, tuple[str, str]], str, str]:
    [choice] = answer.choices
    calls = {n: (call.function.name, call.function.arguments) for n, call in enumerate(choice.message.tool_calls)}
    return calls, choice.finish_reason, choice.message.content


def streamed_calls(answer: Any) -> tuple[dict[int, tuple[str, str]], str, str]:
    """Put together from their pieces, of which there have to be several."""
    names: dict[int, str] = {}
    arguments: dict[int, list[str]] = {}
    reason, text = "", ""
    for chunk in answer:
        [choice] = chunk.choices
        reason = choice.finish_reason or reason
        text += choice.delta.content or ""
        for piece in choice.delta.tool_calls or ():
            if piece.id:
                names[piece.index] = piece.function.name
            arguments.setdefault(piece.index, []).append(piece.function.arguments)
    assert all(len(pieces) > 1 for pieces in arguments.values())
    return {n: (names[n], "".join(pieces)) for n, pieces in arguments.items()}, reason, text


def test_a_line_may_be_a_failure() -> None:
    with ScriptedModel([Line(fails="rate_limit", retry_after=3), Line("then")]) as model:
        with pytest.raises(openai.RateLimitError) as limited:
            ask(model)
        assert limited.value.response.headers["Retry-After"] == "3"
        assert said(model) == "then"
