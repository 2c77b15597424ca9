"""A bundle as it was sent, read and checked: it becomes a `Bundle`, or a problem that says what is wrong where.

Made for documents that somebody else wrote: every step is bounded, and the cheap ones come first.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.bodies import Unreadable, parse_json
from api.shapes import moved
from domain.bundle_checks import check_bundle, facts_of
from domain.bundles import SCHEMA_VERSION, Bundle, BundledEvent, Frame
from domain.errors import Detail, ProblemError, invalid_request
from domain.plans import Plan
from domain.validation import details_of
from domain.values import Json

MOST_VALUES = 2_000_000
MOST_DEPTH = 200
"""More than of other bodies: inputs and outputs stand some way down in a bundle."""
MOST_MISTAKES = 20

M = TypeVar("M", bound=BaseModel)


def read_bundle(content: bytes) -> Bundle:
    """Raises `Unreadable`, or `ProblemError` invalid_request."""
    # No more values than this can be in it: told before anything is built of them.
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise Unreadable(f"The bundle holds more than {MOST_VALUES} values.")
    written = parse_json(content, MOST_VALUES, MOST_DEPTH)
    _check_version(written)
    frame = _shape(Frame, written, "")
    plan = _shape(Plan, frame.plan, "/plan", strict=False)  # as definitions are read everywhere
    bundle = Bundle(
        schema_version=frame.schema_version,
        exported=frame.exported,
        execution=frame.execution,
        plan=plan,
        events=_events(frame.events),
    )
    _refuse(check_bundle(bundle, written))
    return bundle


def _check_version(written: Json) -> None:
    version = written.get("schema_version") if isinstance(written, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        message = f"The bundle has schema version {version}, and this service reads version {SCHEMA_VERSION}."
        action = "Import it where the release that exported it runs, or a later one; nothing was imported."
        raise ProblemError(invalid_request(message, action))


def _events(written: list[Any]) -> tuple[BundledEvent, ...]:
    """One by one: the mistakes of a long log could not all be named in time."""
    events: list[BundledEvent] = []
    details: list[Detail] = []
    for index, each in enumerate(written):
        try:
            event = _shape(BundledEvent, each, f"/events/{index}")
            _shape(facts_of(event.type), event.data, f"/events/{index}/data")
            events.append(event)
        except ProblemError as error:
            details.extend(error.problem.details or [Detail(pointer=f"/events/{index}", message="is no event")])
            if len(details) >= MOST_MISTAKES:
                break
    _refuse(details)
    return tuple(events)


def _shape(model: type[M], written: Json, place: str, *, strict: bool = True) -> M:
    """Strictly, but as JSON: a text is no number (`"NaN"` would be one), and may be a time."""
    try:
        return model.model_validate_json(json.dumps(written), strict=strict)
    except ValidationError as error:
        number = error.error_count()
        if number > 10 * MOST_MISTAKES:  # to name them well takes time for each two of them
            detail = Detail(pointer=place, message=f"has {number} mistakes")
            raise ProblemError(_problem([detail])) from error
        raise ProblemError(_problem(moved(details_of(error, model, written), place))) from error


def _refuse(details: list[Detail]) -> None:
    if details:
        raise ProblemError(_problem(details))


def _problem(details: list[Detail] | tuple[Detail, ...]) -> Any:
    action = "Export it again, or correct the fields named in `errors`; nothing was imported."
    return invalid_request("The bundle is not one that can be imported.", action, tuple(details[:MOST_MISTAKES]))
