"""What an author sees of their tests: each result with its place, mistakes with theirs, and an exit code."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from kit import schema
from kit.__main__ import main
from meta_agents.cli.documents import parse

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

ROOT = Path(__file__).parents[2]
FLOW = """
name: hi
input: {}
steps: [{id: a, agent: bob, input: "${input}"}, {id: b, agent: bob, input: "More of ${steps.a.output}"}]
"""
TESTS = """workflow: hi
cases:
  - name: says it
    input: x
    answers: {a: one, b: {asked: More of one, answer: two}}
    expect: {output: two}
  - name: goes on
    input: x
    answers: {a: one, b: {asked: More of two, answer: two}}
  - name: ends otherwise
    input: x
    answers: {a: one, b: "two\\u0007"}
    expect: {output: three}
"""
PASSES = """workflow: hi
cases: [{name: says it, input: x, answers: {a: one, b: two}}]
"""


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project: a workflow with its tests, and its agent in a folder beside."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "flows/hi.yaml": FLOW,
        "flows/hi.test.yaml": TESTS,
        "agents/bob.yaml": "name: bob\ninstructions: Be Bob.",
        "other/values.yaml": "{{ no: yaml",
        "other/cron.yaml": "- not: a definition",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Path("flows")


def test_each_result_has_its_place_and_what_came(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(flows), "--junit", "out.xml"]) == 1
    shown, _, summary = capsys.readouterr().out.rstrip().rpartition("\n")
    assert shown.splitlines() == [
        "flows/hi.test.yaml",
        "  ✓ says it",
        "  ✗ goes on",
        "      flows/hi.test.yaml:7:11",
        "      `b` was not asked 'More of two'. It was asked: More of one",
        "      Calls until then: `a`, `b`.",
        "  ✗ ends otherwise",
        "      flows/hi.test.yaml:10:11",
        "      output is 'two\\x07', not 'three'",
    ]
    assert summary.startswith("1 passed, 2 failed in ")
    [suite] = ElementTree.parse("out.xml").getroot()  # noqa: S314 - our own
    assert [(case.get("name"), case.get("line"), len(case)) for case in suite] == [
        ("says it", "3", 0),
        ("goes on", "7", 1),
        ("ends otherwise", "10", 1),
    ]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")


@pytest.mark.parametrize("path", ["flows/hi.yaml", "flows/hi.test.yaml", "flows"])
def test_words_choose_cases(flows: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    assert main([path, "-k", "SAYS"]) == 0
    assert capsys.readouterr().out.startswith("flows/hi.test.yaml\n  ✓ says it\n1 passed, 0 failed in ")


def test_it_stops_at_the_first_failure_when_told_to(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(flows), "-x"]) == 1
    assert "1 passed, 1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "arguments", "complaint"),
    [
        (TESTS.replace("answers", "anwers", 1), [], "flows/hi.test.yaml:5:13: unknown key `anwers`; did you mean"),
        (TESTS + "---\nworkflow: hi", [], "one document and not 2"),
        (TESTS, ["-k", "nothing"], "No case has 'nothing' in its name or file."),
        (TESTS + "definitions: [nowhere.yaml]", [], "flows/hi.test.yaml:14:14: nowhere.yaml cannot be read"),
        ("workflow: [", [], "is not YAML"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_told(
    flows: Path, capsys: pytest.CaptureFixture[str], text: str, arguments: list[str], complaint: str
) -> None:
    (flows / "hi.test.yaml").write_text(text)
    assert main([str(flows), *arguments]) == 2
    assert complaint in capsys.readouterr().err.replace("flows/nowhere", "nowhere")


@pytest.mark.parametrize("path", ["agents", "flows/ho.yaml", "flows/ho.test.yaml"])
def test_a_path_without_tests_is_told(flows: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    assert main([path]) == 2
    assert path.rsplit("/", maxsplit=1)[-1].split(".", maxsplit=1)[0] in capsys.readouterr().err


def test_mistakes_in_definitions_are_told_with_their_place(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("agents/bob.yaml").write_text("name: bob\ninstructions: Be Bob.\nmodle: x")
    assert main([str(flows)]) == 2
    assert "agents/bob.yaml:3:8: unknown key `modle`; did you mean `model`?" in capsys.readouterr().err


def test_an_agent_that_is_not_there_fails_the_case(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("agents/bob.yaml").unlink()
    assert main([str(flows), "-k", "says"]) == 1
    assert "/steps/0/agent: there is no agent `bob`" in capsys.readouterr().out


def test_definitions_are_where_the_file_says(flows: Path) -> None:
    Path("agents/bob.yaml").rename("bob.yaml")
    (flows / "hi.test.yaml").write_text(PASSES)
    assert main([str(flows)]) == 1
    (flows / "hi.test.yaml").write_text("definitions: [hi.yaml, ../bob.yaml]\n" + PASSES)
    assert main([str(flows)]) == 0


def test_definitions_are_there_in_every_version_and_under_every_label(flows: Path) -> None:
    (flows / "hi.yaml").write_text(FLOW.replace("agent: bob", "agent: bob@3", 1))
    Path("agents/bob.yaml").write_text("name: bob\nprompt: greet:production\nvariables: {who: Bob}")
    Path("agents/greet.yaml").write_text('{"name": "greet", "template": "Be ${who}.", "variables": {"who": {}}}')
    (flows / "hi.test.yaml").write_text(PASSES)
    assert main([str(flows)]) == 0


def test_versions_without_end_are_refused(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (flows / "hi.yaml").write_text(FLOW.replace("agent: bob", "agent: bob@101", 1))
    (flows / "hi.test.yaml").write_text(PASSES)
    assert main([str(flows)]) == 2
    assert "versions up to 100, and not with bob@101" in capsys.readouterr().err


def test_the_published_schema_is_the_one_of_the_models() -> None:
    assert schema.FILE.read_text("utf-8") == schema.written(), "run `python -m kit.schema`"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.test.yaml")), ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_the_examples(path: Path) -> None:
    text = path.read_text("utf-8")
    [document] = parse(text, path)
    Draft202012Validator(schema.schema()).validate(document.content)
    assert text.splitlines()[0] == "# yaml-language-server: $schema=../../docs/schemas/test.json"


@pytest.mark.parametrize(
    ("case", "valid"),
    [
        ({"answers": {"a": ["x", {"fails": "tool_failed"}]}}, True),
        ({"in_order": ["x", {"answer": 1, "asked": ["x", "y"]}]}, True),
        ({"people": {"a": {"decision": "yes"}, "b": [{"decision": "no", "after": "PT1H"}]}}, True),
        ({"answers": {"a": {"anwser": "x"}}}, False),
        ({"people": {"a": "yes"}}, False),
    ],
)
def test_it_takes_what_authors_write(case: object, valid: bool) -> None:
    document = {"workflow": "w", "cases": [{"name": "it", **case}]}  # type: ignore[dict-item]
    assert Draft202012Validator(schema.schema()).is_valid(document) is valid


@pytest.mark.parametrize(("path", "code"), [("flows", 1), ("nowhere", 2)])
def test_the_process_that_it_runs_in_is_left_as_it_was(flows: Path, path: str, code: int) -> None:
    before = (logging.root.manager.disable, sys.path.copy())
    assert main([path]) == code
    assert (logging.root.manager.disable, sys.path) == before
