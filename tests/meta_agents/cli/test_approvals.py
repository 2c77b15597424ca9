from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from meta_agents.cli import approvals as module
from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem
from tests.meta_agents.samples import short_log

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class _Clock(datetime):
    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return NOW


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "datetime", _Clock)


@pytest.fixture
def execution(api: FakeApi) -> str:
    return api.add_execution(short_log()[:2])


def words(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


class TestList:
    def test_what_is_open_with_the_time_that_is_left(self, command: Command, api: FakeApi, execution: str) -> None:
        first = api.add_approval(execution, deadline=(NOW + timedelta(hours=2, minutes=3)).isoformat())
        second = api.add_approval(execution, ask="Now?\nReally?", roles=["operator", "lead"])
        overdue = api.add_approval(execution, deadline=(NOW - timedelta(seconds=1)).isoformat())
        api.add_approval(execution, state="withdrawn")

        assert words(command("approvals").stdout) == [
            ["ID", "ASKED", "ROLES", "DEADLINE", "OTHERWISE", "STEP"],
            [overdue, "Publish", "this?", "operator", "now", "reject", "brief", "sign-off"],
            [second, "Now?", "Really?", "operator,", "lead", "brief", "sign-off"],
            [first, "Publish", "this?", "operator", "in", "2", "h", "03", "m", "reject", "brief", "sign-off"],
        ]

    def test_all_with_what_became_of_them(self, command: Command, api: FakeApi, execution: str) -> None:
        api.add_approval(execution)
        api.add_approval(execution, state="decided", decision="approve", by="ann", comment="Go\nahead.")
        api.add_approval(execution, state="expired", decision="reject", deadline=NOW.isoformat())
        api.add_approval(execution, state="withdrawn")
        rows = command("approvals", "--all").stdout.splitlines()

        assert rows[0].split()[-1] == "STATE"
        states = [row.rpartition("brief sign-off")[2].strip() for row in rows[1:]]
        assert states == ["withdrawn", "expired, so reject", "approve, by ann: Go ahead.", "pending"]

    def test_of_one_execution_and_no_more_than_so_many(self, command: Command, api: FakeApi, execution: str) -> None:
        other = api.add_execution(short_log()[:2])
        made = [api.add_approval(execution) for _ in range(3)]
        api.add_approval(other)

        rows = words(command("approvals", "--execution", execution, "--limit", "2").stdout)
        assert [row[0] for row in rows[1:]] == [made[2], made[1]]

    def test_where_a_table_has_no_room(
        self, command: Command, api: FakeApi, execution: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_WIDE", 1_000)
        deadline = (NOW + timedelta(minutes=5)).isoformat()
        turn = api.add_approval(execution, kind="turn", ask="Your turn.", options=["say", "pass"], deadline=deadline)
        done = api.add_approval(execution, state="decided", decision="approve", by="ann")

        assert command("approvals", "--all").stdout.splitlines() == [
            "? brief sign-off asks operator: Publish this?",
            f"    {done}  approve, by ann",
            "? brief sign-off asks operator: Your turn.",
            "    else reject in 5 m 00 s",
            f'    meta-agents decide {turn} say --comment "…"',
            f"    meta-agents decide {turn} pass",
        ]

    def test_as_json(self, command: Command, api: FakeApi, execution: str) -> None:
        made = [api.add_approval(execution) for _ in range(3)]

        assert json.loads(command("approvals", "--json").stdout) == [api.approvals[id] for id in made[::-1]]

    def test_questions_cannot_command_the_terminal(self, command: Command, api: FakeApi, execution: str) -> None:
        api.add_approval(execution, ask="\x1b[2Jgone?", show="\x07")

        assert "\ufffd[2Jgone?" in command("approvals").stdout

    def test_list_says_where_they_are(self, command: Command, api: FakeApi) -> None:
        result = command("list", "approvals")

        assert (result.exit_code, api.seen) == (2, [])
        assert "meta-agents approvals" in result.stderr


class TestDecide:
    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_yes_or_no(self, command: Command, api: FakeApi, execution: str, verb: str) -> None:
        approval = api.add_approval(execution)
        result = command(verb, approval, "--comment", "As said.")

        assert (result.exit_code, result.output) == (0, f"{approval}  {verb}, by local: As said.\n")
        assert api.seen[-1].body == {"decision": verb, "comment": "As said."}

    def test_the_other_kinds(self, command: Command, api: FakeApi, execution: str) -> None:
        failure = api.add_approval(execution, kind="failure", options=["retry", "skip", "fail"])
        turn = api.add_approval(execution, kind="turn", options=["say", "pass"])

        assert command("decide", failure, "retry").stdout == f"{failure}  retry, by local\n"
        assert command("decide", turn, "say", "--comment", "Tea.").exit_code == 0
        assert api.approvals[turn]["comment"] == "Tea."

    def test_as_json(self, command: Command, api: FakeApi, execution: str) -> None:
        approval = api.add_approval(execution)

        assert json.loads(command("approve", approval, "--json").stdout) == api.approvals[approval]

    def test_the_first_decision_stands(self, command: Command, api: FakeApi, execution: str) -> None:
        approval = api.add_approval(execution, state="expired", decision="reject")
        result = command("approve", approval)

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "error: The question is settled.\nNothing is left to decide.\n"

    def test_what_is_no_option(self, command: Command, api: FakeApi, execution: str) -> None:
        approval = api.add_approval(execution, options=["retry", "skip", "fail"])
        result = command("approve", approval)

        assert (result.exit_code, result.stderr) == (
            2,
            "error: 'approve' is no answer.\nSend one of: retry, skip, fail.\n",
        )

    def test_somebody_without_the_role(self, command: Command, api: FakeApi, execution: str) -> None:
        api.answers.append(problem(403, "forbidden", "You may see this question.", "Ask an operator."))
        result = command("approve", api.add_approval(execution))

        assert (result.exit_code, result.stderr) == (4, "error: You may see this question.\nAsk an operator.\n")


def test_one_whole(command: Command, api: FakeApi, execution: str) -> None:
    approval = api.add_approval(execution, show="A\nlong\ntext.\n")

    shown = command("get", "approval", approval).stdout
    assert shown.startswith(f"# approval {approval}\n")
    assert yaml.safe_load(shown)["show"] == "A\nlong\ntext.\n"
    assert json.loads(command("get", "approvals", approval, "--json").stdout) == api.approvals[approval]
    assert command("get", "approval", "unknown").exit_code == 3
