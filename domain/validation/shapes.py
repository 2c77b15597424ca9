"""pydantic's complaints in the author's terms: where in what they wrote, and what to write instead.

pydantic's own locations name members of unions that no author wrote, and it reports some mistakes twice.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from domain.base import NAME_PATTERN, REFERENCE_PATTERN, STEP_ID_PATTERN
from domain.errors import Detail
from domain.validation.pointers import Part, as_written, did_you_mean, nearest, pointer
from domain.values import Json

_NAME = "lower-case letters, digits and hyphens, at most 63 of them, the first one no hyphen"
_PATTERNS = {
    NAME_PATTERN: f"should be {_NAME}",
    REFERENCE_PATTERN: f"should be a name ({_NAME}), or `name@version`",
    STEP_ID_PATTERN: "should be letters, digits, hyphens and underscores, at most 63, the first a letter or digit",
}


def details_of(error: ValidationError, model: type[BaseModel], written: Json) -> tuple[Detail, ...]:
    """One detail for each mistake in `written`, which `model` refused with `error`, in the order they were found."""
    complaints = [_Complaint(_place(model, found["loc"]), found) for found in error.errors(include_url=False)]
    return tuple(
        Detail(pointer=pointer(as_written(complaint.place.parts, written)), message=complaint.message())
        for complaint in complaints
        if not complaint.is_noise(complaints)
    )


@dataclass(frozen=True)
class _Place:
    """Where a pydantic location leads.

    `parts`: the keys an author writes to get there. `siblings`: the keys known beside the last of them. `union`: the
    untagged union that the location ends in a member of. `options`: the union it ends before, no member chosen yet.
    """

    parts: tuple[Part, ...]
    siblings: frozenset[str]
    union: tuple[Any, ...]
    options: tuple[Any, ...]


def _place(model: type[BaseModel], location: tuple[Part, ...]) -> _Place:
    here: Any = model
    parts: list[Part] = []
    siblings: frozenset[str] = frozenset()
    union: tuple[Any, ...] = ()
    for part in location:
        members = _members(here)
        if members:
            here, union = next((member for member in members if _is_called(member, str(part))), Any), members
            continue
        siblings, union = _keys(here), ()
        parts.append(part)
        here = _inside(here, part)
    return _Place(tuple(parts), siblings, union, _members(here))


@dataclass(frozen=True)
class _Complaint:
    place: _Place
    found: ErrorDetails

    def is_noise(self, all_of_them: Sequence[_Complaint]) -> bool:
        """Whether it only follows from another complaint, or blames a member of a union that was not meant."""
        kind, location = self.found["type"], self.found["loc"]
        if kind == "too_short":  # pydantic counts only the items that are valid
            return any(other.found["loc"][: len(location)] == location for other in all_of_them if other is not self)
        if kind == "missing":
            return any(other._means(location) for other in all_of_them)
        if len(self.place.union) > 1:
            return (kind == "model_type") != isinstance(self.found["input"], dict)
        return False

    def _means(self, location: tuple[Part, ...]) -> bool:
        """Whether this is an unknown key that is a slip of the key at `location`."""
        mine = self.found["loc"]
        same_object = self.found["type"] == "extra_forbidden" and mine[:-1] == location[:-1]
        return same_object and nearest(str(mine[-1]), self.place.siblings) == location[-1]

    def message(self) -> str:
        key = str(self.place.parts[-1]) if self.place.parts else ""
        plain = self.found["msg"].removeprefix("Value error, ").removeprefix("Input ")
        context = self.found.get("ctx", {})
        messages = {
            "extra_forbidden": f"unknown key `{key}`{did_you_mean(key, self.place.siblings)}",
            "missing": "this key is needed",
            "too_short": f"needs at least {context.get('min_length')}",
            "too_long": f"takes at most {context.get('max_length')}, and these are {context.get('actual_length')}",
            "model_type": "should be an object",
            "dict_type": "should be an object",
            "one_key": plain + self._misspelt_option(),
            "string_pattern_mismatch": _PATTERNS.get(context.get("pattern", ""), plain),
            "literal_error": plain + self._or_an_object(),
        }
        return messages.get(self.found["type"], plain)

    def _misspelt_option(self) -> str:
        written = self.found["input"]
        if not isinstance(written, dict):
            return ""
        tags = [tag for member in self.place.options if (tag := _tag(member))]
        known = set[str]().union(*(_keys(member) for member in self.place.options))
        for key in written:
            if key not in known and (meant := nearest(str(key), tags)):
                return f"; did you mean `{meant}` by `{key}`?"
        return ""

    def _or_an_object(self) -> str:
        keys = [key for member in self.place.union for key in sorted(_keys(member))]
        return f", or an object with {' or '.join(f'`{key}`' for key in keys)}" if keys else ""


def _bare(annotation: Any) -> Any:
    """Without `Annotated` and without `| None`, neither of which shows in pydantic's locations."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not types.NoneType]
            if len(members) > 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    """Members of a union, `None` aside; nothing for any other type."""
    bare = _bare(annotation)
    if get_origin(bare) not in (Union, types.UnionType):
        return ()
    return tuple(member for member in get_args(bare) if member is not types.NoneType)


def _tag(member: Any) -> str | None:
    marks = get_args(member)[1:] if get_origin(member) is Annotated else ()
    return next((mark.tag for mark in marks if isinstance(mark, Tag)), None)


def _is_called(member: Any, label: str) -> bool:
    tag, bare = _tag(member), _bare(member)
    if tag is not None:
        return label == tag
    if get_origin(bare) is Literal:
        return label.startswith("literal[")
    return label == getattr(bare, "__name__", None)


def _keys(annotation: Any) -> frozenset[str]:
    bare = _bare(annotation)
    is_model = isinstance(bare, type) and issubclass(bare, BaseModel)
    return frozenset(bare.model_fields) if is_model else frozenset()


def _inside(annotation: Any, part: Part) -> Any:
    """Type of what stands under a key or at an index."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        field = bare.model_fields.get(str(part))
        return field.annotation if field else Any
    arguments = get_args(bare)
    return arguments[0] if get_origin(bare) in (tuple, list) and arguments else Any
