"""Evaluations as workflows: over the cases of a data set, what is evaluated, and then those who judge the answers.

So an evaluation is an execution like others: it survives kills, is paused and budgeted, and pays nothing twice. What
graders say that are no agents is worked out from the recorded answers whenever the results are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from domain.base import Shape, split_reference
from domain.cel_text import KEYWORDS, is_call, is_method, tokens
from domain.expressions import pieces_of
from domain.graders import SCORE, VERDICT, Grader
from domain.policies import Limits
from domain.workflows import Workflow

GRADES = "evaluation-grades"
TARGET = "evaluation-target"
CONCURRENCY = 8

_NAMES = {"input": "input.case.input", "expected": "input.case.expected", "output": "input.output"}
"""What judges are asked about, and where their workflow finds it."""
_PLACE = re.compile(
    r"cases(?:-(\d+))?\[(\d+)\](?:/(target|grades)(?:-\d+)?(?=[/[]|$)(?:/judge-([a-z0-9][a-z0-9-]*)$)?)?($)?"
)


class Evaluated(Shape):
    """What an execution evaluates, as its record says it."""

    kind: Literal["evaluation", "trial"] = Field(description="A `trial` is of a prompt, on calls of past executions.")
    agent: str | None = Field(default=None, description="The agent, `name@version`.")
    workflow: str | None = Field(default=None, description="The workflow, `name@version`.")
    prompt: str | None = Field(default=None, description="The prompt in place of the agent's own.")
    dataset: str | None = Field(default=None, description="The data set, `name@version`; None: cases of its own.")
    graders: tuple[Grader, ...] = ()
    cases: int

    @property
    def target(self) -> str:
        return self.agent or self.workflow or ""


class Place(NamedTuple):
    """Where a step of an evaluation's log belongs: which group of cases, which case, and what of it.

    `whole`: it is the part itself, and not a step within.
    """

    group: int
    case: int
    part: str | None
    judge: str | None
    whole: bool


def place_of(path: str) -> Place | None:
    """None for a step that belongs to no case."""
    found = _PLACE.match(path)
    if found is None:
        return None
    return Place(int(found[1] or 0), int(found[2]), found[3], found[4], found[5] is not None)


class Generated(NamedTuple):
    """The workflow of an evaluation, and those that it names, by name."""

    workflow: Workflow
    others: dict[str, Workflow]


def evaluation_workflow(
    name: str,
    targets: Sequence[Mapping[str, Any]],
    graders: Sequence[Grader],
    concurrency: int = CONCURRENCY,
    limits: Limits | None = None,
) -> Generated:
    """Of its input `{groups: [[case]]}` the cases of each group go to the target of the same place.

    A target is `{"agent": reference}` or `{"workflow": reference}`.
    """
    steps = [_group(number, target, concurrency) for number, target in enumerate(targets)]
    workflow = {
        "name": name,
        "description": "Made for an evaluation.",
        "limits": (limits or Limits()).model_dump(mode="json", exclude_defaults=True),
        "steps": steps,
        "output": "${size(input.groups)}",
    }
    return Generated(Workflow.model_validate(workflow), {GRADES: _grades(graders)})


def _group(number: int, target: Mapping[str, Any], concurrency: int) -> dict[str, Any]:
    suffix = "" if number == 0 else f"-{number}"
    answer = {"id": f"target{suffix}", **target, "input": "${item.input}", "on_error": "skip"}
    # What a workflow is given is recorded: so the answer is found again, however it came about.
    own = f'steps["{answer["id"]}"]'
    given = {"case": "${item}", "output": f"${{{own}.output}}"}
    succeeded = f'{own}.status == "succeeded"'
    grades = {"id": f"grades{suffix}", "workflow": GRADES, "input": given, "when": succeeded, "on_error": "skip"}
    return {
        "id": f"cases{suffix}",
        "needs": [],
        "map": {
            "over": f"input.groups[{number}]",
            "concurrency": concurrency,
            "step": {"id": f"case{suffix}", "sequential": [answer, grades]},
        },
    }


def _grades(graders: Sequence[Grader]) -> Workflow:
    """The judges, all at once; where there are none, nothing happens."""
    steps: list[dict[str, Any]] = [
        {
            "id": f"judge-{grader.name}",
            "needs": [],
            "agent": grader.judge.agent,
            "input": renamed(grader.judge.ask),
            "output_schema": VERDICT if grader.judge.scale == "pass" else SCORE,
            "on_error": "skip",
        }
        for grader in graders
        if grader.judge is not None
    ]
    nothing = {"id": "nothing", "when": "input.case == null", "wait": {"for": "PT1S"}}
    return Workflow.model_validate({"name": GRADES, "steps": steps or [nothing]})


def wrapped(agent: str) -> Workflow:
    """The agent as a workflow, for one whose prompt is made of an input: that is the case's then."""
    return Workflow.model_validate({"name": TARGET, "input": {}, "steps": [{"id": "answer", "agent": agent}]})


def name_for(target: str) -> str:
    return f"evaluate-{split_reference(target)[0]}"[:63]


def renamed(template: str) -> str:
    """A judge's question with its names as the workflow of the judges has them."""
    copied, parts = 0, list[str]()
    for piece in pieces_of(template):
        begin = template.index(piece.expression, piece.start + 2) if piece.expression else piece.start + 2
        parts += [template[copied:begin], _expression(piece.expression)]
        copied = begin + len(piece.expression)
    return "".join([*parts, template[copied:]])


def _expression(expression: str) -> str:
    found = list(tokens(expression))
    copied, parts = 0, list[str]()
    for index, token in enumerate(found):
        is_name = token.kind == "name" and token.text in _NAMES and token.text not in KEYWORDS
        if is_name and not is_method(found, index) and not is_call(found, index):
            parts += [expression[copied : token.start], _NAMES[token.text]]
            copied = token.end
    return "".join([*parts, expression[copied:]])
