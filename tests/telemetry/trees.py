"""Spans as a tree that a test can write down: each name with what is in it, in the order in which they began."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.telemetry.collector import SpanSeen


def tree(spans: Sequence[SpanSeen]) -> list[str]:
    """One line for each span, indented below the one that it is in; without that, at the top."""
    known, below = {span.id for span in spans}, defaultdict[str, list[SpanSeen]](list)
    for span in sorted(spans, key=lambda span: (span.began, span.name)):
        below[span.parent if span.parent in known else ""].append(span)
    lines: list[str] = []

    def write(parent: str, depth: int) -> None:
        for span in below[parent]:
            lines.append("  " * depth + span.name)
            write(span.id, depth + 1)

    write("", 0)
    return lines


def require_sound(spans: Sequence[SpanSeen]) -> None:
    """One trace, no id twice, nothing begins before what it is in or ends before it begins, links lead to spans."""
    assert len({span.trace for span in spans}) == 1, Counter(span.trace for span in spans)
    twice = [id for id, count in Counter(span.id for span in spans).items() if count > 1]
    assert not twice, [span for span in spans if span.id in twice]
    known = {span.id: span for span in spans}
    for span in spans:
        assert span.began <= span.ended, span
        for trace, linked in span.links:
            assert trace == span.trace, span
            assert linked in known, span
