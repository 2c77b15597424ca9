from __future__ import annotations

import json

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi


class TestTenantBudgets:
    def test_set_shown_and_deleted(self, command: Command, api: FakeApi) -> None:
        assert command("budget", "set", "all", "--cost-usd", "5").stdout == "all  $0.75 of $5 spent in 2026-11\n"
        command("budget", "set", "all", "--tokens", "100", "--workflow", "brief", "--at-cap", "fail")
        listed = command("budget", "list").stdout
        assert "workflow brief" in listed
        assert "$5, 100 tokens" in listed
        assert "$0.75, 42 tokens" in listed
        puts = api.requests("PUT", "/api/budgets/all")
        assert puts[0].body == {"name": "all", "cost_usd": "5"}
        assert puts[0].headers["if-none-match"] == "*"
        assert puts[1].body["scope"] == "workflow"
        assert puts[1].headers["if-match"]
        assert json.loads(command("budget", "list", "--json").stdout)[0]["definition"]["at_cap"] == "fail"
        assert command("budget", "delete", "all").stdout == "deleted  budget    all\n"

    def test_one_needs_a_cap_and_one_scope(self, command: Command, api: FakeApi) -> None:
        assert command("budget", "set", "all", "--period", "day").exit_code == 2
        assert command("budget", "set", "all", "--tokens", "1", "--agent", "a", "--workflow", "w").exit_code == 2
        assert api.budgets == {}


class TestRaise:
    def test_it_goes_on(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution([], status="paused", paused_for={"path": "", "what": "2 of 2 model calls"})
        assert "paused (budget)" in command("list", "executions").stdout
        result = command("budget", "raise", execution, "panel", "--model-calls", "9")
        assert result.stdout == f"{execution}  running\n"
        assert f"meta-agents watch {execution}" in result.stderr
        assert api.seen[-1].body == {"path": "panel", "model_calls": 9}

    def test_nothing_to_raise(self, command: Command, api: FakeApi) -> None:
        assert command("budget", "raise", api.add_execution([])).exit_code == 2
