"""docs/testing.md tells the shape of tests as it is."""

from __future__ import annotations

import re

import pytest
import yaml

from domain.base import Shape
from kit.cases import Answer, Case, CaseFile, Decision, Expected, Sent, Use, parse
from tests.examples.library import EXAMPLES

GUIDE = (EXAMPLES.parent / "docs" / "testing.md").read_text("utf-8")


@pytest.mark.parametrize("shape", [CaseFile, Case, Answer, Use, Decision, Sent, Expected])
def test_every_key_is_told(shape: type[Shape]) -> None:
    assert [key for key in shape.model_fields if f"`{key}`" not in GUIDE] == []


def test_the_test_shown_is_one_of_those_played() -> None:
    [snippet] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    shown = parse(yaml.safe_load(snippet), str)
    played = parse(yaml.safe_load((EXAMPLES / "steps" / "approval.test.yaml").read_text("utf-8")), str)
    assert shown.cases[0] in played.cases
