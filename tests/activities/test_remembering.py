"""What a model call was made of is remembered for its first request, and only as far as a document may hold it."""

from __future__ import annotations

from typing import Any

import pytest

from activities.requests import ASKED_BYTES, remembered
from domain.calls import ModelCall
from domain.policies import Retry
from domain.prompt_shapes import Repair, TemplatePrompt


def call(text: str = "hi", **fields: Any) -> ModelCall:
    prompt = TemplatePrompt(kind="template", template="${input}", scope={"input": {"v": text}})
    about = {"tenant": "t", "execution": "e", "key": "s#0", "step": "s", "plan": "p", "agent": "a"}
    return ModelCall(**about, prompt=prompt, retry=Retry(), **fields)


def test_the_first_request_with_its_schema() -> None:
    kept = remembered(call(output_schema={"type": "object"}))
    assert kept["prompt"]["scope"] == {"input": {"v": "hi"}}
    assert kept["schema"] == {"type": "object"}


@pytest.mark.parametrize(
    "forgotten", [call("x" * ASKED_BYTES), call(repair=Repair(rejected="s#0:call.rejected", complaint="no"))]
)
def test_not_what_is_too_large_or_asked_again(forgotten: ModelCall) -> None:
    assert remembered(forgotten) is None
