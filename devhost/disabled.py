"""Which functions the app's settings switch off."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from devhost.functions import Function

_ON = ("true", "1")


def mark_disabled(
    functions: Iterable[Function], allowed: Collection[str] | None, environ: Mapping[str, str]
) -> list[Function]:
    """The functions, each that is switched off with its reason. `allowed` is `functions` of host.json."""
    settings = {name.lower(): value for name, value in environ.items()}
    names = None if allowed is None else {name.lower() for name in allowed}
    return [replace(function, disabled=_why_disabled(function, names, settings)) for function in functions]


def _why_disabled(function: Function, allowed: Collection[str] | None, settings: Mapping[str, str]) -> str | None:
    if allowed is not None and function.name.lower() not in allowed:
        return "not among the functions of host.json"
    # With dots as in the portal, with underscores where a shell cannot say dots.
    for name in (f"AzureWebJobs{dot}{function.name}{dot}Disabled" for dot in (".", "__", "_")):
        if settings.get(name.lower(), "").lower() in _ON:
            return f"disabled by the setting {name}"
    return _by_its_trigger(function.trigger.properties.get("disabled"), settings)


def _by_its_trigger(disabled: object, settings: Mapping[str, str]) -> str | None:
    """The trigger's `disabled`: true, or the name of a setting that says so."""
    if isinstance(disabled, str):
        disabled = settings.get(disabled.lower(), disabled).lower() in _ON
    return "disabled by its trigger" if disabled is True else None
