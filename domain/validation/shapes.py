"""pydantic's complaints in the author's terms: where in what they wrote, and what to write instead.

pydantic's own locations name members of unions that no author wrote, and it reports some mistakes once a member.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.base import NAME_PATTERN, REFERENCE_PATTERN, STEP_ID_PATTERN
from domain.errors import Detail
from domain.validation.annotations import (
    Choice,
    Location,
    Place,
    keys_of,
    members_of,
    place,
    tag_of,
    takes_object,
    words_of,
)
from domain.validation.pointers import MOST_FINDINGS, as_written, pointer, value_at
from domain.values import Json
from domain.wording import did_you_mean, nearest, odd_character, shown

_NAME = "lower-case letters, digits and hyphens, at most 63 of them, the first one no hyphen"
_PATTERNS = {
    NAME_PATTERN: f"should be {_NAME}",
    REFERENCE_PATTERN: f"should be a name ({_NAME}), or `name@version`",
    STEP_ID_PATTERN: "should be letters, digits, hyphens and underscores, at most 63, the first a letter or digit",
}
_DURATION = "should be a duration, for example `PT30S` or `P2D`"
_MOST_KEYS = 50
"""In an object of more keys nobody looks for a slip."""


def details_of(error: ValidationError, model: type[BaseModel], written: Json) -> tuple[Detail, ...]:
    """One detail for each mistake in `written`, which `model` refused with `error`, in the order they were found."""
    complaints = [_Complaint(model, found) for found in error.errors(include_url=False)]
    details: dict[Detail, None] = {}
    for detail in _details(complaints, written):
        details[detail] = None
        if len(details) == MOST_FINDINGS:
            break
    return tuple(details)


def _details(complaints: list[_Complaint], written: Json) -> Iterator[Detail]:
    """One by one: of ten thousand nobody asks for more than the first."""
    around = {complaint.location[:depth] for complaint in complaints for depth in range(len(complaint.location))}
    slips: dict[Location, list[_Complaint]] = defaultdict(list)
    for complaint in complaints:
        if complaint.kind == "extra_forbidden":
            slips[complaint.location[:-1]].append(complaint)
    meant = _Meant(written)
    for complaint in complaints:
        if complaint.kind == "too_short" and complaint.location in around:
            continue  # pydantic counts only the items that are valid
        beside = slips.get(complaint.location[:-1], ())[:_MOST_KEYS] if complaint.kind == "missing" else ()
        if any(slip.means(complaint) for slip in beside):
            continue
        parts, message = complaint.place.parts, None
        for choice in complaint.place.choices:
            member = meant.member(choice)
            if member is None:
                parts, message = choice.parts, _alternatives(choice)
            elif member is not choice.blamed:
                break
        else:
            yield Detail(pointer=pointer(as_written(parts, written)), message=message or complaint.message)


class _Meant:
    """Which member of an untagged union what was written is most like: only its complaints are of use."""

    def __init__(self, written: Json) -> None:
        self._written = written
        self._known: dict[Location, Any] = {}

    def member(self, choice: Choice) -> Any:
        """None when it could be any of several."""
        if choice.before not in self._known:
            value = value_at(as_written(choice.parts, self._written), self._written)
            self._known = {choice.before: self._of(choice.members, value)}  # its complaints come together
        return self._known[choice.before]

    def _of(self, members: tuple[Any, ...], value: Json) -> Any:
        if not isinstance(value, dict):
            # The first, because unions are written with their texts first; its message speaks of the others.
            return next((member for member in members if not takes_object(member)), None)
        objects = [member for member in members if takes_object(member)]
        if len(objects) == 1:
            return objects[0]
        keys = [str(key) for key in value][:_MOST_KEYS]
        like = [member for member in objects if keys_of(member).intersection(keys)]
        like = like or [member for member in objects if any(nearest(key, keys_of(member)) for key in keys)]
        return like[0] if len(like) == 1 else None


@dataclass(frozen=True)
class _Complaint:
    model: type[BaseModel]
    found: ErrorDetails

    @cached_property
    def place(self) -> Place:
        return place(self.model, self.location)

    @property
    def kind(self) -> str:
        return self.found["type"]

    @property
    def location(self) -> Location:
        return self.found["loc"]

    def means(self, missing: _Complaint) -> bool:
        """Whether this unknown key is a slip of the missing one."""
        return nearest(str(self.location[-1]), self.place.siblings) == missing.location[-1]

    @cached_property
    def message(self) -> str:
        context = self.found.get("ctx", {})
        wordings: dict[str, Callable[[], str]] = {
            "extra_forbidden": self._unknown_key,
            "missing": lambda: "this key is needed",
            "too_short": lambda: f"needs at least {context['min_length']}",
            "too_long": lambda: f"takes at most {context['max_length']}, and these are {context['actual_length']}",
            "model_type": lambda: "should be an object",
            "dict_type": lambda: "should be an object",
            "tuple_type": lambda: "should be a list",
            "string_type": lambda: "should be text" + self._in_quotes(),
            "string_pattern_mismatch": self._pattern,
            "time_delta_type": lambda: _DURATION,
            "time_delta_parsing": lambda: _DURATION,
            "one_key": lambda: self._plain + self._which_key(),
            "literal_error": self._words,
            "enum": self._words,
        }
        return wordings.get(self.kind, lambda: self._plain)()

    @property
    def _plain(self) -> str:
        return self.found["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")

    def _unknown_key(self) -> str:
        key = str(self.location[-1])
        return f"unknown key `{shown(key)}`{odd_character(key)}{did_you_mean(key, self.place.siblings)}"

    def _pattern(self) -> str:
        said = _PATTERNS.get(self.found["ctx"]["pattern"], self._plain)
        return said + odd_character(str(self.found["input"]))

    def _in_quotes(self) -> str:
        written = self.found["input"]
        if self.place.union or not isinstance(written, int | float):
            return _with_keys(self.place.union)
        return f': write `"{str(written).lower()}"`, in quotes'

    def _which_key(self) -> str:
        written = self.found["input"]
        if not isinstance(written, dict):
            return ""
        members = members_of(self.place.annotation)
        tags = [tag for member in members if (tag := tag_of(member))]
        if several := [tag for tag in tags if tag in written]:
            return f"; here are {' and '.join(f'`{tag}`' for tag in several)}"
        known = keys_of(*members)
        for key in list(written)[:_MOST_KEYS]:
            if key not in known and (meant := nearest(str(key), tags)):
                return f"; did you mean `{meant}` by `{shown(str(key))}`{odd_character(str(key))}?"
        return ""

    def _words(self) -> str:
        words, written = words_of([self.place.annotation]), self.found["input"]
        wanted = f"should be {_either(words)}" if len(words) <= 5 else "is none of the words that may stand here"
        return (
            wanted + _with_keys(self.place.union) + (did_you_mean(written, words) if isinstance(written, str) else "")
        )


def _alternatives(choice: Choice) -> str:
    words, objects = words_of(choice.members), [member for member in choice.members if takes_object(member)]
    return f"should be {_either(words)}{_with_keys(objects)}"


def _with_keys(members: Iterable[Any]) -> str:
    keys = [key for member in members if takes_object(member) for key in _telling_keys(member)]
    return f", or an object with {_either(keys)}" if keys else ""


def _telling_keys(member: Any) -> list[str]:
    """The keys that make an object this member: its tags, its needed keys, or all it has."""
    if members := members_of(member):
        return [tag for one in members if (tag := tag_of(one))]
    fields = member.model_fields.items() if isinstance(member, type) and issubclass(member, BaseModel) else ()
    needed = [field.alias or name for name, field in fields if field.is_required()]
    return needed or sorted(keys_of(member))


def _either(words: list[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 2 else quoted)
