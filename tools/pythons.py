"""Runs tests on each other Python that the app may be deployed on and that is installed: `make test-pythons`.

`python -m tools.pythons [TEST...]`. Each has an environment of its own in `.local/pythons`, made of the same
requirements; one that is not installed is said and passed over. On Python 3.13 and later Microsoft's worker library is
installed as it asks for, as on Azure.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.processes import ROOT

VERSIONS = ("3.12", "3.13")
"""Those of `pythonVersion` in the template, beside the one that all tests run on."""
TESTS = ("azure", "domain", "orchestrators", "entities", "activities", "services", "api", "devhost")
"""What the app is made of and what it runs in; the rest are tests of tools, texts and a browser."""
WORKER = "requirements-worker.txt"


def find(version: str) -> Path | None:
    """An interpreter of this version: on the PATH, else one of pyenv's."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    known = sorted(root.glob(f"versions/{version}.*/bin/python"), reverse=True)
    on_path = shutil.which(f"python{version}")
    candidates = [Path(on_path), *known] if on_path else known
    return next((path for path in candidates if _is(path, version)), None)


def _is(path: Path, version: str) -> bool:
    """Whether it runs: what pyenv puts on the PATH may only say that no such version is chosen."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    told = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return told.stdout.strip() == version


def prepared(version: str, python: Path, folder: Path) -> Path:
    """The interpreter of its environment, with what the requirements name. Raises `subprocess.CalledProcessError`."""
    home = folder / version
    files = [ROOT / name for name in ("requirements.txt", "requirements-dev.txt", WORKER)]
    digest = hashlib.sha256(b"".join([str(python).encode(), *(file.read_bytes() for file in files)])).hexdigest()
    stamp, inside = home / "made.stamp", home / "bin" / "python"
    if stamp.is_file() and stamp.read_text() == digest:
        return inside
    _run([python, "-m", "venv", "--clear", home])
    for arguments in installs(version):
        _run([inside, "-m", "pip", "install", "--disable-pip-version-check", *arguments])
    stamp.write_text(digest)
    return inside


def installs(version: str) -> Iterator[list[str]]:
    """The arguments of pip, in order."""
    yield ["-r", "requirements-dev.txt"]
    as_it_asks = tuple(map(int, version.split("."))) >= (3, 13)
    yield [*([] if as_it_asks else ["--ignore-requires-python", "--no-deps"]), "-r", WORKER]


def _run(arguments: Sequence[str | Path]) -> None:
    subprocess.run(list(arguments), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main(arguments: Sequence[str]) -> int:
    """0 when everything that could be run succeeded."""
    tests = list(arguments) or [f"tests/{name}" for name in TESTS]
    failed = False
    for version in VERSIONS:
        python = find(version)
        if python is None:
            print(f"Python {version} is not installed: nothing was run on it.", flush=True)
            continue
        started = time.monotonic()
        inside = prepared(version, python, ROOT / ".local" / "pythons")
        print(f"Python {version}: set up in {time.monotonic() - started:.0f} s", flush=True)
        ended = subprocess.run([inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT, check=False)
        failed |= ended.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
