"""The functions and their bindings are the same with the variables of each place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.settings import Settings
from services.settings.others import OTHERS
from services.settings.places import Differs
from tests.azure.conftest import ROOT, AzureApp
from tests.azure.process import WorkerProcess

VALUES = {
    "AzureSignalRConnectionString__serviceUri": "https://s.service.signalr.net",
    "PYTHON_ENABLE_INIT_INDEXING": "1",
}


def core_tools() -> dict[str, str]:
    values: dict[str, str] = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    return values


def in_azure() -> dict[str, str]:
    """Each variable that is set there, but for the queues, with which there are more functions."""
    ours = {str(field.alias): Differs.of(field) for field in Settings.model_fields.values()}
    places = {**ours, **{other.name: other.differs for other in OTHERS}}
    return {name: VALUES.get(name, "x") for name, differs in places.items() if differs.azure and "START_" not in name}


@pytest.mark.parametrize("variables", [core_tools, in_azure])
def test_the_functions_are_those_of_the_local_host(azure: AzureApp, variables: Any, tmp_path: Path) -> None:
    with WorkerProcess({**variables(), "META_AGENTS_STATE_DIR": str(tmp_path)}) as process:
        assert {function.name: function for function in process.start(ROOT)} == azure.functions
