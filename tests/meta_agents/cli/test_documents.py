from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from meta_agents.cli.documents import parse, read_documents, to_yaml
from meta_agents.cli.exits import BadInput

YAML = Path("team.yaml")
JSON = Path("team.json")


def content(text: str, path: Path = YAML) -> list[Any]:
    return [document.content for document in parse(text, path)]


def test_several_documents_and_empty_ones() -> None:
    assert content("---\nname: a\n---\n---\nname: b\n...\n") == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-22", "2026-11-22"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("10", 10),
        ("-1", -1),
        ("010", "010"),
        ("1:30", "1:30"),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        (".nan", ".nan"),
        ("1_000", "1_000"),
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
        ("'10'", "10"),
    ],
)
def test_values_mean_what_json_would(text: str, value: Any) -> None:
    assert content(f"key: {text}") == [{"key": value}]


def test_anchors_and_merges() -> None:
    assert content("base: &b {x: 1}\nmore: {<<: *b, y: 2}") == [{"base": {"x": 1}, "more": {"x": 1, "y": 2}}]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: a\n  bad: indent", "team.yaml:2:6"),
        ("name: a\nsteps: [", "team.yaml:2:9"),
        ("name: a\nsteps: []\nname: b", "team.yaml:3:1"),
        ("key: !!python/object:os.system x", "team.yaml:1:6"),
        ("key: \x01", "team.yaml"),
        ("key: !!timestamp 2026-11-22", "team.yaml"),
        ("key: !!float .nan", "team.yaml"),
        ("&a [*a]", "team.yaml"),
        ("[" * 700, "team.yaml"),
    ],
)
def test_bad_yaml_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text, YAML)

    assert refused.value.message.startswith(f"{place} ")


@pytest.mark.parametrize("text", ["{", "", "{'a': 1}", '{"a": NaN}', "[" * 20_000])
def test_bad_json_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"team\.json"):
        parse(text, JSON)


def test_json_may_be_indented_with_tabs() -> None:
    assert content('{\n\t"name": "a"\n}', JSON) == [{"name": "a"}]


def test_places_are_lines_of_the_file() -> None:
    text = "name: a\n---\nname: b\nsteps:\n  - id: x\n    agent: w\n  - id: y\n    a/b: 1\n"
    _, document = parse(text, YAML)

    assert document.place("") == "team.yaml:3:1"
    assert document.place("/steps") == "team.yaml:4:1"
    assert document.place("/steps/0/agent") == "team.yaml:6:12"
    assert document.place("/steps/1/a~1b") == "team.yaml:8:10"
    assert document.place("/steps/1/agent") == "team.yaml:7:5"
    assert document.place("/steps/7") == "team.yaml:4:1"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"name": "a"}', "team.json:1:10"),
        ('{\n\t"x": [1,\t{"\\ud83d\\ude00\\/": "\\u00e9"}],\n\t"name":\t"a"\n}', "team.json:3:10"),
        ('{"%s": 1, "name": "a"}' % ("k" * 2_000), "team.json"),  # more than YAML takes for a key
    ],
)
def test_places_in_json_are_those_of_its_parts(text: str, place: str) -> None:
    document = parse(text, JSON)[0]
    assert document.place("/name") == place
    assert document.told("/name", "is wrong") == ("is wrong" if ":" in place else "/name: is wrong")


def test_a_folder_is_read_in_name_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.yml", "a.yaml", "sub/c.json"):
        (tmp_path / name).write_text(f'{{"name": "{name}"}}')
    (tmp_path / "notes.txt").write_text("not: [ours")

    names = [document.content["name"] for document in read_documents([tmp_path])]

    assert names == ["a.yaml", "b.yml", "sub/c.json"]


def test_tests_of_workflows_are_left_out_of_a_folder_and_not_of_the_command_line(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.test.yaml"):
        (tmp_path / name).write_text(f"name: {name}")

    assert [document.path.name for document in read_documents([tmp_path])] == ["a.yaml"]
    assert [document.path.name for document in read_documents([tmp_path / "a.test.yaml"])] == ["a.test.yaml"]


def test_paths_that_give_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"\xff")
    for path in (tmp_path / "missing.yaml", tmp_path / "latin.yaml"):
        with pytest.raises(BadInput, match="cannot be read"):
            read_documents([path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no YAML or JSON file"):
        read_documents([tmp_path / "empty"])


def test_yaml_for_people_reads_back() -> None:
    value = {"name": "a", "instructions": "Write.\nWell: ü\n", "n": [1, None, True, "yes", "2026-11-22", "010"]}
    text = to_yaml(value)

    assert "instructions: |" in text
    assert "ü" in text
    assert text.index("name") < text.index("instructions")
    assert content(text) == [value]
    assert yaml.safe_load(text) == value
