from __future__ import annotations

import pytest

from domain.paths import ancestors, is_within


@pytest.mark.parametrize(
    ("path", "around"),
    [
        ("a", ("a",)),
        ("review/round[2]/critic", ("review", "review/round", "review/round[2]", "review/round[2]/critic")),
        ("each[3]", ("each", "each[3]")),
        ("", ()),
    ],
)
def test_ancestors_lead_from_the_outermost_to_the_step_itself(path: str, around: tuple[str, ...]) -> None:
    assert ancestors(path) == around


@pytest.mark.parametrize(
    ("path", "around", "within"),
    [
        ("a/b", "a", True),
        ("a[1]", "a", True),
        ("a", "a", True),
        ("ab", "a", False),
        ("a-b/c", "a", False),
        ("a", "a/b", False),
        ("a[1]/b", "a[10]", False),
        ("anything", "", True),
    ],
)
def test_what_is_within_what(path: str, around: str, within: bool) -> None:
    assert is_within(path, around) is within
    assert (around in ancestors(path)) is (within and around != "")
