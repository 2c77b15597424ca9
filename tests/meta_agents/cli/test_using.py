from __future__ import annotations

import csv
import json

import pytest

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi


def test_as_a_table(command: Command, api: FakeApi) -> None:
    lines = command("usage", "--by", "workflow,model", "--from", "2026-11-01", "--to", "2026-11-27").stdout.splitlines()
    assert lines[0].split()[:3] == ["WORKFLOW", "MODEL", "EXECUTIONS"]
    assert "1,234" in lines[1]
    assert "$0.5000+?" in lines[1]
    assert lines[2].startswith("total")
    assert api.seen[-1].query == {"from": "2026-11-01", "to": "2026-11-27", "by": "workflow,model"}


def test_as_json_and_csv(command: Command) -> None:
    assert json.loads(command("usage", "--json").stdout)["total"]["model_calls"] == 1_234
    [row] = csv.DictReader(command("usage", "--by", "day,agent", "--csv").stdout.splitlines())
    assert (row["day"], row["agent"], row["cost_usd"], row["seconds"]) == ("2026-11-27", "'=agent-1", "0.5", "2")


def test_of_one_execution(command: Command, api: FakeApi) -> None:
    execution = api.add_execution([])
    command("usage", execution)
    assert api.seen[-1].path == f"/api/executions/{execution}/usage"


@pytest.mark.parametrize("wrong", [("--json", "--csv"), ("some-id", "--from", "2026-11-01"), ("--from", "soon")])
def test_what_cannot_be(command: Command, wrong: tuple[str, ...]) -> None:
    assert command("usage", *wrong).exit_code == 2
