"""The checks of syntax, names and modules that a Bicep compiler would make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pycep import BicepParser

from tests.infra.bicep_reader import BicepFile, module_problems, syntax_errors, undeclared_names, unused_names

INFRA = Path(__file__).resolve().parents[2] / "infra" / "bicep"
FILES = [BicepFile(path) for path in sorted(INFRA.rglob("*.bicep"))]
MAIN = BicepFile(INFRA / "main.bicep")
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.path.name)


def sample(folder: Path, source: str, name: str = "sample.bicep") -> BicepFile:
    path = folder / name
    path.write_text(source)
    return BicepFile(path)


@each_file
def test_tree_sitter_parses_every_file(file: BicepFile) -> None:
    assert syntax_errors(file) == []


@each_file
def test_pycep_parses_every_file(file: BicepFile) -> None:
    assert BicepParser().parse(text=file.path.read_text())


@each_file
def test_every_name_used_is_declared(file: BicepFile) -> None:
    assert undeclared_names(file) == []


@each_file
def test_every_module_exists_and_gets_exactly_its_parameters(file: BicepFile) -> None:
    assert module_problems(file) == []


@each_file
def test_every_parameter_and_variable_is_used(file: BicepFile) -> None:
    assert unused_names(file) == []


def test_every_module_file_is_used() -> None:
    used = {MAIN.module_path(module) for module in MAIN.modules}
    assert used == {file.path for file in FILES} - {MAIN.path}


def test_the_parameters_of_azd_are_those_of_main() -> None:
    given = set(json.loads((INFRA / "main.parameters.json").read_text())["parameters"])
    required = {name for name, is_required in MAIN.parameters.items() if is_required}
    assert required <= given <= set(MAIN.parameters)


def test_a_syntax_error_is_found(tmp_path: Path) -> None:
    assert syntax_errors(sample(tmp_path, "var a 5\n"))


def test_undeclared_names_and_functions_are_found(tmp_path: Path) -> None:
    source = (
        "param a string\nvar b = [for x in a: '${x}${y}']\nvar c = shout(b.z)\nvar x = toLower(a)\nvar k = { q: x }\n"
    )
    assert undeclared_names(sample(tmp_path, source)) == ["shout", "y"]


def test_a_loop_variable_is_known_only_in_its_loop(tmp_path: Path) -> None:
    source = "param a array\nvar b = [for item in a: item]\nvar c = item\n"
    assert undeclared_names(sample(tmp_path, source)) == ["item"]


def test_unused_names_are_found(tmp_path: Path) -> None:
    source = "param name string\nparam idle string\nvar spare = { name: name }\n"
    assert unused_names(sample(tmp_path, source)) == ["idle", "spare"]


def test_wrong_modules_are_found(tmp_path: Path) -> None:
    sample(tmp_path, "param a string\nparam b string = ''\noutput o string = a\n", "m.bicep")
    source = (
        "module m './m.bicep' = {\n  name: 'm'\n  params: {\n    b: ''\n    c: ''\n  }\n}\n"
        "module n './n.bicep' = {\n  name: 'n'\n}\n"
        "output o string = m.outputs.o\noutput p string = m.outputs.p\n"
    )
    assert module_problems(sample(tmp_path, source)) == [
        "m: lacks a",
        "m: has no parameter c",
        "n: there is no ./n.bicep",
        "m: has no output p",
    ]
