"""The command, run in this process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from meta_agents.cli.app import app
from tests.meta_agents.fake_api import TOKEN, Server

Command = Callable[..., Result]


@pytest.fixture
def command(server: Server, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`command("run", "brief")` gives the result; whatever is not an exit code is raised."""
    monkeypatch.setenv("META_AGENTS_URL", server.url)
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=input, catch_exceptions=False)

    return run
