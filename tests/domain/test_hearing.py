"""What is heard of an answer: texts, names, a fingerprint, its beginning."""

from __future__ import annotations

import pytest

from domain.fingerprints import fingerprint
from domain.hearing import PREVIEW_CHARACTERS, Heard, Listening, heard, names_in

NAMES = ("ann", "cost-reviewer", "writer@3")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Ann, what do you think?", ("ann",)),
        ("That is ANN's idea.", ("ann",)),
        ("@writer: please try", ("writer@3",)),
        ("The cost reviewer and the Cost-Reviewer", ("cost-reviewer",)),
        ("costreviewer, cost_reviewer", ("cost-reviewer",)),
        ("Annual planning by writers, co-writer and ann-marie", ()),
        ("The cost, reviewer, is high", ()),
        ("", ()),
        ("ann and writer", ("ann", "writer@3")),
        ("アンさん、annさんはどう？", ("ann",)),
        ("Annäherung", ()),
    ],
)
def test_names_are_found_as_words_however_they_are_written(text: str, named: tuple[str, ...]) -> None:
    assert names_in(text, NAMES) == named


def test_only_what_was_asked_for_is_heard() -> None:
    text = "Ann: we are AGREED. " + "x" * PREVIEW_CHARACTERS
    assert heard(text) == Heard(preview=text[:PREVIEW_CHARACTERS])
    listening = Listening(watch=("AGREED", "agreed"), names=("ann", "bob"), compare=True)
    assert heard(text, listening) == Heard(
        said=("AGREED",), named=("ann",), fingerprint=fingerprint(text), preview=text[:PREVIEW_CHARACTERS]
    )
