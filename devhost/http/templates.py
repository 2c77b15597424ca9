"""ASP.NET route templates: `{p}`, `{p?}`, `{p=default}`, `{*rest}` and inline constraints such as `{id:int:min(1)}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devhost.http.constraints import Check, make_check

# ASP.NET's inbound precedence of a segment: the lower digit is tried first.
_LITERAL, _CONSTRAINED, _PLAIN, _CONSTRAINED_REST, _REST, _END = 1, 2, 3, 4, 5, 6

_NAME = re.compile(r"(?P<stars>\*{0,2})(?P<name>[^:=?*{}/]+)")


class TemplateError(ValueError):
    """The route template cannot be read."""


@dataclass(frozen=True)
class _Parameter:
    name: str
    is_rest: bool
    is_optional: bool
    default: str | None
    checks: tuple[Check, ...]

    @property
    def digit(self) -> int:
        if self.is_rest:
            return _CONSTRAINED_REST if self.checks else _REST
        return _CONSTRAINED if self.checks else _PLAIN


@dataclass(frozen=True)
class Template:
    """A compiled template. `precedence` sorts templates that match the same path, the more exact first."""

    text: str
    precedence: tuple[int, ...]
    _pattern: re.Pattern[str]
    _parameters: tuple[_Parameter, ...]  # one per group of the pattern, in order

    def match(self, path: str) -> dict[str, str] | None:
        """The route parameters of a decoded path without its leading slash, or None when it does not match."""
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        values: dict[str, str] = {}
        for parameter, text in zip(self._parameters, found.groups(), strict=True):
            value = text or parameter.default
            if not value:
                continue
            if not all(check(value) for check in parameter.checks):
                return None
            values[parameter.name] = value
        return values


_Segment = list[str | _Parameter]


def compile_template(text: str) -> Template:
    """Compile a route without its leading slash. Raises `TemplateError`."""
    segments = [_parse_segment(segment) for segment in _split(text.strip("/"))]
    parameters = [part for segment in segments for part in segment if isinstance(part, _Parameter)]
    names = [parameter.name.lower() for parameter in parameters]
    if len(set(names)) < len(names):
        raise TemplateError(f"the route '{text}' names a parameter twice")
    return Template(
        text=text,
        precedence=(*(_digit(segment) for segment in segments), _END),  # of two that match, the longer comes first
        _pattern=re.compile(_pattern(segments), re.IGNORECASE),
        _parameters=tuple(parameters),
    )


def _pattern(segments: list[_Segment]) -> str:
    pattern = ""
    for number, segment in enumerate(segments):
        slash = "/" if number else ""
        last = segment[-1] if segment else ""
        if len(segment) == 1 and isinstance(last, _Parameter) and last.is_rest:
            pattern += f"(?:{slash}(.*))?"
        elif len(segment) == 1 and isinstance(last, _Parameter) and (last.is_optional or last.default is not None):
            pattern += f"(?:{slash}([^/]+))?"
        else:
            pattern += slash + "".join(_part_pattern(part) for part in segment)
    return pattern


def _part_pattern(part: str | _Parameter) -> str:
    return re.escape(part) if isinstance(part, str) else "([^/]+)"


def _digit(segment: _Segment) -> int:
    if len(segment) != 1:
        return _CONSTRAINED
    return segment[0].digit if isinstance(segment[0], _Parameter) else _LITERAL


def _split(text: str) -> list[str]:
    """Split at slashes outside braces: a constraint's argument may hold one."""
    segments, depth = [""], 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += character
    if depth:
        raise TemplateError(f"the route '{text}' has unbalanced braces")
    return segments if text else []


def _parse_segment(segment: str) -> _Segment:
    parts: _Segment = []
    position = 0
    while position < len(segment):
        opening = segment.find("{", position)
        if opening < 0:
            opening = len(segment)
        if opening > position:
            parts.append(segment[position:opening])
        if opening == len(segment):
            break
        position = _closing(segment, opening) + 1
        parts.append(_parse_parameter(segment[opening + 1 : position - 1].replace("{{", "{").replace("}}", "}")))
    return parts


def _closing(segment: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(segment)):
        depth += {"{": 1, "}": -1}.get(segment[position], 0)
        if depth == 0:
            return position
    raise TemplateError(f"the route segment '{segment}' has unbalanced braces")


def _parse_parameter(text: str) -> _Parameter:
    found = _NAME.match(text)
    if found is None:
        raise TemplateError(f"'{{{text}}}' is not a route parameter")
    rules, rest = _rules(text[found.end() :])
    if rest not in ("", "?") and not rest.startswith("="):
        raise TemplateError(f"'{{{text}}}' is not a route parameter: '{rest}' is not understood")
    try:
        checks = tuple(make_check(rule) for rule in rules)
    except ValueError as error:
        raise TemplateError(f"'{{{text}}}': {error}") from error
    return _Parameter(
        name=found["name"],
        is_rest=bool(found["stars"]),
        is_optional=rest == "?",
        default=rest[1:] if rest.startswith("=") else None,
        checks=checks,
    )


def _rules(text: str) -> tuple[list[str], str]:
    """The constraints in `:int:min(1)?`, split at colons outside parentheses, and what follows them."""
    rules: list[str] = []
    depth = 0
    for position, character in enumerate(text):
        if depth == 0 and (character in "=?" or (not rules and character != ":")):
            return rules, text[position:]
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == ":" and depth == 0:
            rules.append("")
        else:
            rules[-1] += character
    return rules, ""
