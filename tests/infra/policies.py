"""What checkov says of the Bicep files: policies that many have thought about, kept by others.

`python -m tests.infra.policies` tells what is wrong. In the files, `// checkov:skip=ID: why` excuses one resource.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.infra.bicep_reader import INFRA, ROOT, Infra

CHECKOV = ROOT / ".venv" / "checkov" / "bin" / "checkov"
EXCUSED = {
    "CKV_AZURE_131": "takes a default that is made at random for one that is written in the file",
    "CKV_AZURE_189": "breaks on an expression; tests/infra/security.py looks at the same",
}
"""Policies that are right about none of our resources, and why."""
JUDGED = {
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/config",
}
"""Kinds of resources that checkov has policies for: it must have seen each of ours, or it has not read our files."""
SKIP = re.compile(r"//\s*checkov:skip=(\w+)(: *\S.*)?")
NOT_KNOWN_TO_ITS_PARSER = re.compile(r"^@onlyIfNotExists\(\)\n", re.MULTILINE)

Found = set[tuple[str, str]]
"""Ids of policies, or `KIND.SYMBOL`, each with the name of a file."""


@dataclass(frozen=True)
class Verdict:
    passed: int
    failed: Found
    skipped: Found
    seen: Found
    unread: int
    """Files that it could not parse."""
    said: str
    """On its error output: policies that broke, for instance."""


def verdict(infra: Infra) -> Verdict:
    """Run checkov. Raises `FileNotFoundError` where it is not installed."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "infra"
        shutil.copytree(infra.folder, copy)
        for path in copy.rglob("*.bicep"):
            path.write_text(NOT_KNOWN_TO_ITS_PARSER.sub("", path.read_text()))
        options = ("--framework", "bicep", "--skip-download", "--soft-fail", "--output", "json")
        command: list[str | Path] = [CHECKOV, "--directory", copy, *options, "--skip-check", ",".join(EXCUSED)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(ended.stdout)
    results = report["results"]
    every = [check for kind in ("passed", "failed", "skipped") for check in results[f"{kind}_checks"]]
    return Verdict(
        passed=report["summary"]["passed"],
        failed={(check["check_id"], _file(check)) for check in results["failed_checks"]},
        skipped={(check["check_id"], _file(check)) for check in results["skipped_checks"]},
        seen={(check["resource"], _file(check)) for check in every},
        unread=report["summary"]["parsing_errors"],
        said=ended.stderr.strip(),
    )


def _file(check: dict[str, Any]) -> str:
    return Path(check["file_path"]).name


def to_be_seen(infra: Infra) -> Found:
    return {(f"{block.kind}.{block.symbol}", file.path.name) for file, block in infra.blocks if block.kind in JUDGED}


def excuses(infra: Infra) -> dict[tuple[str, str], str]:
    """Policies that a file says do not count for one of its resources, and why."""
    found = ((file, match) for file in infra.files for match in SKIP.finditer(file.path.read_text()))
    return {(match[1], file.path.name): (match[2] or "").lstrip(": ") for file, match in found}


def problems(infra: Infra) -> list[str]:
    """What is wrong, one line for each."""
    found, excused = verdict(infra), excuses(infra)
    lines = [f"{file}: {check}" for check, file in sorted(found.failed)]
    lines += [f"{file}: {resource} was not judged" for resource, file in sorted(to_be_seen(infra) - found.seen)]
    lines += [f"{file}: {resource} is of a kind that is not in JUDGED" for resource, file in _new(found, infra)]
    lines += [f"{file}: {check} is skipped for nothing" for check, file in sorted(set(excused) - found.skipped)]
    lines += [f"{file}: {check} is skipped without a reason" for (check, file), why in excused.items() if not why]
    lines += [f"{found.unread} files could not be read"] if found.unread else []
    return lines + ([found.said] if found.said else [])


def _new(found: Verdict, infra: Infra) -> list[tuple[str, str]]:
    return sorted(found.seen - to_be_seen(infra))


def main() -> int:
    lines = problems(INFRA)
    print("\n".join(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
