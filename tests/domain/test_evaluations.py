"""Evaluations as workflows: where what is logged belongs, and judges' questions in the words of their workflow."""

from __future__ import annotations

import pytest

from domain.evaluations import Place, place_of, renamed


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("cases[3]", Place(0, 3, None, None, True)),
        ("cases[3]/target", Place(0, 3, "target", None, True)),
        ("cases-2[10]/target-2", Place(2, 10, "target", None, True)),
        ("cases[3]/target/write[2]/x", Place(0, 3, "target", None, False)),
        ("cases[0]/grades", Place(0, 0, "grades", None, True)),
        ("cases[0]/grades/judge-a-1", Place(0, 0, "grades", "a-1", True)),
        ("cases", None),
        ("other[3]/target", None),
    ],
)
def test_places(path: str, place: Place | None) -> None:
    assert place_of(path) == place


@pytest.mark.parametrize(
    ("template", "own"),
    [
        ("Is ${output} right? output", "Is ${input.output} right? output"),
        ("${input.a.output}", "${input.case.input.a.output}"),
        ("${ size(input) + size(output) }!", "${ size(input.case.input) + size(input.output) }!"),
        ("${'input' + output['input']}", "${'input' + input.output['input']}"),
        ("${expected == null ? 'none' : expected}", "${input.case.expected == null ? 'none' : input.case.expected}"),
        ("nothing", "nothing"),
    ],
)
def test_names_of_judges(template: str, own: str) -> None:
    assert renamed(template) == own
