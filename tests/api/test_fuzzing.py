"""Whatever is sent as a definition is taken, or refused with reasons at places that exist."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from api.bodies import Unreadable, parse_json, parse_yaml
from domain.agents import Agent
from domain.chat_rules import STOPS
from domain.errors import Detail
from domain.steps import KINDS
from domain.tools import Tool
from domain.validation import check_agent, check_tool, check_workflow, details_of, estimate
from domain.workflows import Workflow

WORDS = [
    *KINDS, *STOPS, "id", "steps", "needs", "when", "input", "branches", "join", "over", "step", "cases", "otherwise",
    "participants", "task", "until", "while", "most", "for", "on_error", "fallback", "ask", "retry", "timeout",
    "budget", "name", "output", "start", "may_pass", "view", "speaker", "http", "url", "function", "instructions",
    "output_schema",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["a", "b", "writer", "PT1S", "true", "1 > 2", "${input.x}", "${steps.a.output}", "${", "any"]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**65) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | TEXTS, inner, max_size=4),
    max_leaves=12,
)
STEPS = st.recursive(
    st.builds(lambda id, kind, value: {"id": id, kind: value}, st.sampled_from("abcd"), st.sampled_from(KINDS), VALUES)
    | st.builds(lambda id, needs: {"id": id, "agent": "writer", "needs": needs}, st.sampled_from("abcd"), VALUES),
    lambda inner: st.one_of(
        st.builds(lambda steps: {"id": "e", "sequential": steps}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda steps: {"id": "f", "concurrent": steps}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda step, over: {"id": "g", "map": {"over": over, "step": step}}, inner, TEXTS),
        st.builds(lambda step, until: {"id": "h", "loop": {"steps": [step], "most": 2, "until": until}}, inner, TEXTS),
        st.builds(lambda step, when: {"id": "i", "switch": {"cases": [{"when": when, "step": step}]}}, inner, TEXTS),
    ),
    max_leaves=4,
)
WORKFLOWS = st.builds(
    lambda steps, more: {"name": "w", **more, "steps": steps},
    st.lists(STEPS, min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["input", "output", "limits", "defaults"]), VALUES, max_size=2),
)


def told(written: Any) -> list[Detail]:
    """Everything said about a value that was read, as each kind of definition that it might be."""
    said: list[Detail] = []
    for model, check in ((Agent, check_agent), (Tool, check_tool), (Workflow, _checked)):
        try:
            read = model.model_validate(written)
        except ValidationError as error:
            details = details_of(error, model, written)
            assert details
            said += details
        else:
            errors, warnings = check(read, written)  # type: ignore[arg-type]
            said += [*errors, *warnings]
    return said


def _checked(workflow: Workflow, written: Any) -> Any:
    found = check_workflow(workflow, None, written)
    if not found.errors:
        estimate(workflow)
    return found


def readable(parse: Callable[[bytes], Any], content: bytes) -> Any:
    """What it reads as; None when that is refused, which is a matter of the reader's own tests."""
    try:
        return parse(content)
    except Unreadable:
        return None


def is_there(pointer: str, written: Any) -> bool:
    """Whether what the pointer's last part should stand in is there."""
    here = written
    for part in pointer.split("/")[1:-1]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, dict) and key in here:
            here = here[key]
        else:
            return False
    return True


@given(VALUES | WORKFLOWS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json(value: Any) -> None:
    written = readable(parse_json, json.dumps(value).encode())
    for detail in told(written):
        assert detail.message
        assert is_there(detail.pointer, written), detail


@given(st.binary(max_size=60) | st.text("abs:-[]{},&*!|>'\"# \n\t0x", max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes(content: bytes) -> None:
    for parse in (parse_json, parse_yaml):
        told(readable(parse, content))
