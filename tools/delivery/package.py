"""Makes the package that is deployed: `python -m tools.delivery.package OUT.zip --build NAME --packages FOLDER`.

It holds the files that git knows and `.funcignore` leaves, the built page, the Python packages that were installed into
FOLDER, and `build.txt`, which `GET /api/health` tells. The same inputs make the same bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[2]
PACKAGES = ".python_packages/lib/site-packages"
"""Where the platform's Python worker looks for packages that were not built in the cloud."""
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make the package that is deployed.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--build", required=True, help="its name, such as a version and a commit")
    parser.add_argument("--packages", type=Path, help="folder that `pip install --target` filled")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    count = make(options.out, build=options.build, packages=options.packages)
    print(
        f"package: {options.out} with {count} files, {options.out.stat().st_size / 1e6:.1f} MB, build {options.build}"
    )
    return 0


def make(out: Path, *, build: str, packages: Path | None = None, root: Path = ROOT) -> int:
    """Write the package and return how many files it has. Raises `FileNotFoundError` where the page is not built."""
    found = {name: root / name for name in [*_of_the_app(root), *_of_the_page(root)]}
    if packages is not None:
        found |= {f"{PACKAGES}/{name}": packages / name for name in _of_packages(packages)}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(found.items()):
            _add(archive, name, path.read_bytes())
        _add(archive, "build.txt", f"{build}\n".encode())
    return len(found) + 1


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    about = zipfile.ZipInfo(name, _NO_TIME)
    about.external_attr = 0o644 << 16
    archive.writestr(about, content, zipfile.ZIP_DEFLATED)


def _of_the_app(root: Path) -> Iterator[str]:
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text("utf-8").splitlines())
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    names = (name for name in listed.split("\0") if name and name != ".funcignore")
    return (name for name in names if not ignored.match_file(name) and (root / name).is_file())


def _of_the_page(root: Path) -> Iterator[str]:
    page = root / "web" / "dist"
    if not (page / "index.html").is_file():
        raise FileNotFoundError(f"The page is not built: {page / 'index.html'} is not there (npm run build in web/).")
    return (str(path.relative_to(root)) for path in page.rglob("*") if path.is_file() and path.name != "page.stamp")


def _of_packages(folder: Path) -> Iterator[str]:
    """Without scripts for shells and compiled bytecode, which holds the times of its sources."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in name.parts and name.parts[0] != "bin":
            yield name.as_posix()


if __name__ == "__main__":
    raise SystemExit(main())
