"""What is wrong with graders, before anything is asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.shapes import request_problem
from domain.errors import Detail, ProblemError
from domain.expressions import check, check_template
from domain.graders import Grader
from domain.patterns import UnusablePattern, compiled
from domain.validation import check_schema, pointer

_SEEN = {"cel": {"output", "expected", "input", "usage"}, "of": {"output"}, "ask": {"output", "expected", "input"}}
"""The names that each key of a grader may use."""


def refuse_graders(graders: Sequence[Grader]) -> None:
    """Raises `ProblemError` invalid_request with every mistake in them."""
    details = tuple(
        Detail(pointer=f"/graders/{index}{where}", message=message)
        for index, grader in enumerate(graders)
        for where, message in _mistakes(grader, [one.name for one in graders[:index]])
    )
    if details:
        raise ProblemError(request_problem(details))


def _mistakes(grader: Grader, before: Sequence[str]) -> Iterator[tuple[str, str]]:
    if grader.name in before:
        yield "/name", f"another grader is called `{grader.name}`"
    for parts, message in check_schema(grader.schema_ or {}):
        yield f"/schema{pointer(parts)}", message
    try:
        if grader.pattern is not None:
            compiled(grader.pattern)
    except UnusablePattern as error:
        yield "/pattern", str(error)
    sources = {"cel": grader.cel, "of": grader.of}
    for key, source in sources.items():
        if source is not None and (wrong := _wrong(source, key)):
            yield f"/{key}", wrong
    if grader.judge is not None and (wrong := _wrong(grader.judge.ask, "ask")):
        yield "/judge/ask", wrong


def _wrong(source: str, key: str) -> str | None:
    try:
        (check_template if key == "ask" else check)(source, frozenset(_SEEN[key]))
    except ProblemError as error:
        return error.problem.message
    return None
