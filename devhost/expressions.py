"""Binding expressions: `%SETTING%` once at start-up, `{headers.x}` and its like at each invocation."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from devhost.functions import JsonValue

_SETTING = re.compile(r"%([^%\s]+)%")
_EXPRESSION = re.compile(r"\{([^{}]+)\}")


class ExpressionError(ValueError):
    """A binding expression names something that is not there."""


@dataclass(frozen=True)
class BindingData:
    """What an invocation's binding expressions may use. Names compare case-insensitively.

    `subject` is what a reader of the log knows this invocation by.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""


def resolve_settings(value: JsonValue, environ: Mapping[str, str]) -> JsonValue:
    """Replace each `%NAME%` in the strings of a binding property. Raises `ExpressionError` for an unset name."""
    if isinstance(value, str):
        return _SETTING.sub(lambda found: _setting(found[1], environ), value)
    if isinstance(value, list):
        return [resolve_settings(item, environ) for item in value]
    return value


def resolve(text: str, data: BindingData) -> str:
    """Replace each `{...}` by the invocation's data. A header or query value that was not sent is empty.

    Raises `ExpressionError` for a name that this trigger does not offer.
    """
    return _EXPRESSION.sub(lambda found: _value(found[1].strip(), data), text)


def _setting(name: str, environ: Mapping[str, str]) -> str:
    try:
        return environ[name]
    except KeyError:
        raise ExpressionError(f"the app setting '{name}' that %{name}% refers to is not set") from None


def _value(name: str, data: BindingData) -> str:
    scope, dot, key = name.partition(".")
    match scope.lower(), bool(dot):
        case "headers", True:
            return _find(data.headers, key) or ""
        case "query", True:
            return _find(data.query, key) or ""
        case "rand-guid", False:
            return str(uuid.uuid4())
        case "datetime", False:
            return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    found = _find(data.values, name)
    if found is None:
        offered = ", ".join(sorted(data.values)) or "none"
        raise ExpressionError(f"the binding expression {{{name}}} has no value here (values: {offered})")
    return found


def _find(values: Mapping[str, str], key: str) -> str | None:
    wanted = key.lower()
    return next((value for name, value in values.items() if name.lower() == wanted), None)
