"""Tracebacks without what is not the author's."""

from __future__ import annotations

import functools
import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from devhost.settings import read_host_json
from devhost.tracebacks import user_traceback


def files_of(call: Callable[[], object]) -> list[str]:
    """The names of the files in the traceback of what `call` raises; this function is none of the app's."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is
        call()
    error = raised.value
    assert error.__traceback__ is not None
    text = user_traceback(error.with_traceback(error.__traceback__.tb_next))
    assert type(error).__qualname__ in text.splitlines()[-1]
    return [Path(file).name for file in re.findall(r'^  File "([^"]+)", line \d+, in', text, re.MULTILINE)]


def of_the_app() -> None:
    json.loads("{")


def test_it_begins_with_the_apps_code_and_goes_on_into_libraries() -> None:
    through_a_library = functools.partial(re.sub, "a", lambda _: of_the_app(), "a")
    assert files_of(through_a_library) == ["test_tracebacks.py"] * 2 + ["__init__.py", "decoder.py", "decoder.py"]


def test_frames_of_libraries_are_left_where_none_is_the_apps() -> None:
    assert files_of(functools.partial(json.loads, "{")) == ["__init__.py", "decoder.py", "decoder.py"]


def test_frames_of_the_host_never_are(tmp_path: Path) -> None:
    assert files_of(functools.partial(read_host_json, tmp_path)) == []


def test_a_mistake_of_syntax_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mistaken_module.py").write_text("def broken(:")
    monkeypatch.syspath_prepend(tmp_path)
    assert files_of(functools.partial(importlib.import_module, "mistaken_module")) == []
