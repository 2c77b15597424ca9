"""How texts are cut into passages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.chunking import SIZE, Passage, passages


def words(text: str) -> int:
    return len(text.split())


def cut(text: str, size: int = 20, overlap: int = 5) -> list[tuple[tuple[str, ...], str]]:
    return [(found.headings, text[found.start : found.end]) for found in passages(text, words, size, overlap)]


def sentence(name: str, length: int = 5) -> str:
    return " ".join([name, *["word"] * (length - 2), "end."])


def test_a_short_text_is_one_passage() -> None:
    assert cut("\n\n One line.\n\nAnother.\n\n") == [((), " One line.\n\nAnother.")]
    assert cut("  \n\n") == []


def test_sections_are_passages_with_the_headings_they_stand_under() -> None:
    text = "# Guide\n\n## Setup\n\n" + sentence("A", 12) + "\n\n## Use\n\n### Daily #\n\n" + sentence("B", 12)
    first, second = cut(text)
    assert first == (("Guide", "Setup"), "# Guide\n\n## Setup\n\n" + sentence("A", 12))
    assert second == (("Guide", "Use", "Daily"), "## Use\n\n### Daily #\n\n" + sentence("B", 12))


def test_small_sections_share_a_passage() -> None:
    text = "# A\n\none two\n\n# B\n\nthree"
    assert cut(text) == [(("A",), text)]


def test_a_heading_is_not_left_behind() -> None:
    text = "short\n\n## Next\n\n" + sentence("0", 18)
    first, second = cut(text)
    assert first[1] == "short"
    assert second[1].startswith("## Next\n\n0 word")


def test_long_paragraphs_are_cut_at_sentences_and_overlap() -> None:
    text = " ".join(sentence(str(number)) for number in range(9))
    found = [part for _, part in cut(text)]
    assert found == [
        " ".join(sentence(str(number)) for number in numbers) for numbers in (range(4), range(3, 7), range(6, 9))
    ]


def test_what_has_no_sentences_is_cut_at_words_and_then_anywhere() -> None:
    assert [words(part) for _, part in cut("word " * 50, overlap=0)] == [20, 20, 10]
    found = passages("x" * 1000, len, 100, 0)
    assert max(part.end - part.start for part in found) <= 100
    assert sum(part.end - part.start for part in found) == 1000


def test_what_is_fenced_has_no_headings_and_no_paragraphs() -> None:
    text = "# Code\n\n```sh\n# a comment\n\nrun\n```\n\nafter"
    assert cut(text) == [(("Code",), text)]


@given(
    st.lists(
        st.sampled_from(["# H\n", "## S\n", "word ", "end. ", "\n", "\n\n", "```\n", "日本。", "x" * 50]), max_size=80
    ),
    st.integers(4, 40),
    st.integers(0, 10),
)
def test_any_text_is_covered_by_passages_that_fit(parts: list[str], size: int, overlap: int) -> None:
    text = "".join(parts)

    def count(part: str) -> int:
        return (len(part) + 3) // 4 if part.strip() else 0

    found = passages(text, count, size, min(overlap, size))
    covered = set[int]()
    before = Passage(0, 0, ())
    for part in found:
        assert before.start < part.end
        assert part.start <= part.end
        assert part.start > before.start or before.end == 0
        covered.update(range(part.start, part.end))
        before = part
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= covered
    # Blanks between its pieces count a little more than the pieces did alone.
    assert all(count(text[part.start : part.end]) <= size * 2 for part in found)


def test_headings_with_nothing_under_them_make_passages_of_the_size_too() -> None:
    text = "# a\n" * 20_000
    found = passages(text, lambda part: len(part.split()))
    assert max(len(text[one.start : one.end].split()) for one in found) <= SIZE
    assert "".join(text[one.start : one.end] for one in found).count("a") == 20_000


def test_a_heading_made_of_marks_takes_no_more_time_than_another() -> None:
    [one, *_] = passages("# " + "#" * 400_000 + "x", lambda part: len(part) // 4)
    assert one.start == 0
