"""The words of a web page, with its headings as Markdown: what a reader would see, in the order it stands.

By a scanner that looks at each character once and builds no tree: however deep and broken a page is, it takes time in
proportion to its length, which the standard library's parser and those with a tree do not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape

_HIDDEN = frozenset({"head", "nav", "svg", "iframe", "object", "select", "noscript", "template"})
_VERBATIM = frozenset({"script", "style", "textarea", "title"})
"""Elements in which nothing is a tag but their own end."""
_BREAKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "dl", "table", "blockquote"}
    | {"figure", "form", "fieldset", "details", "address", "pre", "hr"}
)
_IN_HEAD = frozenset({"head", "meta", "link", "base", "script", "style", "noscript", "template"})
_LINES = frozenset({"br", "tr", "li", "dt", "dd", "summary", "figcaption", "option", "caption"})
_HEADING = re.compile(r"h[1-6]")
_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9-]*")
_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE | re.ASCII) for name in _VERBATIM}

Token = tuple[str, str]
"""Of a tag its name, with `/` before that of an end, and the words in it if those are no tags; else `` and text."""


def text_of(page: str) -> tuple[str, str | None]:
    """The text, and the page's own title."""
    parts: list[str] = []
    title, hidden, kept = "", list[str](), 0
    open_ = Counter[str]()
    """How often each stands in `hidden`: to look through that for every end would take the square of its length."""
    for name, words in _tokens(page):
        bare = name.removeprefix("/")
        if bare == "title":
            title = title or " ".join(unescape(words).split())
        elif bare == "body" or (hidden == ["head"] and name and bare not in _IN_HEAD):
            hidden.clear()
            open_.clear()
            parts.append(_before(name))
        elif name in _HIDDEN:
            hidden.append(name)
            open_[name] += 1
        elif bare in _HIDDEN:
            while open_[bare]:
                open_[hidden.pop()] -= 1
        elif not hidden and not name:
            parts.append(unescape(words) if kept else re.sub(r"\s+", " ", unescape(words)))
        elif not hidden:
            kept = max(0, kept + {"pre": 1, "/pre": -1}.get(name, 0))
            parts.append(_after(bare) if name.startswith("/") else _before(bare))
    lines = (line.removeprefix(" ").rstrip(" |") for line in "".join(parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), title or None


def _before(tag: str) -> str:
    if _HEADING.fullmatch(tag):
        return "\n\n" + "#" * int(tag[1]) + " "
    if tag in _BREAKS:
        return "\n\n"
    return "\n- " if tag == "li" else "\n" if tag in _LINES else ""


def _after(tag: str) -> str:
    if tag in _BREAKS or _HEADING.fullmatch(tag):
        return "\n\n"
    return " | " if tag in ("td", "th") else ""


def _tokens(page: str) -> Iterator[Token]:
    place, last = 0, page.rfind(">")
    while (start := page.find("<", place)) >= 0 and start < last:
        yield "", page[place:start]
        if page.startswith("<!--", start):
            end = page.find("-->", start)
            place = len(page) if end < 0 else end + 3
            continue
        found = _NAME.match(page, start + 1)
        if found is None and page[start + 1 : start + 2] not in ("!", "?", "/"):
            yield "", "<"
            place = start + 1
            continue
        place = page.index(">", start) + 1
        name = found.group().lower() if found else ""
        if name in _VERBATIM:
            closed = _ENDS[name].search(page, place)
            end = closed.start() if closed else len(page)
            yield name, page[place:end]
            place = end
        elif name:
            yield name, ""
    yield "", page[place:]
