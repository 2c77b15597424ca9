"""What was found: mistakes, which keep a definition from being stored, and warnings, which do not."""

from __future__ import annotations

from typing import NamedTuple

from domain.errors import Detail
from domain.validation.pointers import MOST_FINDINGS, Part, as_written, pointer
from domain.values import Json

Parts = tuple[Part, ...]


class Findings(NamedTuple):
    """Nothing in `errors` means that it may be stored."""

    errors: tuple[Detail, ...] = ()
    warnings: tuple[Detail, ...] = ()


class Enough(Exception):
    """So much is wrong that looking for more helps nobody."""


class Notes:
    """Takes findings down, with pointers into `written`, the JSON that the definition was read from."""

    def __init__(self, written: Json) -> None:
        self._written = written
        self._errors: dict[Detail, None] = {}
        self._warnings: dict[Detail, None] = {}

    def error(self, at: Parts, message: str) -> None:
        """Raises `Enough`."""
        if len(self._errors) >= MOST_FINDINGS:
            raise Enough
        self._errors[self._detail(at, message)] = None

    def warning(self, at: Parts, message: str) -> None:
        if len(self._warnings) < MOST_FINDINGS:
            self._warnings[self._detail(at, message)] = None

    def findings(self) -> Findings:
        return Findings(tuple(self._errors), tuple(self._warnings))

    def _detail(self, at: Parts, message: str) -> Detail:
        return Detail(pointer=pointer(as_written(at, self._written)), message=message)
