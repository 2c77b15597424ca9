"""The aliases that the deployment itself gives: by its settings, and by the file that MODELS_FILE names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.errors import Detail
from domain.models import DEFAULT, KeyReference, ModelAlias, ModelsFile, mistakes
from domain.values import Json
from services.settings import Settings, SettingsError

APP = Path(__file__).parents[2]
"""The app's folder, from which a path that is not absolute counts."""


def from_settings(settings: Settings) -> dict[str, ModelAlias]:
    """What the variables of one endpoint make: `default`, and each of MODEL_ALIASES."""
    if settings.provider == "none" or settings.model_name is None:
        return {}
    endpoint = _endpoint(settings)
    names = {**settings.model_aliases, DEFAULT: settings.model_name}
    return {alias: ModelAlias.model_construct(**{**endpoint, "model": name}) for alias, name in names.items()}


def from_file(settings: Settings) -> dict[str, ModelAlias]:
    """Those of the file, if there is one. Raises `SettingsError` that names the field."""
    if settings.models_file is None:
        return {}
    path = APP / settings.models_file
    from domain.validation import details_of, pointer  # noqa: PLC0415 - slow to import

    written = _read(path)
    try:
        found = ModelsFile.model_validate(written).models
    except ValidationError as error:
        raise _wrong(
            path, [f"{d.pointer or '/'}: {d.message}" for d in details_of(error, ModelsFile, written)]
        ) from error
    known = {**from_settings(settings), **found}
    keys = settings.model_keys
    complaints = [
        f"{pointer(('models', name))}{detail.pointer}: {detail.message}"
        for name, entry in found.items()
        for detail in (*mistakes(name, entry, known, keys), *schema_mistakes(entry))
    ]
    if complaints:
        raise _wrong(path, complaints)
    return found


def schema_mistakes(entry: ModelAlias) -> list[Detail]:
    """What is wrong with the schema of a cascade."""
    schema = entry.cascade.accept_schema if entry.cascade else None
    if schema is None:
        return []
    from domain.validation import check_schema, pointer  # noqa: PLC0415 - slow to import

    return [
        Detail(pointer=pointer(("cascade", "accept_schema", *parts)), message=message)
        for parts, message in check_schema(schema)
    ]


def _endpoint(settings: Settings) -> Mapping[str, Any]:
    tool_calls = settings.model_tool_calls
    if settings.provider == "azure-openai":
        key = KeyReference(env="AZURE_OPENAI_API_KEY") if settings.azure_openai_api_key else None
        return {
            "provider": "azure-openai",
            "base_url": str(settings.azure_openai_endpoint),
            "api_version": settings.azure_openai_api_version,
            "api_key": key,
            "tool_calls": tool_calls,
        }
    key = KeyReference(env="OPENAI_API_KEY") if settings.openai_api_key else None
    address = str(settings.openai_base_url) if settings.openai_base_url else None
    return {"provider": settings.provider, "base_url": address, "api_key": key, "tool_calls": tool_calls}


def _read(path: Path) -> Json:
    import yaml  # noqa: PLC0415 - not needed without the file

    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"MODELS_FILE: {path.name} cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"MODELS_FILE: {path.name} is not YAML: {' '.join(str(error).split())[:300]}") from error


def _wrong(path: Path, complaints: list[str]) -> SettingsError:
    lines = [f"{path.name}: {complaint}" for complaint in complaints]
    return SettingsError("\n".join([*lines, "docs/models.md explains each field."]))
