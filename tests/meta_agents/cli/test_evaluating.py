"""`eval`, `dataset import` and `prompt try`, over the stand-in for the API."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi
from tests.meta_agents.samples import short_log


@pytest.fixture(autouse=True)
def _kept(api: FakeApi) -> None:
    api.definitions["agents"]["host"] = [{"name": "host", "instructions": "x"}]
    api.definitions["workflows"]["both"] = [{"name": "both"}]
    api.definitions["agents"]["both"] = [{"name": "both"}]
    api.next_log = short_log("2")


def started(api: FakeApi, path: str = "/api/evaluations") -> dict[str, object]:
    [seen] = api.requests("POST", path)
    body: dict[str, object] = seen.body
    return body


def test_an_evaluation_is_waited_for_and_shown(command: Command, api: FakeApi) -> None:
    graders = ["--grade", "exact=equals", "--grade", "cel:size(output) < 9"]
    done = command("eval", "host@2", "--data", "capitals@1", *graders)
    assert done.exit_code == 0
    assert started(api) == {
        "agent": "host@2",
        "data": "capitals@1",
        "graders": [{"name": "exact", "rule": "equals"}, {"name": "cel", "cel": "size(output) < 9"}],
    }
    assert "host@2: 2 cases, 2 answered, 0 failed" in done.stdout
    assert "1 of 2" in done.stdout
    assert "0.095 … 0.905" in done.stdout
    assert done.stdout.index("fr ") < done.stdout.index("it ")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("under", "code"), [("0.5", 0), ("0.51", 1)])
def test_it_fails_when_too_little_passes(command: Command, under: str, code: int) -> None:
    assert command("eval", "host", "--data", "capitals", "--fail-under", under).exit_code == code


def test_cases_of_a_file_a_prompt_and_a_budget(command: Command, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text('country,expected\nFrance,Paris\n"Bosnia, Herzegovina",Sarajevo\n')
    options = ["--prompt", "greet@3", "--var", "tone=warm", "--cost-usd", "0.5", "--concurrency", "2"]
    done = command("eval", "agent/host", "--data", f"@{file}", *options, "--detach")
    assert len(done.stdout.strip()) == 32
    assert started(api) == {
        "agent": "host",
        "cases": [
            {"input": {"country": "France"}, "expected": "Paris"},
            {"input": {"country": "Bosnia, Herzegovina"}, "expected": "Sarajevo"},
        ],
        "graders": [],
        "prompt": "greet@3",
        "variables": {"tone": "warm"},
        "concurrency": 2,
        "limits": {"cost_usd": "0.5"},
    }


def test_a_prompt_of_another_agent_is_not_taken_for_its_own(command: Command) -> None:
    done = command("eval", "agent/host", "--data", "x", "--prompt", "other=greet", "--detach")
    assert done.exit_code == 2
    assert "has no agent 'other'" in done.stderr
    assert command("eval", "agent/host@2", "--data", "x", "--prompt", "host=greet", "--detach").exit_code == 0


def test_prompts_of_a_workflow_are_said_by_agent(command: Command, api: FakeApi) -> None:
    command("eval", "workflow/both", "--data", "x", "--prompt", "host=greet@3", "--prompt", "other=p:new", "--detach")
    assert started(api) == {
        "workflow": "both",
        "data": "x",
        "graders": [],
        "prompts": {"host": "greet@3", "other": "p:new"},
    }
    assert "whose prompt" in command("eval", "workflow/both", "--data", "x", "--prompt", "greet@3").stderr


def test_what_is_evaluated_must_be_clear(command: Command) -> None:
    assert "is a workflow and an agent" in command("eval", "both", "--data", "x").stderr
    assert "no workflow or agent 'nothing'" in command("eval", "nothing", "--data", "x").stderr
    assert command("eval", "host", "--data", "x", "--grade", "equal").exit_code == 2


def test_show_all_pages_or_what_did_not_pass(command: Command) -> None:
    shown = json.loads(command("eval", "show", "e" * 32, "--json").stdout)
    assert [case["id"] for case in shown["cases"]["items"]] == ["fr", "it"]
    failed = command("eval", "show", "e" * 32, "--failed").stdout
    assert "Italy" in failed
    assert "France" not in failed
    assert command("eval", "show", "e" * 32, "--fail-under", "0.9").exit_code == 1


def test_compare(command: Command) -> None:
    done = command("eval", "compare", "a" * 32, "b" * 32)
    assert done.exit_code == 0
    assert "2 cases in both, 0 only left, 1 only right" in done.stdout
    assert "-0.500" in done.stdout
    assert "-0.900 … -0.100" in done.stdout
    assert "exact lost: it (it is not what is expected)" in done.stdout
    assert "+0.000300 $" in done.stdout
    assert command("eval", "compare", "a" * 32, "b" * 32, "--fail-if-worse").exit_code == 1


def test_list(command: Command) -> None:
    assert "capitals@1" in command("eval", "list").stdout
    assert "host@2 with greet@3" in command("eval", "list", "--trials").stdout


def test_a_prompt_is_tried_and_shown_beside_what_was(command: Command, api: FakeApi, tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text("name: greet\ntemplate: Hi ${name}.\nvariables: {name: {default: all}}\n")
    done = command("prompt", "try", "greet", "--agent", "host", "--on", "e" * 32, "--draft", str(draft))
    assert done.exit_code == 0
    assert started(api, "/api/prompts/greet/try") == {
        "agent": "host",
        "executions": ["e" * 32],
        "draft": {"template": "Hi ${name}.", "variables": {"name": {"default": "all"}}},
        "graders": [],
    }
    assert "Bonjour" in done.stdout
    assert "0.250" in done.stdout
    assert re.search(r"; 1 of \d+ answers are the same", done.stdout)
    assert f"left out {'f' * 32}: it has no agent" in done.stderr
    text = tmp_path / "draft.txt"
    text.write_text("Wave.")
    command("prompt", "try", "greet", "--agent", "host", "--workflow", "hello", "--last", "3", "--draft", str(text))
    assert api.requests("POST", "/api/prompts/greet/try")[-1].body == {
        "agent": "host",
        "executions": {"workflow": "hello", "last": 3},
        "draft": {"template": "Wave."},
        "graders": [],
    }
    assert command("prompt", "try", "greet", "--agent", "host").exit_code == 2


class TestImport:
    @pytest.mark.parametrize(
        ("name", "text", "cases"),
        [
            ("a.yaml", "- {input: 1, expected: 2}\n- 5\n", [{"input": 1, "expected": 2}, {"input": 5}]),
            ("a.json", '{"cases": [{"input": {"q": 1}}]}', [{"input": {"q": 1}}]),
            ("a.jsonl", '{"input": 1}\n\n{"q": 2, "id": "i"}\n', [{"input": 1}, {"id": "i", "input": {"q": 2}}]),
            (
                "a.csv",
                "\ufeffid,input.a,input.b,expected\n1,x,2,true\n",
                [{"id": "1", "input": {"a": "x", "b": 2}, "expected": True}],
            ),
            ("a.tsv", "input\texpected\nFrance\t-1.5\n", [{"input": "France", "expected": -1.5}]),
        ],
    )
    def test_files_of_all_kinds(
        self, command: Command, api: FakeApi, tmp_path: Path, name: str, text: str, cases: object
    ) -> None:
        (tmp_path / name).write_text(text)
        done = command("dataset", "import", str(tmp_path / name), "--name", "capitals")
        assert "dataset  capitals  version 1" in done.stdout
        assert api.definitions["datasets"]["capitals"] == [{"cases": cases, "name": "capitals"}]

    def test_it_is_called_as_the_file_and_a_whole_one_keeps_its_name(
        self, command: Command, api: FakeApi, tmp_path: Path
    ) -> None:
        (tmp_path / "My_Cases.yaml").write_text("[1, 2]")
        done = command("dataset", "import", str(tmp_path / "My_Cases.yaml"))
        assert "dataset  my-cases  version 1  2 cases" in done.stdout
        (tmp_path / "x.yaml").write_text("name: own\ncases: [{input: 1}]\n")
        command("dataset", "import", str(tmp_path / "x.yaml"))
        command("apply", str(tmp_path / "x.yaml"))
        assert len(api.definitions["datasets"]["own"]) == 1

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("a.csv", "a,a\n1,2\n", "header"),
            ("a.csv", "a,b\n1\n", "row 2 has 1 cells"),
            ("a.jsonl", '{"input": 1}\n{', "a.jsonl:2 is not JSON"),
            ("a.yaml", "[]", "holds no case"),
            ("a.yaml", "[{input: 1, expect: 2}]", "no key 'expect'"),
            ("a.txt", "x", "no kind of file"),
        ],
    )
    def test_what_cannot_be_read(self, command: Command, tmp_path: Path, name: str, text: str, said: str) -> None:
        (tmp_path / name).write_text(text)
        done = command("dataset", "import", str(tmp_path / name))
        assert done.exit_code == 2
        assert said in done.stderr


def test_past_executions_become_cases(command: Command, api: FakeApi) -> None:
    ids = [api.add_execution(short_log(f"Tea {n}."), input={"n": n}) for n in range(3)]
    done = command("dataset", "collect", "past", "--workflow", "brief", "--last", "2", "--expect-outputs")
    assert "dataset  past  version 1  2 cases" in done.stdout
    assert api.definitions["datasets"]["past"][-1]["cases"] == [
        {"id": ids[2], "input": {"n": 2}, "expected": "Tea 2."},
        {"id": ids[1], "input": {"n": 1}, "expected": "Tea 1."},
    ]
    assert "version 2  3 cases" in command("dataset", "collect", "past", "--workflow", "brief", "--add").stdout
    assert api.definitions["datasets"]["past"][-1]["cases"][-1] == {"id": ids[0], "input": {"n": 0}}
    assert api.requests("GET", "/api/executions")[-1].query["workflow"] == "brief"
    api.executions.clear()
    assert command("dataset", "collect", "past", "--workflow", "nothing").exit_code == 2


def test_graders_of_a_file_and_their_names(command: Command, api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "graders.yaml").write_text("- {name: kind, judge: {agent: critic}}\n")
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    said = [
        f"@{tmp_path}/graders.yaml", "equals", "equals", "number:0.5", "regex:^a:b", "judge:critic",
        "fine=score:critic", f"schema:@{tmp_path}/schema.json",
    ]  # fmt: skip
    options = [part for grader in said for part in ("--grade", grader)]
    command("eval", "host", "--data", "x", "--detach", *options)
    assert started(api)["graders"] == [
        {"name": "kind", "judge": {"agent": "critic"}},
        {"name": "equals", "rule": "equals"},
        {"name": "equals-2", "rule": "equals"},
        {"name": "number", "rule": "number", "tolerance": 0.5},
        {"name": "regex", "rule": "regex", "pattern": "^a:b"},
        {"name": "judge", "judge": {"agent": "critic"}},
        {"name": "fine", "judge": {"agent": "critic", "scale": "score"}},
        {"name": "schema", "schema": {"type": "object"}},
    ]
