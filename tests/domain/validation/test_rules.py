"""What cannot work, although its shape is right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.validation.samples import agent, chat, of_steps, told


class TestRules:
    @pytest.mark.parametrize(
        ("workflow", "where", "what"),
        [
            (of_steps(agent("a", agent="writr")), "/steps/0/agent", "no agent `writr`; did you mean `writer`?"),
            (of_steps(agent("a", agent="zzz")), "/steps/0/agent", "there is no agent `zzz`"),
            (of_steps(agent("a", agent="critic@7")), "/steps/0/agent", "`critic` has no version 7"),
            (of_steps(chat(participants=["writer", "x-y"])), "/steps/0/group_chat/participants/1", "no agent `x-y`"),
            (of_steps(chat(speaker={"agent": "chear"})), "/steps/0/group_chat/speaker/agent", "mean `chair`?"),
            (of_steps(chat(participants=["writer"] * 2)), "/steps/0/group_chat/participants/1", "already"),
            (of_steps(chat(until={"any": [{"says": "X"}]})), "/steps/0/group_chat/until/any", "nothing bounds"),
            (of_steps(chat(min_turns=9)), "/steps/0/group_chat/min_turns", "ends after 6 turns"),
            (
                of_steps(chat(until={"any": [{"turns": 2}, {"agreed": True}]})),
                "/steps/0/group_chat/until/any/1/agreed",
                "only a chair",
            ),
            (
                of_steps(chat(until={"any": [{"turns": 2}, {"says": " "}]})),
                "/steps/0/group_chat/until/any/1/says",
                "every turn contains blanks",
            ),
            (of_steps(agent("a"), input={"type": "objct"}), "/input/type", "not valid"),
            (of_steps(agent("a"), input={"$ref": "http://x.example/s"}), "/input/$ref", "must begin with `#`"),
            (of_steps(agent("a", output_schema={"pattern": "("})), "/steps/0/output_schema/pattern", "missing )"),
        ],
    )
    def test_what_cannot_work_is_refused(self, workflow: Any, where: str, what: str) -> None:
        found = told(workflow)
        assert list(found) == [where]
        assert what in found[where]

    def test_ids_must_differ_wherever_they_stand(self) -> None:
        found = told(of_steps(agent("a"), {"id": "s", "sequential": [agent("a")]}))
        assert list(found) == ["/steps/0/id", "/steps/1/sequential/0/id"]

    @pytest.mark.parametrize(("depth", "complaints"), [(10, 0), (11, 1)])
    def test_nesting_has_a_limit(self, depth: int, complaints: int) -> None:
        step = agent("leaf")
        for level in range(depth - 1):
            step = {"id": f"s{level}", "sequential": [step]}
        assert len(told(of_steps(step))) == complaints

    @pytest.mark.parametrize(("steps", "complaints"), [(500, 0), (501, 1)])
    def test_steps_are_counted_wherever_they_stand(self, steps: int, complaints: int) -> None:
        inner = [agent(f"a{index}") for index in range(steps - 1)]
        assert len(told(of_steps({"id": "s", "sequential": inner}))) == complaints

    def test_agents_are_left_alone_when_they_are_not_known(self) -> None:
        assert told(of_steps(agent("a", agent="anyone")), known=None) == {}

    def test_a_version_that_exists_may_be_asked_for(self) -> None:
        assert told(of_steps(agent("a", agent="critic@2"))) == {}
