"""Reading a mapping of variables: what is unset, whole families of them, and how faults are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from services.secret_values import secrets_of

Family = Callable[[Mapping[str, str]], dict[str, str]]


class SettingsError(Exception):
    """The environment cannot be used; the message names the variable and what to write."""


def _model_keys(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("MODEL_KEY_")}


FAMILIES: Mapping[str, Family] = {"SECRET_*": secrets_of, "MODEL_KEY_*": _model_keys}
"""By the alias of the field that holds them: which variables belong to it."""


class Environment(PydanticBaseSettingsSource):
    """Each field by its alias, never by its own name: `token` of a stranger is not ours. Blank is unset."""

    def __init__(self, settings_cls: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._given = {name: value for name, value in environment.items() if value.strip()}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        alias = field.alias or field_name
        family = FAMILIES.get(alias)
        value = self._given.get(alias) if family is None else family(self._given) or None
        return value, alias, False

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {alias: value for value, alias, _ in found if value is not None}


def told(error: ValidationError) -> str:
    """One line for each variable that cannot be used, and for each combination; no value is repeated."""
    lines: dict[str, list[str]] = {}
    for fault in error.errors(include_input=False, include_url=False):
        name, *inside = map(str, fault["loc"]) if fault["loc"] else [""]
        lines.setdefault(name, []).append(": ".join([*inside, fault["msg"].removeprefix("Value error, ")]))
    return "\n".join(f"{name}: {'; '.join(faults)}" if name else "\n".join(faults) for name, faults in lines.items())
