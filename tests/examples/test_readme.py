"""examples/README.md tells the shape of tests as it is."""

from __future__ import annotations

import re

import pytest
import yaml

from domain.base import Shape
from kit.cases import Answer, Case, Decision, Expected, Sent, parse
from tests.examples.library import EXAMPLES

README = (EXAMPLES / "README.md").read_text("utf-8")


@pytest.mark.parametrize("shape", [Case, Answer, Decision, Sent, Expected])
def test_every_key_is_told(shape: type[Shape]) -> None:
    assert [key for key in shape.model_fields if f"`{key}`" not in README] == []


def test_the_test_shown_is_one_of_those_played() -> None:
    [snippet] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    shown = parse(yaml.safe_load(snippet), "README.md")
    played = parse(yaml.safe_load((EXAMPLES / "steps" / "approval.test.yaml").read_text("utf-8")), "approval.test.yaml")
    assert shown.cases[0] in played.cases
