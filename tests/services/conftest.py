"""Services over a temporary directory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.settings import Settings
from services.wiring import Services, build

TOKEN = "a-token-for-tests"


def settings_for(tmp_path: Path, **environment: str) -> Settings:
    return Settings.from_environment(
        {"META_AGENTS_STATE_DIR": str(tmp_path / "state"), "META_AGENTS_TOKEN": TOKEN, **environment}
    )


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    services = build(settings_for(tmp_path))
    yield services
    await services.close()


@pytest.fixture
async def others(tmp_path: Path, services: Services) -> AsyncIterator[Services]:
    """Another process's services over the same state."""
    others = build(settings_for(tmp_path))
    yield others
    await others.close()
