"""What calls used, counted from the logs of executions and kept in few rows: what `GET /api/usage` adds up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from domain.errors import Code
from domain.events import ANSWERS, TERMINAL, Draft, Event, EventType
from domain.usage import Usage
from domain.values import Json

Dimension = Literal["day", "workflow", "agent", "model", "tool"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
StepDimension = Literal["step", "agent", "model", "tool"]
STEP_DIMENSIONS: tuple[StepDimension, ...] = get_args(StepDimension)


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums. `reused`: answers that were taken over and not paid; `unpriced`: paid calls whose price is not known.

    `failures` are attempts at calls that failed. `seconds` is how long calls took, in all.
    """

    executions: int = 0
    executions_failed: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    reused: int = 0
    failures: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    seconds: Decimal = Decimal(0)

    def plus(self, other: Figures) -> Figures:
        return Figures(*[getattr(self, name) + getattr(other, name) for name in _PACKED])


class Key(NamedTuple):
    """What a row is of. Empty: it does not apply, or nobody knows."""

    day: str
    step: str
    agent: str
    model: str
    tool: str


def figures_of(event: Draft) -> tuple[Key, Figures] | None:
    """What an event adds, and where; None for those that add nothing."""
    if event.type in TERMINAL:
        failed = int(event.type is EventType.EXECUTION_FAILED)
        return _key(event), Figures(executions=1, executions_failed=failed)
    if event.type is EventType.CALL_FAILED:
        canceled = (event.data.get("error") or {}).get("code") == Code.CANCELED
        figures = Figures(failures=int(not canceled)).plus(_paid(event.data.get("spent") or {}))
        return (_key(event), figures) if figures != Figures() else None
    if event.type not in ANSWERS:
        return None
    if "reused_from" in event.data or event.data.get("cached"):
        return _key(event), Figures(reused=1)
    seconds = Decimal(str(event.data.get("seconds") or 0))
    if "tool" in event.data and "usage" not in event.data:
        return _key(event), Figures(tool_calls=1, seconds=seconds)
    return _key(event), _paid(event.data.get("usage") or {}).plus(Figures(seconds=seconds))


def _paid(told: Mapping[str, Any]) -> Figures:
    usage = Usage.model_validate(told)
    return Figures(
        model_calls=usage.model_calls,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cost_usd=usage.cost_usd or Decimal(0),
        unpriced=int(usage.cost_usd is None),
    )


def _key(event: Draft) -> Key:
    data = event.data
    model, tool = str(data.get("model") or ""), str(data.get("tool") or "")
    return Key(f"{event.time:%Y-%m-%d}", event.step or "", event.agent or "", model, tool)


_PACKED = tuple(one.name for one in fields(Figures))
_DECIMALS = frozenset({"cost_usd", "seconds"})
_DECIMAL_POSITIONS = [position for position, name in enumerate(_PACKED) if name in _DECIMALS]
Packed = list[Any]
"""Figures as a document holds them: numbers in the order of the fields, decimals as texts."""
SEPARATOR = "\n"
"""Between the parts of a row's name in a document: agent, model, tool."""


def packed(figures: Figures) -> Packed:
    return [str(getattr(figures, name)) if name in _DECIMALS else getattr(figures, name) for name in _PACKED]


def unpacked(row: Packed) -> Figures:
    numbers: list[Any] = [
        Decimal(value) if name in _DECIMALS else value for name, value in zip(_PACKED, row, strict=True)
    ]
    return Figures(*numbers)


Days = dict[str, dict[str, Figures]]
"""Rows by day, and by their names."""


def folded(events: Iterable[Draft], onto: Days | None = None) -> Days:
    """The rows of one execution's events, added to others where they are given."""
    days = {} if onto is None else onto
    for event in events:
        found = figures_of(event)
        if found is None:
            continue
        key, figures = found
        rows, name = days.setdefault(key.day, {}), SEPARATOR.join((key.agent, key.model, key.tool))
        rows[name] = rows[name].plus(figures) if name in rows else figures
    return days


def merged(rows: Mapping[str, Packed], more: Mapping[str, Figures]) -> dict[str, Packed]:
    """The rows of a document with more added."""
    result = dict(rows)
    for name, figures in more.items():
        result[name] = packed(unpacked(result[name]).plus(figures) if name in result else figures)
    return result


class Sums:
    """Rows added up by some dimensions; quickly, for there may be many: numbers in lists, no shapes in between."""

    def __init__(self, by: Sequence[Dimension | StepDimension]) -> None:
        self.by = tuple(by)
        self._rows: dict[tuple[str, ...], list[Any]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add_rows(self, day: str, workflow: str, rows: Mapping[str, Packed]) -> None:
        """Those of one document."""
        positions = [DIMENSIONS.index(dimension) for dimension in self.by if dimension != "step"]
        for name, row in rows.items():
            place = (day, workflow, *name.split(SEPARATOR))
            self._add(tuple([place[position] for position in positions]), row)

    def add_calls(self, events: Iterable[Event]) -> None:
        """What one execution's events say of its calls."""
        for event in events:
            found = figures_of(event) if event.type not in TERMINAL else None
            if found is not None:
                key, figures = found
                self._add(tuple([getattr(key, dimension) for dimension in self.by]), packed(figures))

    def items(self) -> list[dict[str, Json]]:
        """In the order of what they are of; decimals as texts."""
        return [{**dict(zip(self.by, key, strict=True)), **_shown(self._rows[key])} for key in sorted(self._rows)]

    def total(self) -> dict[str, Json]:
        total = [0] * len(_PACKED)
        for row in self._rows.values():
            total = [a + b for a, b in zip(total, row, strict=True)]
        return _shown(total)

    def _add(self, key: tuple[str, ...], row: Packed) -> None:
        numbers = row.copy()
        for position in _DECIMAL_POSITIONS:
            numbers[position] = Decimal(numbers[position])
        before = self._rows.get(key)
        self._rows[key] = numbers if before is None else [a + b for a, b in zip(before, numbers, strict=True)]


def _shown(numbers: Sequence[Any]) -> dict[str, Json]:
    return {
        name: f"{number:f}" if type(number) is Decimal else str(number) if name in _DECIMALS else number
        for name, number in zip(_PACKED, numbers, strict=True)
    }
