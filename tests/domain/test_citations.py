"""What counts as a citation."""

from __future__ import annotations

import pytest

from domain.citations import cite, cited, passages_in, unknown


def test_an_answer_says_what_it_cites_once_each() -> None:
    answer = "Yes [a.md#1]. Also [b_2.pdf#12] and [a.md#1], not [1], [a#0], [#3], [a b#1] or [a.md#1"
    assert cited(answer) == ("[a.md#1]", "[b_2.pdf#12]")
    assert cited({"text": "so [a.md#1]"}) == ("[a.md#1]",)
    assert cited(None) == ()


def test_what_was_never_shown_is_unknown() -> None:
    assert cite("a.md", 1) == "[a.md#1]"
    assert unknown("[a.md#1] [a.md#2]", {"[a.md#1]"}) == ("[a.md#2]",)


@pytest.mark.parametrize("value", [None, [], "x", {"passages": None}, {"passages": [1, {"cite": 3}, {}]}])
def test_other_results_have_no_passages(value: object) -> None:
    assert list(passages_in(value)) == []


def test_passages_have_their_collection() -> None:
    result = {"collection": "c", "passages": [{"cite": "[a#1]", "title": "T"}]}
    assert list(passages_in(result)) == [{"collection": "c", "cite": "[a#1]", "title": "T"}]
