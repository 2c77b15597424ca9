from __future__ import annotations

from pydantic import Field, SecretStr

from services.settings.group import Group
from services.settings.kinds import Labels
from services.settings.places import differs


class AccessSettings(Group):
    """Who may do what."""

    token: SecretStr | None = Field(
        default=None,
        alias="META_AGENTS_TOKEN",
        description="The token callers must send; unset: what the file `token` in the state directory holds.",
        json_schema_extra=differs(azure="a secret of the Key Vault"),
    )
    protected_labels: Labels = Field(
        default=("production",),
        alias="PROTECTED_LABELS",
        description="Labels of prompts that only an admin moves, with commas between; `-`: none.",
    )
