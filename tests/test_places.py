"""A laptop, Core Tools with Azurite, and Azure differ by configuration alone: nothing in the app asks where it runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settings import Settings

ROOT = Path(__file__).parents[1]
APP = ("domain", "orchestrators", "activities", "entities", "services", "api")
FILES = [ROOT / "function_app.py", *(path for room in APP for path in sorted((ROOT / room).rglob("*.py")))]

READS_VARIABLES = {"services/settings/settings.py", "services/check.py", "api/triggers.py"}
"""The settings, the command that checks them, and the few of them that decide which functions there are."""
OF_THE_PLATFORM = re.compile(
    r"WEBSITE_\w+|FUNCTIONS_\w+|AZURE_FUNCTIONS_\w+|AzureWebJobs(?!Storage$)\w+|CONTAINER_\w+|IDENTITY_\w+|MSI_\w+"
    r"|KUBERNETES_\w+|HOSTNAME|COMPUTERNAME|\w*devhost\w*|\w*[Aa]zurite\w*|\w*\.azurewebsites\.net"
)
"""Names by which a program could tell its host."""
OF_THE_MACHINE = {
    ("os", "environ"),
    ("os", "getenv"),
    ("os", "uname"),
    ("os", "name"),
    ("sys", "platform"),
    ("sys", "argv"),
    ("socket", "gethostname"),
    ("socket", "getfqdn"),
}


def asked(tree: ast.AST) -> Iterator[str]:
    """What a module asks of its surroundings."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if (module, name) in OF_THE_MACHINE:
                yield f"{module}.{name}"
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{name.name}" for name in names if (module, name.name) in OF_THE_MACHINE)
                yield from ("platform" for _ in names if module == "platform")
            case ast.Import(names=names):
                yield from ("platform" for name in names if name.name == "platform")


def named(tree: ast.AST) -> Iterator[str]:
    """The names of hosts among the texts of a module, its docstrings left out."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield from (word for word in node.value.split() if OF_THE_PLATFORM.fullmatch(word))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_does_not_ask_where_it_runs(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    name = path.relative_to(ROOT).as_posix()
    assert set(asked(tree)) <= ({"os.environ", "sys.argv"} if name in READS_VARIABLES else set())
    if name != "services/settings/others.py":  # which says of the host's variables what they are for
        assert list(named(tree)) == []


def test_the_words_that_are_looked_for_are_found() -> None:
    source = "import os, platform\nfrom sys import platform as p\nx = os.environ['WEBSITE_SITE_NAME'], os.getenv()\n"
    tree = ast.parse(source)
    assert set(asked(tree)) == {"os.environ", "os.getenv", "platform", "sys.platform"}
    assert list(named(tree)) == ["WEBSITE_SITE_NAME"]


def test_no_setting_is_the_name_of_a_place() -> None:
    names = [str(field.alias) for field in Settings.model_fields.values()]
    assert [name for name in names if OF_THE_PLATFORM.fullmatch(name)] == []
