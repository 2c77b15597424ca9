"""Paths of steps: `review/round[2]/critic` is inside `review/round[2]`, which is inside `review`."""

from __future__ import annotations


def ancestors(path: str) -> tuple[str, ...]:
    """The paths of the steps around it, from the outermost on, and itself: `a/b[1]` gives `a`, `a/b`, `a/b[1]`."""
    found = [path[:at] for at, character in enumerate(path) if character in "/["]
    return (*found, path) if path else ()


def is_within(path: str, around: str) -> bool:
    """Whether it is `around` itself or inside it. Everything is inside the empty path."""
    return not around or path == around or path.startswith((f"{around}/", f"{around}["))
