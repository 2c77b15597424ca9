"""Results as they are shown."""

from __future__ import annotations

import io
from pathlib import Path

from kit.playing import Result
from kit.report import Progress


def test_what_a_tool_said_does_not_command_the_terminal() -> None:
    out = io.StringIO()
    wrong = ["the output is `\x1b]0;owned\x07`"]
    Progress(out).show(Result(Path("a.test.yaml"), "case", "a.test.yaml:3:5", 0.1, wrong))
    assert out.getvalue() == "a.test.yaml\n  ✗ case\n      a.test.yaml:3:5\n      the output is `�]0;owned�`\n"
