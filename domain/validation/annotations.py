"""Where pydantic's locations lead: from the names it gives members of unions to the keys that an author writes."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Tag

from domain.validation.pointers import Part

KEY = "[key]"
"""pydantic's mark for a complaint about the key of an object and not about what stands under it."""

Location = tuple[Part, ...]


@dataclass(frozen=True)
class Choice:
    """An untagged union on the way: the location before it, the keys that lead there, and the member blamed."""

    before: Location
    parts: tuple[Part, ...]
    members: tuple[Any, ...]
    blamed: Any


@dataclass(frozen=True)
class Place:
    """Where a location leads: the keys to get there, the keys known beside the last of them, the type expected.

    `choices`: the untagged unions on the way. `union`: the members of the last of these, if the location ends in it.
    """

    parts: tuple[Part, ...]
    siblings: frozenset[str]
    annotation: Any
    choices: tuple[Choice, ...]
    union: tuple[Any, ...]


def place(model: type[BaseModel], location: Location) -> Place:
    here: Any = model
    parts: list[Part] = []
    siblings: frozenset[str] = frozenset()
    choices: list[Choice] = []
    for depth, part in enumerate(location):
        if members := members_of(here):
            chosen = next((member for member in members if _is_called(member, str(part))), Any)
            if not is_tagged(here):
                choices.append(Choice(location[:depth], tuple(parts), members, chosen))
            here = chosen
        elif part == KEY:
            here = str
        else:
            siblings = keys_of(here)
            parts.append(part)
            here = _inside(here, part)
    ends_in_union = bool(choices) and len(choices[-1].before) == len(location) - 1
    return Place(tuple(parts), siblings, here, tuple(choices), choices[-1].members if ends_in_union else ())


def members_of(annotation: Any) -> tuple[Any, ...]:
    """Members of a union, `None` aside; nothing for any other type."""
    bare = _bare(annotation)
    if get_origin(bare) not in (Union, types.UnionType):
        return ()
    return tuple(member for member in get_args(bare) if member is not types.NoneType)


def is_tagged(annotation: Any) -> bool:
    """Whether one key chooses the member, so that pydantic blames no other."""
    while get_origin(annotation) is Annotated:
        if any(isinstance(mark, Discriminator) for mark in get_args(annotation)[1:]):
            return True
        annotation = get_args(annotation)[0]
    others = [member for member in get_args(annotation) if member is not types.NoneType]
    return get_origin(annotation) in (Union, types.UnionType) and len(others) == 1 and is_tagged(others[0])


def tag_of(member: Any) -> str | None:
    marks = get_args(member)[1:] if get_origin(member) is Annotated else ()
    return next((mark.tag for mark in marks if isinstance(mark, Tag)), None)


def keys_of(*annotations: Any) -> frozenset[str]:
    """The keys that objects of these types take; those of a union's members together."""
    found: set[str] = set()
    for annotation in annotations:
        bare = _bare(annotation)
        if members := members_of(bare):
            found |= keys_of(*members)
        elif _is_model(bare):
            found |= {field.alias or name for name, field in bare.model_fields.items()}
    return frozenset(found)


def takes_object(annotation: Any) -> bool:
    return bool(keys_of(annotation))


def words_of(annotations: Iterable[Any]) -> list[str]:
    """The texts that may be written here literally."""
    words: list[str] = []
    for annotation in annotations:
        bare = _bare(annotation)
        if get_origin(bare) is Literal:
            words += [str(value) for value in get_args(bare)]
        elif isinstance(bare, type) and issubclass(bare, Enum):
            words += [str(member.value) for member in bare]
    return words


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


def _is_model(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, BaseModel)


def _is_called(member: Any, label: str) -> bool:
    tag, bare = tag_of(member), _bare(member)
    if tag is not None:
        return label == tag
    if members_of(member):
        return label.startswith("tagged-union[")
    if get_origin(bare) is Literal:
        return label.startswith("literal[")
    name = getattr(bare, "__name__", "")
    # A model with validators of its own is called `function-after[check(), Model]`, a text with a pattern a
    # `constrained-str`.
    if get_origin(bare) is not None and label.startswith(f"{name}["):  # a list: `tuple[str, ...]`
        return True
    return label in (name, f"constrained-{name}") or label.endswith(f", {name}]")


def _inside(annotation: Any, part: Part) -> Any:
    """Type of what stands under a key or at an index."""
    bare = _bare(annotation)
    if _is_model(bare):
        fields = bare.model_fields.items()
        return next((field.annotation for name, field in fields if part in (field.alias or name, name)), Any)
    arguments = get_args(bare)
    if get_origin(bare) is dict:
        return arguments[1]
    return arguments[0] if get_origin(bare) in (tuple, list) and arguments else Any
