from __future__ import annotations

import json

from starlette.responses import JSONResponse

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi
from tests.meta_agents.samples import diff, diff_row, step_summary

LEFT, RIGHT = "1" * 32, "2" * 32


def answered(api: FakeApi, command: Command, document: dict[str, object], *options: str) -> str:
    api.answers.append(JSONResponse(document))
    result = command("diff", LEFT, RIGHT, *options)
    assert result.exit_code == 0, result.output
    return result.stdout


def row_of(output: str, path: str) -> str:
    return next(line for line in output.splitlines() if f" {path} " in line)


class TestDiff:
    def test_the_first_divergence_is_marked_by_a_symbol_and_a_word(self, command: Command, api: FakeApi) -> None:
        rows = [
            diff_row("plan", right=step_summary("plan", reused=1, usage={"cost_usd": "0"}, seconds=0.0)),
            diff_row("write", "changed", "request", first=["request"]),
            diff_row("check", "changed", "output", first=["output"], right=step_summary("check", preview="Coffee.")),
        ]
        output = answered(api, command, diff(*rows, first={"request": "write", "output": "check"}))

        assert row_of(output, "plan").split() == [
            "=", "plan", "same", "(reused)", "$0.0010", "$0.0000", "1.5", "s", "0.0", "s",
        ]  # fmt: skip
        assert row_of(output, "write").startswith("►≠  write")
        assert "request  ► first other request " in row_of(output, "write")
        assert "output  ► first other output " in row_of(output, "check")
        assert "► First other request or definition: write\n► First other output: check\n" in output
        assert "- Tea.\n      + Coffee.\n" in output
        totals = row_of(output, "in all").split()
        assert totals == ["in", "all", "$0.0010", "$0.0010", "1", "m", "01", "s", "1", "m", "01", "s"]

    def test_steps_of_one_side_alone(self, command: Command, api: FakeApi) -> None:
        rows = [diff_row("gone", "only_left", "definition"), diff_row("new", "only_right")]
        output = answered(api, command, diff(*rows, left_out=3, first={"request": None, "output": "gone"}))

        assert row_of(output, "gone").split()[:5] == ["-", "gone", "only", "left,", "definition"]
        assert row_of(output, "new").split()[:4] == ["+", "new", "only", "right"]
        assert "… and 3 more steps" in output
        assert "+ (not there)" in output

    def test_what_they_were_given(self, command: Command, api: FakeApi) -> None:
        items = [
            {
                "pointer": "/agents/bob/instructions",
                "kind": "changed",
                "left": "Be brief.",
                "right": "Be bold.\nBe\x1b[2J.",
            },
            {"pointer": "/workflow/steps/1", "kind": "added", "left": None, "right": {"id": "new"}},
            {"pointer": "", "kind": "removed", "left": 5, "right": None},
        ]
        output = answered(api, command, diff(definitions={"items": items, "left_out": 2}))

        assert "= input: same\n≠ definitions: 5 differences\n" in output
        assert (
            "/agents/bob/instructions changed\n      - Be brief.\n      + Be bold.\n      + Be\N{REPLACEMENT CHARACTER}"
            in output
        )
        assert '/workflow/steps/1 added\n      + {\n      +   "id": "new"\n      + }\n' in output
        assert "(all of it) removed\n      - 5\n" in output
        assert "and 2 more" in output

    def test_one_that_failed_or_whose_price_is_not_known(self, command: Command, api: FakeApi) -> None:
        failed = step_summary("write", status="failed", preview="No answer.", usage={"cost_usd": None}, seconds=None)
        row = diff_row("write", "changed", "output", "status", first=["output"], left=failed)
        document = diff(row, first={"request": None, "output": "write"})
        document["left"] |= {"status": "failed", "error": "model_unreachable", "workflow_version": None}
        output = answered(api, command, document)

        assert f"left   {LEFT}  brief  failed: model_unreachable" in output
        assert row_of(output, "write").split()[-5:] == ["not", "known", "$0.0010", "1.5", "s"]
        assert "= No step was asked anything else." in output
        assert "- failed: No answer.\n" in output

    def test_an_output_that_was_given(self, command: Command, api: FakeApi) -> None:
        row = diff_row("plan", "changed", "output", right=step_summary("plan", edited=True, requests={}))
        assert row_of(answered(api, command, diff(row)), "plan").split()[2:4] == ["output", "(given)"]

    def test_the_same(self, command: Command, api: FakeApi) -> None:
        output = answered(api, command, diff(diff_row("write")))
        assert output.endswith("= No step was asked anything else, and none gave another output.\n")

    def test_as_json(self, command: Command, api: FakeApi) -> None:
        document = diff(diff_row("write"))
        assert json.loads(answered(api, command, document, "--json", "--changed", "--limit", "7")) == document
        assert api.seen[-1].query == {"changed": "true", "limit": "7"}

    def test_what_is_not_there(self, command: Command) -> None:
        assert command("diff", LEFT, RIGHT).exit_code == 3
