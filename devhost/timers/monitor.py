"""What is remembered of monitored timers, so that a tick missed while the host was down is made up for."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from devhost.errors import StartupError


class ScheduleStatus(BaseModel):
    """One timer. `last` is None until it has fired; `next` was reckoned from `last`, or from `updated` before that."""

    model_config = ConfigDict(frozen=True)

    last: AwareDatetime | None
    next: AwareDatetime
    updated: AwareDatetime

    @property
    def reckoned_from(self) -> datetime:
        return self.last or self.updated


_STATUSES = TypeAdapter(dict[str, ScheduleStatus])


class Monitor:
    """The statuses by function name, in one small JSON file."""

    def __init__(self, path: Path) -> None:
        """Raises `StartupError` when the file is there and cannot be read."""
        self._path = path
        try:
            self._statuses = _STATUSES.validate_json(path.read_bytes())
        except FileNotFoundError:
            self._statuses = {}
        except ValidationError:
            raise StartupError(f"{path} is not what this host wrote; delete it to forget missed timers.") from None

    def get(self, name: str) -> ScheduleStatus | None:
        return self._statuses.get(name)

    def set(self, name: str, status: ScheduleStatus) -> None:
        """Remember `status`; it is on disk when this returns."""
        self._statuses[name] = status
        draft = self._path.with_name(f"{self._path.name}.new")
        draft.write_bytes(_STATUSES.dump_json(self._statuses, indent=2))
        os.replace(draft, self._path)  # at once or not at all: a kill leaves no half-written file
