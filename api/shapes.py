"""What was sent, as the model it should be, or a problem that says at which pointer it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import Detail, Problem, ProblemError, invalid_definition, invalid_request
from domain.validation import details_of
from domain.values import Json

M = TypeVar("M", bound=BaseModel)
Wording = Callable[[tuple[Detail, ...]], Problem]


def definition_problem(details: tuple[Detail, ...]) -> Problem:
    return invalid_definition("The definition has mistakes.", details)


def request_problem(details: tuple[Detail, ...]) -> Problem:
    action = "Correct the fields named in `errors` and send the request again; nothing was changed."
    return invalid_request("The request has mistakes.", action, details)


def read_shape(model: type[M], written: Json, wording: Wording) -> M:
    """Raises `ProblemError` with every mistake in `written`."""
    try:
        return model.model_validate(written)
    except ValidationError as error:
        raise ProblemError(wording(details_of(error, model, written))) from error


def moved(details: Iterable[Detail], prefix: str) -> tuple[Detail, ...]:
    """The details of a part, with pointers from the root of the whole body."""
    return tuple(Detail(pointer=prefix + detail.pointer, message=detail.message) for detail in details)
