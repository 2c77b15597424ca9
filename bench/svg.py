"""A small line chart as SVG, both axes logarithmic: enough for how cost grows, and nothing to install."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 150, 40, 50
_COLOURS = ("#0b6bcb", "#c2410c", "#7c3aed", "#15803d", "#b91c1c", "#525252")


def chart(title: str, across: str, up: str, lines: Mapping[str, Sequence[Point]]) -> str:
    """One line per name, all coordinates above 0. At least one point in all."""
    points = [point for line in lines.values() for point in line]
    x = _Axis([point[0] for point in points], _LEFT, WIDTH - _RIGHT)
    y = _Axis([point[1] for point in points], HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"',
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
        *(_grid(x.at(value), _TOP, x.at(value), HEIGHT - _BOTTOM, _short(value), vertical=True) for value in x.ticks),
        *(_grid(_LEFT, y.at(value), WIDTH - _RIGHT, y.at(value), _short(value), vertical=False) for value in y.ticks),
    ]
    for place, (name, line) in enumerate(lines.items()):
        parts += _line(name, [(x.at(point[0]), y.at(point[1])) for point in line], place)
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """From values to pixels, over whole decades."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(self._low + 1, math.ceil(math.log10(max(values))))
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _grid(x1: float, y1: float, x2: float, y2: float, label: str, *, vertical: bool) -> str:
    where = (
        f'x="{x1:.1f}" y="{y2 + 16:.1f}" text-anchor="middle"'
        if vertical
        else f'x="{x1 - 6:.1f}" y="{y1 + 4:.1f}" text-anchor="end"'
    )
    line = f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d4d4d4"/>'
    return f"{line}<text {where}>{label}</text>"


def _line(name: str, points: Sequence[Point], place: int) -> list[str]:
    colour = _COLOURS[place % len(_COLOURS)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    legend = _TOP + 14 + place * 18
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        f'<text x="{WIDTH - _RIGHT + 12}" y="{legend}" fill="{colour}">{escape(name)}</text>',
    ]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
