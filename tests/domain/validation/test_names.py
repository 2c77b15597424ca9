"""What expressions may name where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.validation.samples import agent, chat, of_steps, told


class TestNamesInExpressions:
    @pytest.mark.parametrize(
        ("workflow", "where", "what"),
        [
            (of_steps(agent("a", input="${itme.x}")), "/steps/0/input", "`itme` is not known here"),
            (of_steps(agent("a", input="${item}")), "/steps/0/input", "`item` is not known here"),
            (of_steps(agent("a", when="chat.turns > 1")), "/steps/0/when", "`chat` is not known here"),
            (of_steps(agent("a", input="${input.")), "/steps/0/input", "not closed"),
            (of_steps(agent("a", input="${1 +}")), "/steps/0/input", "The expression `1 +` failed"),
            (of_steps(agent("a", when="${input.x}")), "/steps/0/when", "without `${`"),
            (of_steps(agent("a"), output="${steps.b.output}"), "/output", "there is no step `b`"),
            (of_steps(agent("first"), output="${steps.frist}"), "/output", "did you mean `first`?"),
            (of_steps(agent("a", input="${steps.a}")), "/steps/0/input", "it is this step itself"),
            (of_steps(agent("a", input="${steps.b}"), agent("b")), "/steps/0/input", "it runs later"),
            (
                of_steps({"id": "s", "sequential": [agent("a", when="steps.s == 1")]}),
                "/steps/0/sequential/0/when",
                "it contains this step",
            ),
            (
                of_steps({"id": "c", "concurrent": [agent("a"), agent("b", input="${steps.a.output}")]}),
                "/steps/0/concurrent/1/input",
                "at the same time, in another branch of `c`",
            ),
            (
                of_steps({"id": "m", "map": {"over": "input.x", "step": agent("a")}}, output="${steps.a.output}"),
                "/output",
                "use `steps.m.output`",
            ),
            (
                of_steps({"id": "m", "map": {"over": "item", "step": agent("a")}}),
                "/steps/0/map/over",
                "`item` is not known here",
            ),
            (
                of_steps(agent("sign-off"), output="${steps.sign-off.output}"),
                "/output",
                'Write `steps["sign-off"]`.',
            ),
            (of_steps(chat(task="${chat}")), "/steps/0/group_chat/task", "`chat` is not known here"),
        ],
    )
    def test_what_cannot_be_seen_is_refused(self, workflow: Any, where: str, what: str) -> None:
        found = told(workflow)
        assert list(found) == [where]
        assert what in found[where]

    def test_what_has_ended_can_be_seen(self) -> None:
        workflow = of_steps(
            {"id": "s", "sequential": [agent("a"), agent("b", input="${steps.a.output}")]},
            {"id": "c", "concurrent": [agent("d", input="${steps.b.output}"), agent("e-f")]},
            {"id": "m", "map": {"over": "steps.d.output", "step": agent("g", input="${item} ${index} ${input.x}")}},
            chat(task='${steps["e-f"].output}', until={"any": [{"turns": 3}, {"holds": "chat.turns > 2"}]}),
            agent("z", when='steps.m.status == "succeeded"', input="${execution.id}"),
            output="${steps.z.output} ${steps.s.output}",
        )
        assert told(workflow) == {}
