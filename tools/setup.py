"""Brings a fresh clone to where everything runs: `python3 -m tools.setup [--tests]`, from the repository's root.

Runs on the system's Python with the standard library alone. Each piece of work is skipped while its inputs are those
of last time (a stamp holds their digest), and what does not depend on each other runs at once.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools import weights

ROOT = Path(__file__).resolve().parent.parent


class SetupError(Exception):
    """Set-up cannot go on; the message says what happened and what to do."""


@dataclass(frozen=True)
class Piece:
    """One piece of set-up: done while `stamp` holds the digest of `inputs` (and `result`, if named, is there)."""

    title: str
    stamp: Path
    inputs: tuple[Path, ...]
    work: Callable[[], None]
    result: Path | None = None

    def digest(self) -> str:
        """A digest of the inputs' names and content and of the Python that runs us."""
        total = hashlib.sha256(sys.version.encode())
        for path in self.inputs:
            total.update(f"\0{path}\0".encode() + path.read_bytes())
        return total.hexdigest()

    def is_done(self) -> bool:
        there = self.stamp.is_file() and (self.result is None or self.result.exists())
        return there and self.stamp.read_text() == self.digest()

    def do(self) -> None:
        """Do the work unless it is done, saying when it starts and how long it took."""
        if self.is_done():
            return
        say(f"{self.title} ...")
        started = time.monotonic()
        digest = self.digest()
        # A half-made result must not pass for a whole one when we are interrupted.
        self.stamp.unlink(missing_ok=True)
        self.work()
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(digest)
        say(f"{self.title}: {time.monotonic() - started:.1f} s")


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


def command(arguments: Iterable[str | Path], folder: Path) -> None:
    """Run a command quietly; its output is shown only when it fails. Raises `subprocess.CalledProcessError`."""
    subprocess.run(list(arguments), cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def virtual_environment(root: Path) -> Piece:
    def create() -> None:
        try:
            command([sys.executable, "-m", "venv", "--clear", root / ".venv"], root)
        except subprocess.CalledProcessError as error:
            raise SetupError(
                f"{error.stdout}\nThis Python cannot make virtual environments (Debian, Ubuntu: install python3-venv)."
            ) from error

    return Piece("virtual environment", root / ".venv" / "made.stamp", (), create)


def python_packages(root: Path) -> Piece:
    def install() -> None:
        pip_install(root, "-r", root / "requirements-dev.txt")

    requirements = (root / "requirements.txt", root / "requirements-dev.txt")
    return Piece("Python packages", root / ".venv" / "packages.stamp", requirements, install)


def worker_library(root: Path) -> Piece:
    """Azure's own Python worker, for the tests alone; the file says why it is installed apart and how."""
    requirements = root / "requirements-worker.txt"

    def install() -> None:
        pip_install(root, "--ignore-requires-python", "--no-deps", "-r", requirements)

    return Piece("Azure's worker library", root / ".venv" / "worker.stamp", (requirements,), install)


def agent_framework(root: Path) -> Piece:
    """Microsoft's Agent Framework, for the tests alone, beside the app's packages; the file says why and how."""
    requirements, folder = root / "tests" / "compat" / "requirements.txt", root / ".venv" / "agent-framework"

    def install() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        pip_install(root, "--no-deps", "--target", folder, "-r", requirements)

    return Piece("Agent Framework", root / ".venv" / "agent-framework.stamp", (requirements,), install, result=folder)


def policy_checker(root: Path) -> Piece:
    """checkov, which judges the Bicep files, for the tests alone: in an environment of its own, since it pins much."""
    requirements, folder = root / "tests" / "infra" / "requirements.txt", root / ".venv" / "checkov"

    def install() -> None:
        command([sys.executable, "-m", "venv", "--clear", folder], root)
        python = folder / "bin" / "python"
        command([python, "-m", "pip", "install", "--disable-pip-version-check", "-r", requirements], root)

    return Piece("policy checker", root / ".venv" / "checkov.stamp", (requirements,), install, result=folder)


def pip_install(root: Path, *what: str | Path) -> None:
    python = root / ".venv" / "bin" / "python"
    command([python, "-m", "pip", "install", "--no-compile", "--disable-pip-version-check", *what], root)
    # Here on all cores, which pip does on one. Left to each process it would be done over and over where Python is told
    # to write no bytecode.
    with suppress(subprocess.CalledProcessError):  # some packages hold templates that are no Python yet
        command([python, "-m", "compileall", "-q", "-j", "0", root / ".venv" / "lib"], root)


def node_packages(title: str, folder: Path) -> Piece:
    def install() -> None:
        command(["npm", "ci", "--no-audit", "--no-fund"], folder)

    manifests = (folder / "package.json", folder / "package-lock.json")
    return Piece(title, folder / "node_modules" / "packages.stamp", manifests, install)


def web_page(folder: Path) -> Piece:
    def build() -> None:
        command(["npm", "run", "build"], folder)

    # Goes with the page that it is of: whoever builds it otherwise, or from other sources, takes the stamp away.
    stamp = folder / "dist" / "page.stamp"
    return Piece("web page", stamp, tuple(sources(folder)), build, result=folder / "dist" / "index.html")


def sources(folder: Path) -> list[Path]:
    """Every file under `folder`, in a fixed order, but for hidden folders and what npm and the build put there."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in {"node_modules", "dist"} and not name.startswith(".")]
        found += [Path(place, name) for name in names]
    return sorted(found)


def get_weights(root: Path) -> None:
    destination = weights.model_path()
    if weights.present(destination):
        return
    say("model weights (SmolLM2-135M-Instruct, Apache-2.0, 93 MB) ...")
    started = time.monotonic()
    weights.fetch(root / ".venv" / "bin" / "python", destination)
    say(f"model weights: {time.monotonic() - started:.1f} s")


def require_node() -> None:
    """Raises `SetupError` where Node.js or npm is missing."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        raise SetupError(f"Node.js 20 or later is needed, and `{'` and `'.join(missing)}` was not found on the PATH.")


def set_up(root: Path, *, tests: bool) -> None:
    """Do every piece that is not done yet. Raises the first failure after the pieces beside it have ended."""
    web, js_tests = root / "web", root / "tests" / "js"
    with ThreadPoolExecutor() as pool:
        beside: list[Future[None]] = []
        if (web / "package.json").is_file():
            require_node()
            beside.append(pool.submit(set_up_web, web))
        if tests and (js_tests / "package.json").is_file():
            require_node()
            beside.append(pool.submit(node_packages("Node packages of the tests", js_tests).do))
        virtual_environment(root).do()
        beside += [pool.submit(get_weights, root), pool.submit(set_up_python, root, tests=tests)]
        if tests:
            beside.append(pool.submit(policy_checker(root).do))
    for piece in beside:
        piece.result()


def set_up_python(root: Path, *, tests: bool) -> None:
    python_packages(root).do()
    if tests:
        worker_library(root).do()
        agent_framework(root).do()


def set_up_web(folder: Path) -> None:
    node_packages("Node packages", folder).do()
    web_page(folder).do()


def main() -> int:
    parser = argparse.ArgumentParser(description="Set up a clone: packages, model weights, web page.")
    parser.add_argument("--tests", action="store_true", help="also what only the tests need")
    options = parser.parse_args()
    started = time.monotonic()
    lock_folder = ROOT / ".local"
    lock_folder.mkdir(exist_ok=True)
    try:
        with (lock_folder / "setup.lock").open("w") as lock:
            # Two `make` at once must not install into one environment at the same time.
            fcntl.flock(lock, fcntl.LOCK_EX)
            set_up(ROOT, tests=options.tests)
    except subprocess.CalledProcessError as error:
        shown = " ".join(os.fspath(part) for part in error.cmd)
        print(f"{error.stdout}\nsetup: this command failed (its output is above): {shown}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except (SetupError, weights.WeightsError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    elapsed = time.monotonic() - started
    if elapsed > 2:
        say(f"done in {elapsed:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
