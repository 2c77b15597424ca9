from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, Json, SecretStr, field_validator

from services.hosts import AllowedHosts
from services.secret_values import check_secret
from services.settings.group import Group
from services.settings.kinds import Names
from services.settings.places import differs


class ToolSettings(Group):
    """Tools and the secrets they use."""

    tool_hosts: Annotated[AllowedHosts, BeforeValidator(AllowedHosts.for_tools)] | None = Field(
        default=None,
        alias="TOOL_HOSTS",
        description=(
            "The hosts that `http` tools may call, apart by commas: `api.example.com`, `*.example.com`, each with "
            "`:PORT` if it is not the scheme's own, and private networks that their names may lead to (`10.1.0.0/16`). "
            "Unset: none."
        ),
    )
    tool_modules: Names = Field(
        default=(),
        alias="TOOL_MODULES",
        description="Python modules that register tool functions, with commas between.",
        json_schema_extra=differs(local="`examples.tools.orders`"),
    )
    mcp_servers_file: Path | None = Field(
        default=None,
        alias="MCP_SERVERS_FILE",
        description="A YAML file with the MCP servers that `mcp` tools may name; unset: none.",
        json_schema_extra=differs(local="`tools/mcp.yaml`"),
    )
    secrets: dict[str, SecretStr] = Field(
        default={},
        alias="SECRET_*",
        description=(
            "The secret that definitions name by what stands for `*`: `SECRET_CRM_KEY` holds the value of "
            "`{secret: CRM_KEY}`."
        ),
    )
    secret_hosts: Json[dict[str, tuple[str, ...]]] = Field(
        default={},
        alias="SECRET_HOSTS",
        description=(
            'The hosts that each secret may be sent to, as JSON: `{"CRM_KEY": ["crm.example.com"]}`. A secret that is '
            "not named is sent nowhere."
        ),
    )
    secret_tenants: Json[dict[str, tuple[str, ...]]] = Field(
        default={},
        alias="SECRET_TENANTS",
        description=(
            'The only tenants that may use a secret, as JSON: `{"CRM_KEY": ["acme"]}`. A secret that is not named is '
            "every tenant's."
        ),
    )

    @field_validator("secrets")
    @classmethod
    def _can_be_sent(cls, secrets: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in secrets.items():
            check_secret(name, value.get_secret_value())
        return secrets

    @field_validator("secret_hosts")
    @classmethod
    def _are_hosts(cls, hosts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for names in hosts.values():
            AllowedHosts.parse(",".join(names))
        return hosts

    def conflicts(self) -> Iterator[str]:
        for setting, named in (("SECRET_HOSTS", self.secret_hosts), ("SECRET_TENANTS", self.secret_tenants)):
            for missing in sorted(set(named) - set(self.secrets)):
                yield f"{setting} names `{missing}`, so SECRET_{missing} must hold its value"
