"""What is told apart by its content, and the words that come out of it."""

from __future__ import annotations

import time

import pytest

from domain.errors import Code, ProblemError
from services.library import reading
from services.library.html import text_of
from services.library.reading import read, sniffed


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF with a line of text on each page."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        font = "<</Font<</F1 3 0 R>>>>"
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources{font}/Contents {5 + 2 * number} 0 R>>",
            f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream",
        ]
    objects.append(f"<</Title({title})>>")
    body, places = b"%PDF-1.4\n", list[int]()
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    trailer = f"<</Size {count}/Root 1 0 R/Info {len(objects)} 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return body + f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n{trailer}".encode()


@pytest.mark.parametrize(
    ("content", "declared", "found"),
    [
        (b"Hello there", "", "text/plain"),
        (b"Hello there", "text/markdown", "text/markdown"),
        (b"# Title\n\nText", "text/plain", "text/markdown"),
        (b"- one\n- two", "", "text/markdown"),
        (b"\xef\xbb\xbf<!DOCTYPE html><p>x", "text/plain", "text/html"),
        (b"<!-- by hand -->\n<HTML>", "", "text/html"),
        (b"a <html> in a text", "text/html", "text/plain"),
        (b"%PDF-1.7\n", "text/plain", "application/pdf"),
        (b"not a PDF", "application/pdf", "text/plain"),
    ],
)
def test_the_content_says_what_it_is(content: bytes, declared: str, found: str) -> None:
    assert sniffed(content, declared) == found


def test_markdown_has_a_title() -> None:
    found = read(b"\xef\xbb\xbfintro\r\n\r\n# The title #\r\n", "text/markdown")
    assert (found.text, found.title) == ("intro\n\n# The title #\n", "The title")


def test_a_page_is_what_a_reader_sees() -> None:
    page = """<!doctype html><html><head><title> The &amp; page </title><style>p {}</style></head><body>
    <nav><a href="/">Home</a></nav><h1>One</h1><p>First   <b>bold</b>
    line.<br>Next.</p><script>alert("x")</script><ul><li>a<li>b</ul>
    <table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>7</td></tr></table>
    <pre>kept
      as it is</pre><h2>Two</h2>end &lt;b&gt;</body></html>"""
    text, title = text_of(page)
    assert title == "The & page"
    assert text == (
        "# One\n\nFirst bold line.\nNext.\n\n- a\n- b\n\nName | Age\nAnn | 7\n\nkept\n     as it is\n\n"
        "## Two\n\nend <b>"
    )


def test_a_page_without_a_body_is_read_too() -> None:
    assert text_of("<html><head><title>T</title><meta x><h1>Hi</h1>there 1 < 2 > 0") == ("# Hi\n\nthere 1 < 2 > 0", "T")
    assert text_of("<html>a<!-- b -->c<!-- d") == ("ac<!-- d", None)


def test_letters_that_are_two_as_small_ones_move_nothing() -> None:
    city = "\u0130stanbul"
    assert text_of(f"<body>{city} {city}<Script>var a</SCRIPT>is large</body>") == (f"{city} {city}is large", None)


@pytest.mark.parametrize(
    "page",
    ["<div>" * 200_000 + "x", "<p>x" * 100_000, "<" * 300_000, "&" * 300_000, "<a b=" * 100_000, "<!--" * 50_000],
)
def test_a_broken_page_takes_no_longer_than_its_length(page: str) -> None:
    before = time.process_time()
    text_of(f"<html>{page}")
    assert time.process_time() - before < 5


def test_a_pdf_has_pages() -> None:
    found = read(pdf("First page.", "Second page.", title="The file"), "application/pdf")
    assert found.title == "The file"
    assert [found.text[start:].split("\n")[0] for start in found.pages] == ["First page.", "Second page."]


@pytest.mark.parametrize(
    ("content", "media_type", "says"),
    [
        (pdf(""), "application/pdf", "no text"),
        (pdf("x")[:-200], "application/pdf", "cannot be read"),
        (b"%PDF-1.4", "application/pdf", "cannot be read"),
        (b" \n", "text/plain", "no text"),
    ],
)
def test_what_has_no_text_is_refused(content: bytes, media_type: str, says: str) -> None:
    with pytest.raises(ProblemError, match=says) as caught:
        read(content, media_type)
    assert caught.value.problem.code is Code.INVALID_REQUEST


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_CHARACTERS", 100)
    monkeypatch.setattr(reading, "MOST_PAGES", 2)
    with pytest.raises(ProblemError, match="longer than 100"):
        read(b"x" * 101, "text/plain")
    with pytest.raises(ProblemError, match="longer than 100"):
        read(pdf("x" * 150), "application/pdf")
    with pytest.raises(ProblemError, match="more than 2 pages"):
        read(pdf("a", "b", "c"), "application/pdf")


class TestHeldUp:
    """Documents made to take for ever: with what they hold, each would take hours, or days."""

    def test_by_comments(self) -> None:
        assert sniffed(b"<!--x-->" * 400 + b"<p>", "text/plain") == "text/plain"
        assert sniffed(b"<!--x-->" * 400 + b"<html>", "text/plain") == "text/html"

    def test_by_elements_that_never_end(self) -> None:
        assert text_of("<svg>" * 400_000 + "</nav>" * 400_000) == ("", None)
        assert text_of("a<svg>b<nav>c</svg>d</nav>e<nav>x<svg>y</nav>z") == ("adez", None)

    def test_by_a_page_of_a_million_parts(self) -> None:
        with pytest.raises(ProblemError, match="cannot be read"):
            read(pdf("x) Tj (" * 300_000), "application/pdf")

    def test_by_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MOST_SECONDS", -1)
        with pytest.raises(ProblemError, match="takes longer than"):
            read(pdf("a"), "application/pdf")
