"""Tool functions typed by their signatures: what a model is told, and what they get."""

from __future__ import annotations

import threading
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from domain.errors import Code, ProblemError
from domain.tools import Tool
from services.settings import Settings
from services.tools import functions
from services.tools.client import Attempt, ToolClient
from services.tools.functions import Registered, tool_function


class Line(BaseModel):
    item: str
    count: Annotated[int, Field(gt=0)] = 1


def order(
    lines: list[Line],
    due: date,
    speed: Literal["slow", "fast"] = "slow",
    model_config: str = "x",
    *,
    idempotency_key: str,
) -> dict[str, Any]:
    """Orders things.

    More about it.
    """
    return {
        "items": sum(line.count for line in lines),
        "due": due,
        "speed": speed,
        "key": idempotency_key,
        "as": lines[0],
    }


@pytest.fixture(autouse=True)
def _none_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "_registered", {})


async def call(function: Any, **arguments: Any) -> Any:
    tool_function("it")(function)
    return await ToolClient(Settings()).call(Attempt(Tool(name="it", function="it"), arguments, "the-key"))


def test_the_schema_is_the_signature() -> None:
    registered = Registered("order", order)
    assert registered.description == "Orders things.\n\nMore about it."
    assert registered.takes_key
    assert registered.input == {
        "type": "object",
        "additionalProperties": False,
        "required": ["lines", "due"],
        "properties": {
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            "due": {"type": "string", "format": "date"},
            "speed": {"type": "string", "enum": ["slow", "fast"], "default": "slow"},
            "model_config": {"type": "string", "default": "x"},
        },
        "$defs": {
            "Line": {
                "type": "object",
                "required": ["item"],
                "properties": {
                    "item": {"type": "string"},
                    "count": {"type": "integer", "exclusiveMinimum": 0, "default": 1},
                },
            }
        },
    }


async def test_arguments_come_as_the_annotations_say_and_results_go_as_json() -> None:
    found = await call(order, lines=[{"item": "lamp", "count": "2"}], due="2026-03-04", speed="fast")
    assert found == {
        "items": 2, "due": "2026-03-04", "speed": "fast", "key": "the-key", "as": {"item": "lamp", "count": 2},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"lines": [], "due": "soon"}, "due"),
        ({"lines": [{"item": "lamp", "count": 0}], "due": "2026-03-04"}, "lines.0.count"),
        ({"lines": []}, "due"),
        ({"lines": [], "due": "2026-03-04", "colour": "red"}, "colour"),
        ({"lines": [], "due": "2026-03-04", "idempotency_key": "mine"}, "idempotency_key"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(arguments: dict[str, Any], where: str) -> None:
    with pytest.raises(ProblemError) as caught:
        await call(order, **arguments)
    assert caught.value.problem.code is Code.TOOL_REFUSED
    assert f"at `{where}`" in caught.value.problem.message


async def test_one_without_annotations_takes_anything() -> None:
    def loose(a, b=2, **more):  # type: ignore[no-untyped-def]
        return [a, b, more]

    assert await call(loose, a={"x": 1}, c=3) == [{"x": 1}, 2, {"c": 3}]


async def test_what_blocks_is_called_in_a_thread() -> None:
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert await call(where) is False


async def test_one_that_cannot_be_called_by_name_says_so() -> None:
    def positional(a: int, /) -> int:
        return a

    with pytest.raises(ProblemError, match="`a` of 'it' cannot be given by name"):
        await call(positional, a=1)


async def test_one_whose_own_patience_ends_has_failed_and_was_not_too_late() -> None:
    def impatient() -> None:
        raise TimeoutError("the printer says nothing")

    with pytest.raises(ProblemError) as caught:
        await call(impatient)
    problem = caught.value.problem
    assert (problem.code, problem.retryable) == (Code.TOOL_FAILED, False)
    assert problem.message == "Tool `it` failed: TimeoutError: the printer says nothing"
