"""The table of variables: current, and true of each place that sets some."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from services.settings import GROUPS, Settings
from services.settings.others import OTHERS
from services.settings.places import Differs
from tests.infra.app_settings import app_settings, standby_settings
from tests.infra.bicep_reader import INFRA
from tools import configuration, start
from tools.processes import ModelServer

ROOT = Path(__file__).parents[2]
PAGE = configuration.PAGE.read_text("utf-8")
OURS = {str(field.alias): Differs.of(field) for field in Settings.model_fields.values()}
PLACES = {**{other.name: other.differs for other in OTHERS}, **OURS}
BY_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AzureSignalRConnectionString"}
"""Set by the local host itself, where nobody else sets them."""


def test_the_page_is_current() -> None:
    assert configuration.written(PAGE) == PAGE, "run `python -m tools.configuration`"


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        configuration.written("# Configuration\n")


def test_every_variable_is_described_once() -> None:
    fields = [field for group in GROUPS for field in group.model_fields.values()]
    names = [str(field.alias) for field in fields] + [other.name for other in OTHERS]
    assert sorted(names) == sorted(set(names))
    assert {str(field.alias) for field in Settings.model_fields.values()} <= set(names)
    assert all(field.description for field in fields)


def set_in(place: str) -> set[str]:
    return {name for name, differs in PLACES.items() if place in dict(differs)}


def test_what_it_says_of_core_tools_is_what_the_example_sets() -> None:
    values = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    assert set_in("core_tools") == set(values)


def test_what_it_says_of_the_local_host_is_what_is_set_there(tmp_path: Path) -> None:
    given = {**start.example_tools({}), **ModelServer(tmp_path / "m.gguf").environment()}
    assert set_in("local") == {"META_AGENTS_STATE_DIR", *BY_THE_HOST, *given}


def test_what_it_says_of_azure_is_what_bicep_sets() -> None:
    assert set_in("azure") == {*app_settings(INFRA), *standby_settings(INFRA)}


def test_the_parameters_that_it_names_are_those_of_the_template() -> None:
    named = {name for differs in PLACES.values() for name in re.findall(r"parameter `(\w+)`", differs.azure)}
    assert named
    assert named <= set(INFRA.main.parameters)
