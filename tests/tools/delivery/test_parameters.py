"""Parameter files are filled in as azd fills them in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.delivery.parameters import filled

ROOT = Path(__file__).parents[3]


def test_values_go_before_defaults_and_what_has_neither_is_empty() -> None:
    text = '{"a": "${A}", "b": "${B=plain}", "c": "${C=}", "d": "x-${A}-${B=y}"}'
    assert filled(text, {"A": "1"}) == {"a": "1", "b": "plain", "c": "", "d": "x-1-y"}
    assert filled(text, {"B": "2"}) == {"a": "", "b": "2", "c": "", "d": "x--2"}


def test_what_stands_without_quotes_is_json() -> None:
    assert filled('{"n": ${N=3}, "l": ${L=[]}}', {"L": '["a"]'}) == {"n": 3, "l": ["a"]}


def test_no_value_can_break_out_of_its_quotes() -> None:
    odd = 'a", "b": "\\'
    assert filled('{"a": "${A}"}', {"A": odd}) == {"a": odd}


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "infra" / "bicep").glob("*.parameters.json")))
def test_the_files_of_the_template_can_be_filled_in(name: str) -> None:
    command = [sys.executable, "-m", "tools.delivery.parameters", f"infra/bicep/{name}"]
    settings = json.dumps({"AZURE_LOCATION": "westeurope", "ALERT_EMAIL": "ops@example.com"})
    environment = {"AZURE_ENV_NAME": "dev", "SETTINGS": settings}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    parameters = {name: given["value"] for name, given in json.loads(done.stdout)["parameters"].items()}
    assert (parameters["environmentName"], parameters["location"]) == ("dev", "westeurope")
    assert "${" not in done.stdout
