"""Requests larger than their model's window: what is left out, what is said of it, and what is refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents import Agent
from domain.errors import Code, Fault, ProblemError
from domain.prompt_shapes import ChatPrompt, HandoffPrompt, Prompt, Said, Summary, SummaryPrompt, TemplatePrompt
from domain.prompts import messages
from services.context import Fitted, fitted
from services.models.base import ModelRequest
from services.tokens.counting import counted, counter_for

AGENT = Agent(name="a", instructions="Be brief.")
WINDOW = 2_000
LONG = "The quick brown fox jumps over the lazy dog. "


async def fit(
    prompt: Prompt,
    *,
    scope: dict[str, Any] | None = None,
    turns: list[tuple[str, str]] | None = None,
    after: list[dict[str, Any]] | None = None,
    agent: Agent = AGENT,
    window: int = WINDOW,
    model: str = "gpt-4.1",
    **request: Any,
) -> Fitted:
    told = partial(messages, agent, prompt, scope or {}, turns or [], "the summary")
    asked = ModelRequest.model_validate(
        {"messages": [*told(), *(after or [])], "max_output_tokens": 500, "idempotency_key": "k", **request}
    )
    found = await fitted(asked, prompt, told, model, window)
    assert found.tokens == counted(found.request, await counter_for(model))
    assert found.tokens + found.request.max_output_tokens <= window
    return found


def template(text: str) -> TemplatePrompt:
    return TemplatePrompt(kind="template", template=text, scope={})


def chat(count: int, **fields: Any) -> tuple[ChatPrompt, list[tuple[str, str]]]:
    view = tuple(Said(turn=number, speaker="ann", event=f"e{number}") for number in range(1, count + 1))
    prompt = ChatPrompt(
        kind="chat", task=template("Settle it."), participants=("ann", "bob"), turn=count + 1, view=view, speaker="bob",
        **fields,
    )  # fmt: skip
    return prompt, [("ann", f"turn {number}: {LONG * 10}") for number in range(1, count + 1)]


def text_of(found: Fitted) -> str:
    return str(found.request.messages[1]["content"])


async def test_what_fits_is_sent_whole() -> None:
    found = await fit(template("Look: ${input}"), scope={"input": LONG})
    assert text_of(found) == f"Look: {LONG}"
    assert found.facts == {"tokens": found.tokens}


async def test_the_oldest_turns_go_first_and_no_more_than_must() -> None:
    prompt, turns = chat(30)
    found = await fit(prompt, turns=turns)
    dropped = found.left_out["turns"]
    assert dropped == list(range(1, len(dropped) + 1))
    assert f"(Turns 1-{len(dropped)} are not shown.)" in text_of(found)
    assert all(words in text_of(found) for _, words in turns[len(dropped) :])
    assert found.left_out["tokens"] > 1_000
    assert found.tokens > WINDOW - 500 - 20 - 150, "another turn would not have gone in"
    assert "shortened" not in found.left_out


async def test_a_summary_says_what_it_covers_and_the_mark_what_nobody_is_shown() -> None:
    summary = Summary(event="s", by="summer", to=10)
    prompt, turns = chat(30, summary=summary)
    prompt = prompt.model_copy(update={"view": prompt.view[10:]})
    found = await fit(prompt, turns=turns[10:])
    last = found.left_out["turns"][-1]
    assert "Turns 1-10, summed up by summer:\n\nthe summary" in text_of(found)
    assert f"(Turns 11-{last} are not shown.)" in text_of(found)


async def test_one_long_turn_is_told_in_part() -> None:
    prompt, _ = chat(2)
    found = await fit(prompt, turns=[("ann", "first"), ("ann", LONG * 1_000)])
    assert "turns" not in found.left_out
    assert found.left_out["shortened"] is True
    assert "ann: first\n\nann: The quick" in text_of(found)
    assert "(… the rest of this, some 8," in text_of(found)
    assert text_of(found).endswith("You are bob. Say your next turn, to the others, in your own words.")


async def test_a_handoff_keeps_what_was_said_last() -> None:
    view = tuple(Said(turn=number, speaker="ann", event=f"e{number}") for number in range(1, 31))
    prompt = HandoffPrompt(kind="handoff", task=template("Help."), speaker="bob", choices=(), view=view)
    found = await fit(prompt, turns=[("ann", f"turn {number}: {LONG * 10}") for number in range(1, 31)])
    assert "turn 30" in text_of(found)
    assert "are not shown.)" in text_of(found)


async def test_who_sums_up_sees_something_of_every_turn() -> None:
    """What it were not shown would be in no summary, and nobody would know."""
    prompt, turns = chat(10)
    shown = prompt.model_dump(exclude={"kind", "speaker"})
    found = await fit(SummaryPrompt(kind="summary", **shown), turns=turns, window=1_200, max_output_tokens=200)
    assert "turns" not in found.left_out
    assert all(f"turn {number}:" in text_of(found) for number in range(1, 11))


async def test_a_document_is_cut_and_what_the_author_wrote_is_not() -> None:
    prompt = template("Document:\n${input.text}\n\nTitle: ${input.title}. Now sum it up in French.")
    found = await fit(prompt, scope={"input": {"text": LONG * 2_000, "title": "Foxes"}})
    assert text_of(found).startswith(f"Document:\n{LONG}")
    assert text_of(found).endswith("is left out here.)\n\nTitle: Foxes. Now sum it up in French.")
    assert found.tokens > (WINDOW - 500) * 0.85, "as much as fits is told"


async def test_results_of_tools_are_shortened_to_one_length() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}]
    after: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "1", "content": "A" + LONG * 500},
        {"role": "tool", "tool_call_id": "2", "content": "short"},
        {"role": "tool", "tool_call_id": "3", "content": "B" + LONG * 500},
    ]
    found = await fit(template("${input}"), scope={"input": "Look it up."}, after=after)
    sent = found.request.messages[2:]
    assert sent[0] == after[0]
    assert sent[2] == after[2]
    first, last = str(sent[1]["content"]), str(sent[3]["content"])
    assert abs(len(first) - len(last)) < 100
    assert first.startswith("AThe quick")
    assert text_of(found) == "Look it up."


async def test_a_view_may_say_how_many_tokens_it_is() -> None:
    prompt, turns = chat(12, tokens=450)
    found = await fit(prompt, turns=turns, window=100_000)
    assert "(Turns 1-8 are not shown.)" in text_of(found)
    assert found.left_out["turns"] == list(range(1, 9))
    whole, _ = chat(12, tokens=100_000)
    assert (await fit(whole, turns=turns, window=100_000)).left_out == {}


async def test_a_limit_of_the_answer_that_leaves_no_room_is_lowered() -> None:
    found = await fit(template("hi"), max_output_tokens=30_000)
    assert found.request.max_output_tokens == WINDOW - found.tokens


@pytest.mark.parametrize("model", ["gpt-4.1", "smollm2"])
async def test_what_cannot_fit_is_refused_before_it_is_paid(model: str) -> None:
    wordy = Agent(name="a", instructions=LONG * 400)
    with pytest.raises(ProblemError, match="was not made") as caught:
        await fit(template("${input}"), scope={"input": LONG * 400}, agent=wordy, model=model)
    problem = caught.value.problem
    assert (problem.code, problem.fault, problem.retryable) == (Code.CONTEXT_EXCEEDED, Fault.AUTHOR, False)


@given(
    st.integers(1, 20), st.integers(600, 6_000), st.lists(st.integers(0, 400), min_size=1, max_size=12), st.booleans()
)
async def test_whatever_is_asked_fits(turns: int, window: int, sizes: list[int], is_known: bool) -> None:
    prompt, _ = chat(turns)
    words = [("ann", f"{number} {LONG * sizes[number % len(sizes)]}") for number in range(turns)]
    found = await fit(prompt, turns=words, window=window, model="gpt-4.1" if is_known else "other")
    assert words[-1][1][:40] in text_of(found)
