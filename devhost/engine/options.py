"""What can be set on the engine, and how `host.json` sets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

_HOST_JSON_NAMES = {
    "maxConcurrentActivityFunctions": "max_concurrent_activities",
    "maxConcurrentEntityFunctions": "max_concurrent_entities",
    "maxEntityOperationBatchSize": "entity_batch_size",
}


def _ten_per_core() -> int:
    return 10 * (os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Settings of the engine; the defaults are those of Azure off the Consumption plan unless said otherwise."""

    max_concurrent_activities: int = field(default_factory=_ten_per_core)
    max_concurrent_entities: int = field(default_factory=_ten_per_core)
    entity_batch_size: int = 50
    """Operations handed to one entity call. Azure's default on Consumption."""
    max_starts: int = 10
    """How often an activity or entity operation may be started again after the process died under it; then it fails.

    Azure would start it for ever.
    """
    wait_for_open_tasks: bool = True
    """As on Azure an instance that returned, failed or continued as new ends only when its open tasks have.

    False ends it at once: tasks not started are dropped, as are the results of those running.
    """
    extended_sessions: bool = True
    """Keep orchestrators alive between turns (see `sessions`). False: every turn is a replay, as on Azure."""
    default_version: str | None = None
    """Version of instances started without one."""
    commands_per_commit: int = 256
    stop_grace_seconds: float = 1.0
    """How long `stop` lets running activities and entities end by themselves."""

    @classmethod
    def from_host_json(cls, host_json: Mapping[str, object]) -> Self:
        """The options that `extensions.durableTask` of a parsed host.json sets; `ValueError` on a bad value."""
        settings: object = host_json
        for key in ("extensions", "durableTask"):
            settings = settings.get(key, {}) if isinstance(settings, Mapping) else {}
        if not isinstance(settings, Mapping):
            return cls()
        numbers = {
            ours: _positive(settings, theirs)
            for theirs, ours in _HOST_JSON_NAMES.items()
            if settings.get(theirs) is not None
        }
        version = settings.get("defaultVersion")
        return cls(
            **numbers,  # type: ignore[arg-type]
            extended_sessions=_switch(settings, "extendedSessionsEnabled", default=True),
            default_version=None if version is None else str(version),
        )


def _switch(settings: Mapping[str, object], key: str, *, default: bool) -> bool:
    value = settings.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f"host.json: extensions.durableTask.{key} must be true or false, not {value!r}")
    return value


def _positive(settings: Mapping[str, object], key: str) -> int:
    value = settings[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"host.json: extensions.durableTask.{key} must be a whole number above 0, not {value!r}")
    return value
