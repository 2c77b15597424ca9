from __future__ import annotations

import io
from pathlib import Path

from rich.control import Control
from rich.live import Live
from rich.text import Text

from tools.demo_screen import PICTURE_LINES, Screen


def drawn(screen: Screen, tmp_path: Path) -> str:
    path = tmp_path / "screen.svg"
    screen.save_picture(path)
    return path.read_text(encoding="utf-8").replace("&#160;", " ")


def test_the_picture_shows_what_stays_on_the_screen(tmp_path: Path) -> None:
    screen = Screen(file=io.StringIO(), force_terminal=True, width=80)
    with Live(Text("a moving panel"), console=screen, transient=True):
        screen.print(Text("a finished turn", "bold"))
        screen.print(Control.bell())
    svg = drawn(screen, tmp_path)
    assert "a finished turn" in svg
    assert "a moving panel" not in svg
    assert "demo-line-0" in svg
    assert "demo-line-1" not in svg


def test_the_picture_is_of_the_end_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    screen = Screen(file=io.StringIO())
    for number in range(2 * PICTURE_LINES):
        screen.print(f"line {number}!")
    svg = drawn(screen, tmp_path)
    assert f"line {PICTURE_LINES - 1}!" not in svg
    assert f"line {PICTURE_LINES}!" in svg
    assert f"line {2 * PICTURE_LINES - 1}!" in svg
    assert "@font-face" not in svg
    assert "url(http" not in svg


def test_the_screen_itself_prints_as_ever() -> None:
    file = io.StringIO()
    screen = Screen(file=file, width=40)
    screen.print(Text("hello"))
    screen.print()
    assert file.getvalue() == "hello\n\n"
