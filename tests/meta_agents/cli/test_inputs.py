from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from meta_agents.cli.exits import BadInput
from meta_agents.cli.inputs import read_definition, read_input, read_outputs, read_value


def test_without_anything_the_input_is_an_empty_object() -> None:
    assert read_input(None, []) == {}


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '"text"', "null", "1"])
def test_input_is_json(text: str) -> None:
    assert read_input(text, []) == {'{"a": 1}': {"a": 1}, "[1]": [1], '"text"': "text", "null": None, "1": 1}[text]


@pytest.mark.parametrize("name", ["input.json", "input.yaml", "input"])
def test_input_from_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"product": "tea"}')

    assert read_input(f"@{tmp_path / name}", []) == {"product": "tea"}


def test_input_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("product: tea\n"))

    assert read_input("-", ["count=2"]) == {"product": "tea", "count": 2}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("k=tea", "tea"),
        ("k=two words = fine", "two words = fine"),
        ("k=", ""),
        ("k=3", 3),
        ("k=true", True),
        ("k=null", None),
        ("k=[1, 2]", [1, 2]),
        ('k="3"', "3"),
        ('k="@ann"', "@ann"),
        ("k=NaN", "NaN"),
        ("k=01234", "01234"),
    ],
)
def test_settings(setting: str, value: Any) -> None:
    assert read_input(None, [setting]) == {"k": value}


def test_settings_come_on_top_of_the_input_in_turn() -> None:
    assert read_input('{"a": 1, "b": 1}', ["b=2", "b=3", "c=4"]) == {"a": 1, "b": 3, "c": 4}


def test_settings_from_files(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("3\n")
    (tmp_path / "data.json").write_text("[3]")

    assert read_input(None, [f"a=@{tmp_path}/text.txt", f"b=@{tmp_path}/data.json"]) == {"a": "3\n", "b": [3]}


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ("{", []),
        ("NaN", []),
        ("@missing.json", []),
        (None, ["k"]),
        (None, ["=v"]),
        (None, ["k=@missing.txt"]),
        ("[1]", ["k=v"]),
    ],
)
def test_what_cannot_be_read_is_refused(given: str | None, settings: list[str]) -> None:
    with pytest.raises(BadInput):
        read_input(given, settings)


@pytest.mark.parametrize("text", ["", "[]", "a: 1\n---\nb: 2"])
def test_a_definition_is_one_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "draft.yaml").write_text(text)

    with pytest.raises(BadInput):
        read_definition(tmp_path / "draft.yaml")


def test_outputs_by_the_path_of_their_step(tmp_path: Path) -> None:
    (tmp_path / "law.json").write_text('{"risk": 1}')
    outputs = ["research/law=fine = so far", f"each[2]/law=@{tmp_path}/law.json", "n=3"]

    assert read_outputs(outputs) == {"research/law": "fine = so far", "each[2]/law": {"risk": 1}, "n": 3}


@pytest.mark.parametrize("output", ["write", "=x", ""])
def test_an_output_needs_a_step(output: str) -> None:
    with pytest.raises(BadInput, match="sets nothing"):
        read_outputs([output])


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("three", "three"), ('"3"', "3"), ("null", None)])
def test_one_value(text: str, value: Any) -> None:
    assert read_value(text) == value


def test_one_value_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("go: true\n"))

    assert read_value("-") == {"go": True}
