"""The words of a web page, with its headings as Markdown: what a reader would see, in the order it stands.

By the standard library's tokenizer, without a tree: however deep and broken a page is, it takes time in proportion to
its length.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_HIDDEN = frozenset({"script", "style", "template", "noscript", "head", "svg", "iframe", "object", "select", "nav"})
_BREAKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "dl", "table", "blockquote"}
    | {"figure", "form", "fieldset", "details", "address", "pre", "hr"}
)
_LINES = frozenset({"br", "tr", "li", "dt", "dd", "summary", "figcaption", "option", "caption"})
_HEADING = re.compile(r"h([1-6])")


def text_of(page: str) -> tuple[str, str | None]:
    """The text, and the page's own title."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.text(), reader.title.strip() or None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._parts: list[str] = []
        self._hidden: list[str] = []
        self._in_title = False
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = not self.title
        elif tag == "body":
            self._hidden.clear()
        elif tag in _HIDDEN:
            self._hidden.append(tag)
        elif not self._hidden:
            self._parts.append(self._before(tag))
            self._verbatim += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN and not self._hidden:
            self._parts.append(self._before(tag))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        elif not self._hidden:
            self._verbatim -= tag == "pre" and self._verbatim > 0
            self._parts.append("\n\n" if tag in _BREAKS or _HEADING.fullmatch(tag) else "")
            self._parts.append(" | " if tag in ("td", "th") else "")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._hidden:
            self._parts.append(data if self._verbatim else re.sub(r"\s+", " ", data))

    def text(self) -> str:
        lines = (line.strip(" |") for line in "".join(self._parts).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _before(self, tag: str) -> str:
        if heading := _HEADING.fullmatch(tag):
            return "\n\n" + "#" * int(heading.group(1)) + " "
        if tag in _BREAKS:
            return "\n\n"
        return "\n- " if tag == "li" else "\n" if tag in _LINES else ""
