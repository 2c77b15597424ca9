from __future__ import annotations

from pydantic import Field, SecretStr

from services.settings.group import Group
from services.settings.kinds import Labels


class AccessSettings(Group):
    """Who may do what."""

    token: SecretStr | None = Field(
        default=None,
        alias="META_AGENTS_TOKEN",
        description="The token callers must send; unset: what the file `token` in the state directory holds.",
    )
    protected_labels: Labels = Field(
        default=("production",),
        alias="PROTECTED_LABELS",
        description="Labels of prompts that only an admin moves, with commas between; `-`: none.",
    )
