"""The package holds the app and nothing else, in the same bytes each time."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.delivery import package


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    for name in ("httpx/__init__.py", "httpx/__pycache__/x.pyc", "bin/httpx"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def names_in(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_it_holds_what_the_app_needs_and_says_its_build(tmp_path: Path, packages: Path) -> None:
    assert package.main([str(tmp_path / "p.zip"), "--build", "0.3.0-abc", "--packages", str(packages)]) == 0
    found = names_in(tmp_path / "p.zip")
    assert {"function_app.py", "host.json", "requirements.txt", "api/app.py", "web/dist/index.html"} <= found
    assert ".python_packages/lib/site-packages/httpx/__init__.py" in found
    tops = {name.partition("/")[0] for name in found}
    assert tops == {
        *("domain", "orchestrators", "activities", "entities", "api", "services", "web", ".python_packages"),
        *("function_app.py", "host.json", "requirements.txt", "build.txt"),
    }
    assert [name for name in found if "__pycache__" in name or "/bin/" in name] == []
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        assert archive.read("build.txt") == b"0.3.0-abc\n"


def test_the_same_inputs_make_the_same_bytes(tmp_path: Path, packages: Path) -> None:
    made = []
    for name in ("a.zip", "b.zip"):
        package.make(tmp_path / name, build="1", packages=packages)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_a_page_that_is_not_built_is_said(tmp_path: Path) -> None:
    (tmp_path / ".funcignore").write_text("")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    with pytest.raises(FileNotFoundError, match="The page is not built"):
        package.make(tmp_path / "p.zip", build="1", root=tmp_path)
