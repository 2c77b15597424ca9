"""The text of a document: plain text, Markdown, HTML or PDF, told apart by its content, not by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from time import thread_time
from typing import Any, Literal

from domain.errors import Code, Fault, Problem, ProblemError

MediaType = Literal["text/plain", "text/markdown", "text/html", "application/pdf"]
MOST_BYTES = 10_000_000
"""Of a document as it is sent."""
MOST_CHARACTERS = 5_000_000
"""Of its text."""
MOST_PAGES = 2_000
MOST_SECONDS = 60
"""Of the processor, for a PDF."""
_STREAM_BYTES = 8_000_000
"""Of what a PDF holds in one piece, once it is unpacked."""
_PARTS = 500_000
"""Operators, and what they are applied to, of one page."""
_HTML = re.compile(r"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_BEFORE = re.compile(r"\s+|<\?xml[^>]*>|<!--.*?-->", re.DOTALL)
"""What may stand before a page's first tag."""
_MARKDOWN = re.compile(r"^#{1,6} \S|^```|^\s*[-*] \S|\]\(", re.MULTILINE)
_BEGINNING = 4_000
"""Characters that are looked at."""


@dataclass(frozen=True)
class Read:
    """`pages`: where each begins in the text; none for what has no pages. `title`: the document's own."""

    text: str
    title: str | None = None
    pages: tuple[int, ...] = ()


def sniffed(content: bytes, declared: str) -> MediaType:
    """What it is. Raises `ProblemError` invalid_request for what is none of these."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    beginning = _decoded(content)[:_BEGINNING]
    if _is_page(beginning):
        return "text/html"
    # Between text and Markdown there is no certain difference, and here it makes none but for how it is shown.
    is_markdown = declared == "text/markdown" or _MARKDOWN.search(beginning)
    return "text/markdown" if is_markdown else "text/plain"


def read(content: bytes, media_type: str) -> Read:
    """Its text. Slow for large ones. Raises `ProblemError` invalid_request when there is none, or too much."""
    match media_type:
        case "application/pdf":
            found = _pdf(content)
        case "text/html":
            from services.library.html import text_of  # noqa: PLC0415 - with its neighbours

            found = Read(*text_of(_decoded(content)))
        case _:
            text = _decoded(content).replace("\r\n", "\n")
            heading = re.search(r"^# +(\S.*)", text[:_BEGINNING], re.MULTILINE)
            found = Read(text, heading.group(1).rstrip(" #")[:300] or None if heading else None)
    if not found.text.strip():
        action = "Send one that has; of a scanned PDF, the text that was recognised in it."
        raise unreadable("The document has no text.", action)
    if len(found.text) > MOST_CHARACTERS:
        raise unreadable(
            f"The text of the document is longer than {MOST_CHARACTERS:,} characters.", "Send it in parts."
        )
    return found


def _is_page(beginning: str) -> bool:
    # Piece by piece: an expression that takes any number of comments tries all ways to part them.
    place = 0
    while found := _BEFORE.match(beginning, place):
        place = found.end()
    return _HTML.match(beginning, place) is not None


def unreadable(message: str, action: str) -> ProblemError:
    return ProblemError(Problem(code=Code.INVALID_REQUEST, message=message, action=action, fault=Fault.CALLER))


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"The document is neither PDF nor UTF-8 text: byte {error.start} cannot be read."
        raise unreadable(message, "Send text, Markdown or HTML in UTF-8, or a PDF.") from error
    if "\x00" in text[:_BEGINNING]:
        raise unreadable("The document is no text: it has zero bytes.", "Send text, Markdown, HTML or PDF.")
    return text.replace("\x00", "\ufffd")


def _pdf(content: bytes) -> Read:
    from pypdf import PdfReader, apply_configuration  # noqa: PLC0415 - slow to import, and few need it
    from pypdf.errors import PyPdfError  # noqa: PLC0415 - as above

    most: dict[str, Any] = {
        f"{way}_maximum_output_length": _STREAM_BYTES for way in ("zlib", "lzw", "run_length", "brotli")
    }
    try:
        with apply_configuration(**most, stream_parsing_work_maximum_count=_PARTS):
            reader = PdfReader(BytesIO(content))
            if reader.is_encrypted and not reader.decrypt(""):
                raise unreadable("The PDF is encrypted.", "Send it without a password.")
            if len(reader.pages) > MOST_PAGES:
                raise unreadable(f"The PDF has more than {MOST_PAGES:,} pages.", "Send it in parts.")
            title = reader.metadata.title if reader.metadata else None
            return _paged(_page_texts(reader), title)
    # A damaged file ends in whatever the parser happens to meet.
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        message = f"The PDF cannot be read: {str(error)[:200] or type(error).__name__}."
        raise unreadable(message, "Open it with another program and export it anew, or send its text.") from error


def _page_texts(reader: object) -> Iterator[str]:
    left, until = MOST_CHARACTERS, thread_time() + MOST_SECONDS

    def look(*_: object) -> None:
        """Asked before each of a page's operators, of which a small file may have millions."""
        if thread_time() > until:
            raise unreadable(f"The PDF takes longer than {MOST_SECONDS} seconds to read.", "Send it in parts.")

    for page in reader.pages:  # type: ignore[attr-defined]
        look()
        text = page.extract_text(visitor_operand_before=look).encode("utf-8", errors="replace").decode()
        left -= len(text)
        yield text
        if left < 0:
            return


def _paged(texts: Iterator[str], title: str | None) -> Read:
    pages: list[int] = []
    parts: list[str] = []
    length = 0
    for text in texts:
        pages.append(length)
        parts.append(text.strip() + "\n\n")
        length += len(parts[-1])
    return Read("".join(parts), title.strip()[:300] if isinstance(title, str) and title.strip() else None, tuple(pages))
