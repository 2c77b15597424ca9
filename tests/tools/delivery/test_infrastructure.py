"""The infrastructure is deployed with what was asked for, and its names come back as they are written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.docs.az import wrong_with
from tools.delivery import azure, infrastructure

ROOT = Path(__file__).parents[3]
TOLD = {
    # As Azure tells them: the case of the first letters is not that of the template.
    "azurE_FUNCTION_APP_URL": {"type": "String", "value": "https://func.test"},
    "azurE_FRONT_DOOR_URL": {"type": "String", "value": ""},
    "azurE_RESOURCE_GROUPS": {"type": "Array", "value": ["rg-it's", "rg-$HOME"]},
}


class Azure:
    """Notes the commands, and the parameters of a deployment."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.parameters: dict[str, object] = {}
        self.outputs = TOLD

    def az(self, *arguments: str) -> str:
        self.calls.append(arguments)
        for argument in arguments:
            if argument.startswith("@"):
                self.parameters = json.loads(Path(argument[1:]).read_text("utf-8"))["parameters"]
        return json.dumps(self.outputs)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Azure:
    made = Azure()
    monkeypatch.setattr(infrastructure, "az", made.az)
    monkeypatch.setenv("AZURE_ENV_NAME", "dev")
    monkeypatch.setenv("AZURE_LOCATION", "westeurope")
    return made


def test_names_are_read_by_a_shell_as_they_are_written(fake: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    assert infrastructure.main(["names"]) == 0
    script = capsys.readouterr().out + 'echo "$META_AGENTS_URL $AZURE_RESOURCE_GROUPS"'
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == 'https://func.test ["rg-it\'s", "rg-$HOME"]\n'
    assert fake.calls[0][:4] == ("deployment", "sub", "show", "--name")
    assert "meta-agents-dev" in fake.calls[0]


def test_behind_a_front_door_that_is_the_address(fake: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    fake.outputs = {**TOLD, "azurE_FRONT_DOOR_URL": {"type": "String", "value": "https://front.test"}}
    infrastructure.main(["names"])
    assert "export META_AGENTS_URL=https://front.test\n" in capsys.readouterr().out


def test_a_deployment_has_the_parameters_of_its_file(fake: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", '{"AZURE_PRINCIPAL_ID": "me"}')
    assert infrastructure.main(["deploy", str(ROOT / "infra/bicep/main.dev.parameters.json")]) == 0
    assert fake.parameters["operatorPrincipalId"] == {"value": "me"}
    assert fake.parameters["location"] == {"value": "westeurope"}


def test_its_commands_are_known(fake: Azure) -> None:
    infrastructure.main(["names"])
    infrastructure.main(["deploy", str(ROOT / "infra/bicep/main.dev.parameters.json")])
    assert [wrong for call in fake.calls for wrong in wrong_with(call)] == []


def test_what_azure_refuses_is_told(
    fake: Azure, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(*_: str) -> str:
        raise azure.DeliveryError("InvalidTemplate")

    monkeypatch.setattr(infrastructure, "az", refuses)
    assert infrastructure.main(["names"]) == 1
    assert capsys.readouterr().err == "infrastructure: InvalidTemplate\n"
