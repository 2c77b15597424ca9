"""The checks of syntax, names and modules that a Bicep compiler would make."""

from __future__ import annotations

from pathlib import Path

import pytest
from pycep import BicepParser

from tests.infra import kinds
from tests.infra.bicep_reader import (
    INFRA,
    BicepFile,
    module_problems,
    syntax_errors,
    text,
    undeclared_names,
    unused_modules,
    unused_names,
    unused_outputs,
)

each_file = pytest.mark.parametrize("file", INFRA.files, ids=lambda file: file.path.name)


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


@each_file
def test_every_parameter_is_described(file: BicepFile) -> None:
    assert file.undescribed == []


def test_every_module_file_is_used() -> None:
    assert unused_modules(INFRA) == []


def test_every_output_of_a_module_is_used() -> None:
    assert unused_outputs(INFRA) == []


@each_file
def test_values_are_listed_for_parameters_of_main_alone(file: BicepFile) -> None:
    # The compiler refuses to hand a text to a parameter with listed values: it cannot know that it is one of them.
    assert ("@allowed(" in file.path.read_text()) == (file == INFRA.main)


def test_values_are_of_the_kind_that_is_wanted_and_plans_need_no_deployment() -> None:
    assert kinds.problems(INFRA) == []


def test_no_two_deployments_into_one_resource_group_have_one_name() -> None:
    files = [file for file in INFRA.files if file.path.name in {"main.bicep", "region.bicep", "key-vault.bicep"}]
    names = [text(name) for file in files for module in file.modules if (name := module.value("name")) is not None]
    assert sorted(names) == sorted(set(names))
    assert {file.path.name for file in INFRA.files if file.modules} == {file.path.name for file in files}


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


def test_the_number_of_a_loop_is_known_only_in_its_loop(tmp_path: Path) -> None:
    source = "param a array\nvar b = [for (item, i) in a: '${item}${i}']\nvar c = i\n"
    assert undeclared_names(sample(tmp_path, source)) == ["i"]


def test_unused_names_are_found(tmp_path: Path) -> None:
    source = "param name string\nparam idle string\nvar spare = { name: name }\n"
    assert unused_names(sample(tmp_path, source)) == ["idle", "spare"]


def test_parameters_without_a_description_are_found(tmp_path: Path) -> None:
    described = "@description('What it is.')\nparam a string\n"
    source = f"{described}\n// A comment is none.\nparam b string\n\n@minLength(1)\nparam c string\n"
    assert sample(tmp_path, source).undescribed == ["b", "c"]


def test_wrong_modules_are_found(tmp_path: Path) -> None:
    sample(tmp_path, "param a string\nparam b string = ''\noutput o string = a\n", "m.bicep")
    source = (
        "module m './m.bicep' = {\n  name: 'm'\n  params: {\n    b: ''\n    c: ''\n  }\n}\n"
        "module n './n.bicep' = {\n  name: 'n'\n}\n"
        "output o string = m.outputs.o\noutput p string = m.outputs.p\noutput q string = m[0].outputs.q\n"
    )
    assert module_problems(sample(tmp_path, source)) == [
        "m: lacks a",
        "m: has no parameter c",
        "n: there is no ./n.bicep",
        "m: has no output p",
        "m: has no output q",
    ]
