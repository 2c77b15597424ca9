"""The servers that the deployment declares, in the YAML file that MCP_SERVERS_FILE names.

Definitions name a server and cannot make one: where requests go, what is run and which secrets are sent is not an
author's to say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator

from domain.base import Name, Shape
from domain.secrets import SecretReference
from domain.webhooks import Target
from services.hosts import PRIVATE, AllowedHosts, Entry

Text = str | SecretReference


class ServersError(Exception):
    """The file cannot be used; the message says what to write."""


def _url(text: str) -> str:
    Target.of(text)
    return text


class McpServer(Shape):
    """One server: at a `url` (streamable HTTP), or a `command` that is run here and spoken to over its pipes."""

    url: Annotated[str, AfterValidator(_url)] | None = Field(default=None, max_length=2_000)
    headers: dict[str, Text] = Field(default_factory=dict, description="Sent with each request.")
    entra: str | None = Field(
        default=None, max_length=500, description="Scope of the Entra ID tokens that the app's identity is sent with."
    )
    private: bool = Field(default=False, description="Whether the name may lead to an address of a private network.")
    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    env: dict[str, Text] = Field(default_factory=dict, description="Beside PATH, HOME and the like; nothing else.")
    tenants: tuple[Name, ...] | None = Field(default=None, description="Who may use it; unset: every tenant.")

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if (self.url is None) == (self.command is None):
            raise ValueError("a server has either a `url` or a `command`")
        if self.command is not None and (self.headers or self.private or self.entra):
            raise ValueError("`headers`, `entra` and `private` go with a `url`")
        if self.entra is not None and self.target.scheme != "https" and not self.target.is_loopback:
            raise ValueError("`entra` goes with an https `url`: a token must not be read on its way")
        if self.url is not None and self.env:
            raise ValueError("`env` goes with a `command`")
        return self

    @property
    def target(self) -> Target:
        """Where its `url` leads."""
        return Target.of(self.url or "")

    @property
    def allowed(self) -> AllowedHosts:
        """Its own host, and nothing else."""
        target = self.target
        own = Entry(target.host, target.port if target.has_own_port else None, any_below=False)
        return AllowedHosts((own, *(PRIVATE if self.private else ())), "MCP_SERVERS_FILE", plain_ports=True)


class _File(Shape):
    servers: dict[Name, McpServer]


class McpServers:
    """Read when first asked for."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._read: dict[str, McpServer] | None = None

    def of(self, tenant: str) -> dict[str, McpServer]:
        """Those that the tenant may use, by name. Raises `ServersError`."""
        if self._read is None:
            self._read = read_servers(self._file) if self._file else {}
        return {
            name: server
            for name, server in sorted(self._read.items())
            if server.tenants is None or tenant in server.tenants
        }


def read_servers(file: Path) -> dict[str, McpServer]:
    """Raises `ServersError`."""
    import yaml  # noqa: PLC0415 - slow to import

    try:
        return _File.model_validate(yaml.safe_load(file.read_text("utf-8"))).servers
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ServersError(f"MCP_SERVERS_FILE cannot be read: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ServersError(f"MCP_SERVERS_FILE cannot be used, at `{where}`: {first['msg']}") from error
