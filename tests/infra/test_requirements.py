"""The deployed app pins what it imports, and nothing else."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "orchestrators", "activities", "entities", "services", "api")
OURS_TO_CHOOSE = {
    "pydantic-core",  # pydantic pins it itself
    "wordllama",  # embeds on a laptop, where it is installed; never in Azure
}
OF_NO_IMPORT = {"aiohttp", "tzdata"}
"""What the asynchronous clients of Azure send by, and data that `zoneinfo` reads."""
NAMESPACES = {"azure", "azurefunctions", "opentelemetry"}


def imported() -> Iterator[str]:
    """The modules that the app's rooms import from elsewhere; of a shared namespace the first two parts."""
    for path in [ROOT / "function_app.py", *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                first, *rest = name.split(".")
                if first not in sys.stdlib_module_names and first not in ROOMS:
                    yield f"{first}.{rest[0]}" if first in NAMESPACES else first


def distributions() -> set[str]:
    """What has to be installed for these, by the names that requirements have."""
    of = packages_distributions()
    shared = {"azure.functions": "azure-functions", "azure.durable_functions": "azure-functions-durable"}
    shared |= {"azure.core": "azure-core", "azure.cosmos": "azure-cosmos", "azure.identity": "azure-identity"}
    shared |= {"azure.storage": "azure-storage-blob"}
    shared |= {"azurefunctions.extensions": "azurefunctions-extensions-http-fastapi"}
    shared |= {"azure.monitor": "azure-monitor-opentelemetry-exporter", "opentelemetry.sdk": "opentelemetry-sdk"}
    shared |= {f"opentelemetry.{part}": "opentelemetry-api" for part in ("context", "metrics", "trace")}
    shared |= {"opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-http"}
    shared |= {"opentelemetry.instrumentation": "opentelemetry-instrumentation-logging"}
    found = {shared[name] if name in shared else of[name][0] for name in set(imported())}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def pinned() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {line.partition("==")[0] for line in lines if line and not line.startswith("#")}


def test_what_the_app_imports_is_pinned_and_nothing_else() -> None:
    assert distributions() - OURS_TO_CHOOSE == pinned() - OF_NO_IMPORT


def test_each_pin_is_exact() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    condition = r'(; python_version (<|>=) "3\.\d+")?'
    assert [line for line in lines if not re.fullmatch(rf"[a-z0-9-]+==[0-9.a-z]+{condition}", line)] == []


def test_of_each_package_one_version_is_for_each_python() -> None:
    requirements = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    for version in ("3.11", "3.12", "3.13"):
        used = [r.name for r in requirements if r.marker is None or r.marker.evaluate({"python_version": version})]
        assert sorted(used) == sorted({requirement.name for requirement in requirements})
