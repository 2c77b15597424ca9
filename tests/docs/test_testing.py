"""docs/testing.md: its Python runs as it is written, and its tables have all there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from meta_agents.testing import Line
from meta_agents.testing.control import MODES

GUIDE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)

pytest_plugins = ["meta_agents.testing.fixtures"]


def test_the_script_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    known = run(SNIPPETS[0], {})
    assert capsys.readouterr().out == "It comes on Friday.\n"
    assert [request.last for request in known["model"].requests] == ["Where is A-1001?", "shipped"]


def test_the_test_shown_passes(scripted_model: Any) -> None:
    run(SNIPPETS[1], {"my_code": say_may_i})["test_it_asks_once"](scripted_model)


def test_the_stub_answers(capsys: pytest.CaptureFixture[str]) -> None:
    from openai import OpenAI

    known = run(SNIPPETS[2], {"OpenAI": OpenAI})
    assert capsys.readouterr().out.startswith("answer 1 to ")
    first, second = (one.embedding for one in known["near"].data)
    assert sum(map(float.__mul__, first, second)) > 0.5


def test_every_way_to_fail_is_told() -> None:
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE.partition("#### Ways to fail")[2], re.M)))
    assert set(told) == set(MODES) - {"ok"}


def test_every_part_of_a_line_is_told() -> None:
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE, re.MULTILINE)))
    assert {field.name for field in fields(Line)} <= set(told)


def say_may_i(base_url: str) -> str:
    from openai import OpenAI

    with OpenAI(base_url=base_url, api_key="x", max_retries=0) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "May I?"}])
    return str(answer.choices[0].message.content)


def run(snippet: str, known: dict[str, Any]) -> dict[str, Any]:
    exec(compile(snippet, "docs/testing.md", "exec"), known)  # noqa: S102 - our own documentation
    return known
