"""ISO 8601 durations (`PT2S`, `P2D`): read into seconds and written back by pydantic."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero, for example PT30S")
    return value


Duration = Annotated[timedelta, AfterValidator(_positive)]

_PLAIN = TypeAdapter(timedelta)


def iso(value: timedelta) -> str:
    """As an author writes it."""
    written: str = _PLAIN.dump_python(value, mode="json")
    return written
