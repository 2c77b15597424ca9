"""A stand-in for the Azure CLI, which tests run as the executable `az`: it notes what it is told, and keeps blobs."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    folder = Path(os.environ["FAKE_AZURE"])
    with (folder / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    words = [word for word in arguments if not word.startswith("-")]
    given = {name: value for name, value in itertools.pairwise(arguments) if name.startswith("--")}
    command = " ".join(words[: next(i for i, word in enumerate(arguments) if word.startswith("--"))])
    if command == "rest":
        assert "/providers/Microsoft.Web/sites/func?" in given["--url"]
        print((folder / "site.json").read_text())
    elif command == "account get-access-token":
        print("the-access-token")
    elif command.startswith("storage blob"):
        return _blob(folder / "blobs" / given["--name"], command.rpartition(" ")[2], given)
    else:
        print(f"no such command: {command}", file=sys.stderr)
        return 2
    return 0


def _blob(blob: Path, verb: str, given: dict[str, str]) -> int:
    if verb == "exists":
        print("true" if blob.exists() else "false")
    elif verb == "upload":
        blob.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given["--file"], blob)
    elif not blob.exists():
        print("ERROR: The specified blob does not exist.", file=sys.stderr)
        return 3
    else:
        shutil.copyfile(blob, given["--file"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
