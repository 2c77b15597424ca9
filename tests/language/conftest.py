"""Shared by the tests that run workflows over the real engine."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The SDK tells app authors that untyped payloads will go; ours are plain JSON on purpose."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"))
