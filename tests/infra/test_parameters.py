"""The parameter files name what there is, give all that is needed, and fit together."""

from __future__ import annotations

import re

import yaml

from tests.infra.bicep_reader import INFRA, ROOT
from tests.infra.parameters import FILES, declarations, defaults, given, problems
from tools.pythons import VERSIONS


def test_each_file_gives_what_main_takes() -> None:
    assert problems(INFRA) == []


def test_there_is_no_other_parameter_file() -> None:
    assert {path.name for path in INFRA.folder.rglob("*.parameters.json")} == set(FILES)


def test_production_can_lose_a_zone_and_is_reached_by_private_endpoints() -> None:
    values = {**defaults(INFRA.main), **given(INFRA.folder / "main.prod.parameters.json")}
    assert values["zoneRedundant"]
    assert values["durableTaskCapacity"] == 3
    assert values["signalRSku"] == "Premium_P1"
    assert values["privateNetworking"]
    assert values["alertEmails"]
    assert values["monthlyBudget"] > 0


def test_trying_out_is_paid_by_use() -> None:
    values = {**defaults(INFRA.main), **given(INFRA.folder / "main.dev.parameters.json")}
    for name in ("cosmosMaxThroughput", "durableTaskCapacity", "durableAlwaysReadyInstances"):
        assert values[name] == 0
    assert values["signalRSku"] == "Free_F1"


def test_the_app_is_tested_on_every_python_that_it_may_be_deployed_on() -> None:
    _, decorators = declarations(INFRA.main)["pythonVersion"]
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["other-pythons"]["steps"]
    (installed,) = [
        step["with"]["python-version"].split() for step in steps if "python-version" in step.get("with", {})
    ]
    tested = {"3.11", *VERSIONS}
    assert set(installed) == tested
    assert set(re.findall(r"'([\d.]+)'", decorators)) == tested
