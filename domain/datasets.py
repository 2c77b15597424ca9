"""Data sets: named, versioned lists of cases on which agents and workflows are evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from domain.base import Definition, Name, Shape
from domain.values import Json, content_hash

MOST_CASES = 1_000

CaseId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class Case(Shape):
    """One thing to try. What is `expected` is for graders alone: whoever is evaluated does not see it."""

    id: CaseId | None = Field(default=None, description="Tells it from others; default: made of the input.")
    input: Any = Field(description="What the agent or workflow is given.")
    expected: Any = Field(default=None, description="What graders compare the output with.")


class Dataset(Definition):
    """A versioned list of cases."""

    name: Name = Field(description="What evaluations call it.")
    description: str = Field(default="", max_length=500, description="For people: what it is about, in a line.")
    cases: tuple[Case, ...] = Field(min_length=1, max_length=MOST_CASES, description="In any order.")


def named(cases: Sequence[Case]) -> list[Case]:
    """The cases, each with an id of its own: the one it has, or else one made of its input, the same in every version.

    Raises `ValueError` for one that is there twice.
    """
    given = [case.id for case in cases if case.id is not None]
    if twice := next((id for index, id in enumerate(given) if id in given[:index]), None):
        raise ValueError(f"the id `{twice}` is there twice")
    return list(_named(cases, set(given)))


def _named(cases: Sequence[Case], taken: set[str]) -> Iterator[Case]:
    for case in cases:
        if case.id is not None:
            yield case
            continue
        name = _name_of(case.input)
        id, number = name, 1
        while id in taken:
            number += 1
            id = f"{name}-{number}"
        taken.add(id)
        yield case.model_copy(update={"id": id})


def _name_of(value: Json) -> str:
    return content_hash(value)[:12]
