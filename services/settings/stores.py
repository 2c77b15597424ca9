from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.settings.group import Group


class StoreSettings(Group):
    """Where data is kept."""

    state_dir: Path = Field(
        default=Path(".local"),
        alias="META_AGENTS_STATE_DIR",
        description="Folder of the documents, the artifacts and the token file.",
    )
