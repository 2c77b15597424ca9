"""Tracebacks as the author of the app wants them: they begin where the app's own code does."""

from __future__ import annotations

import importlib
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_HOST = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<frozen importlib")
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def user_traceback(error: BaseException) -> str:
    """The traceback without the frames of the host and of libraries that lead to the app's code.

    Where none is the app's, those of libraries are left: an app may be installed as one.
    """
    frames = _after(error.__traceback__, lambda file: file.startswith((*_HOST, *_LIBRARIES)))
    frames = frames or _after(error.__traceback__, lambda file: file.startswith(_HOST))
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _after(frames: TracebackType | None, is_skipped: Callable[[str], bool]) -> TracebackType | None:
    while frames is not None and is_skipped(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames
