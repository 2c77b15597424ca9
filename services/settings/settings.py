"""All settings of the app, made of their groups."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Self

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from services.settings.access import AccessSettings
from services.settings.environment import Environment, SettingsError, told
from services.settings.group import Group
from services.settings.models import ModelSettings
from services.settings.spelling import misspelt
from services.settings.starting import StartSettings
from services.settings.stores import StoreSettings
from services.settings.telemetry import TelemetrySettings
from services.settings.telling import TellSettings
from services.settings.tools import ToolSettings

GROUPS: tuple[type[Group], ...] = (
    StoreSettings,
    AccessSettings,
    ModelSettings,
    ToolSettings,
    StartSettings,
    TellSettings,
    TelemetrySettings,
)
"""In the order of the documentation."""


class Settings(
    StoreSettings,
    AccessSettings,
    ModelSettings,
    ToolSettings,
    StartSettings,
    TellSettings,
    TelemetrySettings,
    BaseSettings,
):
    """What the environment decides. `Settings(...)` has what it is given; `from_environment` reads variables."""

    # Defaults are values already, not texts to be read.
    model_config = SettingsConfigDict(
        frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True, validate_default=False
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises `SettingsError` with one line per variable that cannot be used."""
        try:
            return cls(**Environment(cls, environment)())
        except ValidationError as error:
            lines = [told(error), *cls.unread(environment), "docs/configuration.md explains each variable."]
            raise SettingsError("\n".join(lines)) from error

    @classmethod
    def unread(cls, environment: Mapping[str, str] = os.environ) -> list[str]:
        """A sentence for each variable that nothing reads, but that looks like one of ours."""
        ours = {str(field.alias) for field in cls.model_fields.values()}
        return [f"{name}: nothing reads it; was {near} meant?" for name, near in misspelt(environment, ours)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in: neither tests nor tools see by accident what their machine has set."""
        return (init_settings,)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if faults := [sentence for group in GROUPS for sentence in group.conflicts(self)]:
            raise ValueError("\n".join(faults))
        return self
