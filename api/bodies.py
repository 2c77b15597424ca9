"""Request bodies: read up to a limit, parsed as JSON or YAML, and refused with the line and column of what is wrong.

What comes out is JSON that can be stored and sent on: no NaN, no broken text, no key twice, neither too deep nor,
through YAML's aliases, larger than it looks.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml
from starlette.requests import Request
from yaml.nodes import MappingNode

from domain.errors import Code, Fault, Problem, ProblemError
from domain.validation import pointer
from domain.values import Json

MAX_BYTES = 1_048_576
MAX_DEPTH = 100
MAX_VALUES = 200_000
INTEGERS = range(-(2**63), 2**64)
"""What expressions compute with; a larger number would silently lose its last digits."""

JSON_TYPES = frozenset({"", "application/json", "text/json"})
_SEND_LESS = "Send less: put large material where the workflow can fetch it, and send its address."
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


class Unreadable(Exception):
    """The body cannot be read as JSON or YAML; the message says where and why."""


async def read_json(request: Request) -> Json:
    """The JSON body. Raises `Unreadable`, or `ProblemError` too_large."""
    _require_json(request)
    return parse_json(await read_bytes(request))


async def read_json_or_nothing(request: Request) -> Json:
    """The JSON body, or None when there is none. Raises like `read_json`."""
    content = await read_bytes(request)
    if not content:
        return None
    _require_json(request)
    return parse_json(content)


async def read_definition(request: Request) -> Json:
    """The JSON or YAML body. Raises like `read_json`."""
    media_type = media_type_of(request)
    if media_type in YAML_TYPES:
        # Large YAML takes a second to parse: not on the event loop.
        return await asyncio.to_thread(parse_yaml, await read_bytes(request))
    if media_type not in JSON_TYPES:
        raise Unreadable("The body must be JSON or YAML: `Content-Type: application/json` or `application/yaml`.")
    return parse_json(await read_bytes(request))


def _require_json(request: Request) -> None:
    if media_type_of(request) not in JSON_TYPES:
        raise Unreadable("The body must be JSON: send `Content-Type: application/json`.")


def media_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_bytes(request: Request, most: int = MAX_BYTES, action: str = _SEND_LESS) -> bytes:
    """The body as it came. Raises `ProblemError` too_large, which says to do `action`."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise too_large(f"The body is larger than {most} bytes.", action)
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > most:
            raise too_large(f"The body is larger than {most} bytes.", action)
    return bytes(content)


def too_large(message: str, action: str) -> ProblemError:
    return ProblemError(Problem(code=Code.TOO_LARGE, message=message, action=action, fault=Fault.CALLER))


def parse_json(content: bytes, most_values: int = MAX_VALUES, most_depth: int = MAX_DEPTH) -> Json:
    """Raises `Unreadable`."""
    text = _text(content)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Unreadable(f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise _too_deep(most_depth) from error
    except ValueError as error:  # an integer with thousands of digits
        raise Unreadable(f"Not JSON this service takes: {error}.") from error
    _check(value, most_values, most_depth)
    return value


def parse_yaml(content: bytes) -> Json:
    """One document, limited to what JSON can say. Raises `Unreadable`."""
    text = _text(content)
    try:
        _check_nesting(text)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(f"Not YAML: {error.problem or error.context}{where}.") from error
    except (yaml.YAMLError, ValueError, KeyError) as error:  # KeyError: `!!bool` before what is none
        raise Unreadable(f"Not YAML: {' '.join(str(error).split())[:300]}.") from error
    _check(value)
    return value


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The body is not UTF-8 text: byte {error.start} cannot be read.") from error
    if not text.strip():
        raise Unreadable("The body is empty.")
    return text


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, number in Counter(key for key, _ in pairs).items() if number > 1)
        raise Unreadable(f"The key {twice!a} stands twice in one object.")
    return found


def _no_constant(name: str) -> Json:
    raise Unreadable(f"{name} is not JSON.")


class _Loader(yaml.CSafeLoader):
    """Safe YAML that gives JSON only: dates stay text, keys are text and stand once."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to configure a loader
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text; quote it", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "this key stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _check_nesting(text: str) -> None:
    """Refuse deep nesting before anything is built: libyaml builds by recursion and would take the process down."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(most: int = MAX_DEPTH) -> Unreadable:
    return Unreadable(f"The body is nested more than {most} deep.")


_NO_MORE: tuple[None, None] = (None, None)


def _check(value: Json, most_values: int = MAX_VALUES, most_depth: int = MAX_DEPTH) -> None:
    """Walk the whole value, as often as it would be written out, and never hold more of it than the way down."""
    way: list[str | int] = []  # the first part leads to the whole value
    levels: list[Iterator[tuple[str | int | None, Json]]] = [iter([(0, value)])]
    count = 0
    while levels:
        part, here = next(levels[-1], _NO_MORE)
        if part is None:
            levels.pop()
            del way[-1:]
            continue
        count += 1
        if count > most_values:
            raise Unreadable(f"The body holds more than {most_values} values.")
        if not isinstance(here, dict | list):
            if not (isinstance(here, str) and here.isascii()):  # by far the most are
                _check_scalar(here, [*way, part][1:])
            continue
        if len(levels) > most_depth:
            raise _too_deep(most_depth)
        way.append(part)
        levels.append(iter(_children(here)))


def _children(value: Json) -> Iterable[tuple[str | int, Json]]:
    if isinstance(value, dict):
        for key in value:
            _check_scalar(key, ())
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _check_scalar(value: Json, parts: Sequence[str | int]) -> None:
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Unreadable(f"The text at `{pointer(parts)}` has half of a surrogate pair in it.") from error
    elif isinstance(value, int) and value not in INTEGERS:
        raise Unreadable(f"The integer at `{pointer(parts)}` has more than 64 bits: send it as text.")
    elif isinstance(value, float) and value - value != 0:
        raise Unreadable(f"The number at `{pointer(parts)}` is not finite.")
    elif not isinstance(value, dict | list | str | int | float | None):
        raise Unreadable(f"The value at `{pointer(parts)}` cannot be said in JSON.")
