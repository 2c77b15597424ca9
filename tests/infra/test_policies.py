"""checkov finds nothing but what has been excused, and has read every file."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.infra.bicep_reader import INFRA, Infra
from tests.infra.policies import problems


def test_nothing_fails_and_nothing_is_passed_over() -> None:
    assert problems(INFRA) == []


def test_what_fails_what_cannot_be_read_and_what_is_excused_for_nothing_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "bicep"
    shutil.copytree(INFRA.folder, folder)
    changes = {
        "function-app.bicep": ("    httpsOnly: true\n", "    httpsOnly: false\n"),
        "artifacts.bicep": ("var containerName", "var two = map([1], one => one + 1)\nvar containerName"),
        "openai.bicep": (
            "// checkov:skip=CKV_AZURE_238:",
            "// checkov:skip=CKV_AZURE_35: none\n  // checkov:skip=CKV_AZURE_238:",
        ),
        "network.bicep": ("metadata", "// checkov:skip=CKV_AZURE_1\nmetadata"),
    }
    for name, (old, new) in changes.items():
        path = folder / "modules" / name
        path.write_text(path.read_text().replace(old, new, 1))
    for path in set(folder.rglob("*.bicep")) - {folder / "modules" / name for name in changes}:
        path.unlink()  # judging these once is enough
    found = problems(Infra(folder))
    assert "function-app.bicep: CKV_AZURE_14" in found
    assert "artifacts.bicep: Microsoft.Storage/storageAccounts.account was not judged" in found
    assert "1 files could not be read" in found
    assert "openai.bicep: CKV_AZURE_35 is skipped for nothing" in found
    assert "network.bicep: CKV_AZURE_1 is skipped without a reason" in found
