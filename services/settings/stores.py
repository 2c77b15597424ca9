from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.settings.group import Group
from services.settings.places import differs


class StoreSettings(Group):
    """Where data is kept."""

    state_dir: Path = Field(
        default=Path(".local"),
        alias="META_AGENTS_STATE_DIR",
        description="Folder of the documents, the artifacts and the token file.",
        json_schema_extra=differs(local="`STATE_DIR`", core_tools="`.local`", azure="`/tmp/meta-agents`"),
    )
