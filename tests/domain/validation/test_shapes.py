"""Mistakes in the shape of a definition: each said once, where it was made, with the nearest word."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from domain.agents import Agent
from domain.validation import details_of
from domain.validation.pointers import as_written, pointer
from domain.wording import nearest
from tests.domain.validation.samples import agent, both, chat, found, loop, of_steps, told

_CHAT = "/steps/0/group_chat"


class TestShapes:
    @pytest.mark.parametrize(
        ("workflow", "where", "what"),
        [
            (of_steps(agent("a", inptu="x")), "/steps/0/inptu", "unknown key `inptu`; did you mean `input`?"),
            (of_steps({"id": "a", "agnet": "x"}), "/steps/0", "did you mean `agent` by `agnet`?"),
            (of_steps({"id": "a"}), "/steps/0", "exactly one of these keys is needed: agent, tool, sequential"),
            (of_steps({"id": "a", "agent": "x", "map": {}}), "/steps/0", "here are `agent` and `map`"),
            (of_steps(5), "/steps/0", "exactly one of these keys is needed"),
            (of_steps({"agent": "x"}), "/steps/0/id", "this key is needed"),
            (
                of_steps(agent("a", on_error="skipp")),
                "/steps/0/on_error",
                "or an object with `fallback` or `ask`; did you mean `skip`?",
            ),
            (of_steps(agent("a", on_error={"ask": {"role": []}})), "/steps/0/on_error/ask/role", "mean `roles`?"),
            (of_steps(agent("a", on_error={"ask": {}, "fallback": 1})), "/steps/0/on_error", "`fallback` or `ask`"),
            (of_steps(agent("a", on_error={"zzz": 1})), "/steps/0/on_error", "`fallback` or `ask`"),
            (of_steps(agent("a", on_error={"fallbak": 1})), "/steps/0/on_error/fallbak", "did you mean `fallback`?"),
            (of_steps(chat(speaker="rr")), "/steps/0/group_chat/speaker", "or an object with `agent`"),
            (of_steps(chat(speaker={"agent": 5})), "/steps/0/group_chat/speaker/agent", 'write `"5"`, in quotes'),
            (of_steps(chat(speaker={"agnet": "x"})), "/steps/0/group_chat/speaker", "mean `agent` by `agnet`?"),
            (of_steps(chat(speaker={"random": {"sed": 1}})), "/steps/0/group_chat/speaker/random/sed", "mean `seed`?"),
            (of_steps(chat(participants=["writer", {"humn": "b"}])), f"{_CHAT}/participants/1/humn", "mean `human`?"),
            (of_steps(chat(participants=["writer", {"human": "B"}])), f"{_CHAT}/participants/1/human", "lower-case"),
            (of_steps(chat(participants=["writer", 5])), f"{_CHAT}/participants/1", "an object with `human`"),
            (of_steps(chat(until={"turns": 3})), "/steps/0/group_chat/until", "needed: any, all"),
            (of_steps(chat(until={"any": [{"all": [{"turn": 4}]}]})), f"{_CHAT}/until/any/0/all/0", "mean `turns`"),
            (of_steps(chat(until={"any": [{"turns": 0}]})), "/steps/0/group_chat/until/any/0/turns", "greater than"),
            (of_steps(chat(until={"any": []})), "/steps/0/group_chat/until/any", "needs at least 1"),
            (of_steps(chat(participants=["writer"])), "/steps/0/group_chat/participants", "needs at least 2"),
            (of_steps({"id": "m", "map": {"over": "x"}}), "/steps/0/map/step", "this key is needed"),
            (of_steps(agent("a", retry={"first_delay": "PT0S"})), "/steps/0/retry/first_delay", "must be longer"),
            (of_steps({"id": "s", "sequential": []}), "/steps/0/sequential", "needs at least 1"),
            (of_steps({"id": "s", "sequential": [{"id": "!", "agent": "x"}]}), "/steps/0/sequential/0/id", "letters"),
            (of_steps(both("al")), "/steps/0/concurrent/join", "did you mean `all`?"),
            (of_steps(both({"at_lest": 2})), "/steps/0/concurrent/join/at_lest", "did you mean `at_least`?"),
            (of_steps(both({"at_least": 2, "tolerate": 1})), "/steps/0/concurrent/join", "not both"),
            (of_steps({"id": "w", "wait": {"fr": "PT1S"}}), "/steps/0/wait", "did you mean `for` by `fr`?"),
            (of_steps({"id": "w", "wait": {"for": "1s"}}), "/steps/0/wait/for", "a duration, for example `PT30S`"),
            (of_steps(loop()), "/steps/0/loop", "needed: until, while"),
            (of_steps(loop(whil="true")), "/steps/0/loop/whil", "did you mean `while`?"),
            (of_steps(agent("a", when=False)), "/steps/0/when", 'write `"false"`, in quotes'),
            (of_steps(agent("a", needs="b")), "/steps/0/needs", "should be a list"),
            (of_steps(agent("a", retry={"on": ["timeot"]})), "/steps/0/retry/on/0", "did you mean `timeout`?"),
            (
                of_steps({"id": "h", "handoff": {"start": "writer", "may_pass": {"A": ["critic"]}}}),
                "/steps/0/handoff/may_pass/A",
                "should be a name",
            ),
            ({"name": "Nö", "steps": [agent("a")]}, "/name", "(not `ö`, U+00F6 LATIN SMALL LETTER O WITH DIAERESIS)"),
            (of_steps(agent("\u0430")), "/steps/0/id", "U+0430 CYRILLIC SMALL LETTER A"),
            (of_steps(agent("a\u202eb")), "/steps/0/id", "(not U+202E RIGHT-TO-LEFT OVERRIDE)"),
            (of_steps(agent("a", agent="wri\u200bter")), "/steps/0/agent", "ZERO WIDTH SPACE"),
            (of_steps(agent("a", **{"inpu\u200bt": "x"})), "/steps/0/inpu\u200bt", "`inpu\\u200bt` (not U+200B"),
            ({"name": "w", "steps": []}, "/steps", "needs at least 1"),
            (of_steps(*(agent(f"s{n}") for n in range(501))), "/steps", "takes at most 500, and these are 501"),
            (of_steps(agent("a"), input=3), "/input", "should be an object"),
            ([], "", "should be an object"),
            ("text", "", "should be an object"),
        ],
    )
    def test_one_mistake_is_said_once_where_it_was_made(self, workflow: Any, where: str, what: str) -> None:
        found = told(workflow)
        assert list(found) == [where]
        assert what in found[where]

    def test_pointers_follow_the_short_form_of_concurrent(self) -> None:
        wrong = {"id": "z", "agent": "B!"}
        assert list(told(of_steps({"id": "c", "concurrent": [wrong]}))) == ["/steps/0/concurrent/0/agent"]
        long_form = of_steps({"id": "c", "concurrent": {"branches": [wrong]}})
        assert list(told(long_form)) == ["/steps/0/concurrent/branches/0/agent"]

    def test_every_mistake_is_said(self) -> None:
        found = told({"nam": "w", "steps": [{"id": "a b", "agent": "x"}, agent("c", whn="true")]})
        assert set(found) == {"/nam", "/steps/0/id", "/steps/1/whn"}

    def test_other_models_than_workflows(self) -> None:
        written = {"name": "a", "instructions": "", "temperature": 3}
        with pytest.raises(ValidationError) as refused:
            Agent.model_validate(written)
        assert [d.pointer for d in details_of(refused.value, Agent, written)] == ["/instructions", "/temperature"]


def test_pointers_escape_and_follow_what_was_written() -> None:
    assert pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"
    assert pointer([]) == ""
    assert as_written(["a", "long", 0, "b"], {"a": [{"b": 1}]}) == ["a", 0, "b"]
    assert as_written(["a", 5, "b"], {"a": [1]}) == ["a", 5, "b"]


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert nearest("zzzz", ["writer"]) is None


class TestAnyMistake:
    """Whatever is done to a good workflow, it is taken, or refused with a reason at a place that exists."""

    GOOD: ClassVar[dict[str, Any]] = of_steps(
        agent("a", retry={"attempts": 2}, on_error={"fallback": 1}),
        {"id": "c", "concurrent": [agent("b"), {"id": "s", "sequential": [agent("d", when="true")]}]},
        {"id": "m", "map": {"over": "input.x", "step": agent("e", output_schema={"type": "string"})}},
        chat(speaker={"agent": "chair"}, until={"any": [{"turns": 2}, {"agreed": True}]}),
    )
    JUNK: ClassVar[tuple[Any, ...]] = (
        None,
        5,
        "x y",
        "${",
        "${steps.z}",
        [],
        {},
        {"a": 1},
        [1],
        True,
        1e9,
        "PT1S",
        -1,
        {"agent": "q"},
    )

    @pytest.mark.parametrize("seed", range(200))
    def test_has_a_reason_and_a_place(self, seed: int) -> None:
        chance = random.Random(seed)
        written = copy.deepcopy(self.GOOD)
        for _ in range(chance.randint(1, 3)):
            self._spoil(written, chance)
        errors, warnings = found(written)
        details = [*errors, *warnings]
        for detail in details:
            assert detail.message
            here: Any = written
            for part in detail.pointer.split("/")[1:-1]:
                here = here[int(part)] if isinstance(here, list) else here[part]

    def _spoil(self, written: Any, chance: random.Random) -> None:
        holder, key = chance.choice(list(_places(written)))
        if isinstance(holder, dict) and chance.random() < 0.3:
            holder[f"{key}x"] = holder.pop(key)
        elif isinstance(holder, dict) and chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(self.JUNK))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every key of every object and every index of every list: where it is, and what it is."""
    for key, child in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(child, dict | list):
            yield from _places(child)
