"""`python -m kit PATH…`: plays tests of workflows. Exit codes: 0 all passed, 1 some failed, 2 they cannot be played."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kit.cases import BadCases
from kit.files import found, read
from kit.playing import Result, play_all
from kit.report import Progress, junit
from meta_agents.live.style import safe


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="meta-agents test", description="Play the tests of workflows.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("-k", default="", dest="words", help="only cases whose file or name has these words")
    parser.add_argument("-x", action="store_true", dest="first", help="stop at the first that fails")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit's XML, too")
    options = parser.parse_args(arguments)
    with _alone():
        return _played(options)


@contextmanager
def _alone() -> Iterator[None]:
    """Nothing logged and modules found in the folder it is called in; the process is left as it was."""
    level, path = logging.root.manager.disable, sys.path.copy()
    # What fails is told by the report; the app's own log would stand between.
    logging.disable(logging.CRITICAL)
    # Modules with tools may lie in the folder it is called in; the app's own names come first.
    sys.path.append(str(Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = path
        logging.disable(level)


def _played(options: argparse.Namespace) -> int:
    results: list[Result] = []
    progress = Progress(sys.stdout)
    try:
        for result in play_all([read(path) for path in found(options.paths)], options.words):
            results.append(result)
            progress.show(result)
            if options.first and result.wrong:
                break
        if not results:
            raise BadCases(f"No case has {options.words!r} in its name or file.")
    except BadCases as error:
        print(safe(str(error)), file=sys.stderr)
        return 2
    finally:
        if options.junit is not None:
            options.junit.write_bytes(junit(results))
    progress.sum_up(results)
    return int(any(result.wrong for result in results))


if __name__ == "__main__":
    sys.exit(main())
