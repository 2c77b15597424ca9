"""Where a variable is set to something else than its default. The app never asks where it runs: only this differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from pydantic.config import JsonDict
from pydantic.fields import FieldInfo


@dataclass(frozen=True, kw_only=True)
class Differs:
    """In Markdown, what the variable is set to in each place; empty: it is not set there. Tests look at the places."""

    local: str = ""
    """By `make start`."""
    core_tools: str = ""
    """By local.settings.json.example, for Azure Functions Core Tools with Azurite."""
    azure: str = ""
    """By infra/bicep."""

    @classmethod
    def of(cls, field: FieldInfo) -> Differs:
        """What `differs` has put on a field of the settings."""
        extra = field.json_schema_extra
        return cls(**{name: str(value) for name, value in extra.items()}) if isinstance(extra, dict) else cls()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Place and value, where it is set."""
        return ((field.name, value) for field in fields(self) if (value := getattr(self, field.name)))


def differs(*, local: str = "", core_tools: str = "", azure: str = "") -> JsonDict:
    """A `Differs` as the `json_schema_extra` of a field."""
    return {**dict(Differs(local=local, core_tools=core_tools, azure=azure))}
