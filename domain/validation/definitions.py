"""Static checks of agents and tools."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from domain.agents import Agent
from domain.base import split_reference
from domain.datasets import Dataset, named
from domain.errors import ProblemError
from domain.expressions import check, check_template
from domain.toolcalls import READ_MORE
from domain.tools import HttpCall, Tool
from domain.validation.findings import Enough, Findings, Notes, Parts
from domain.validation.schemas import check_schema, check_value
from domain.values import Json

NOT_NAMES = frozenset({"functions"})
"""What follows `/api/tools/` and is no tool."""
IN_TOOL = frozenset({"arguments"})


def check_agent(agent: Agent, written: Json = None) -> Findings:
    notes = Notes(written)
    for parts, message in check_schema(agent.output_schema or {}):
        notes.error(("output_schema", *parts), message)
    names = [split_reference(reference)[0] for reference in agent.tools]
    for place, name in enumerate(names):
        if name in names[:place]:
            notes.error(("tools", place), f"its model knows a tool by its name, and `{name}` is there already")
    return notes.findings()


def check_dataset(dataset: Dataset) -> Findings:
    notes = Notes(None)
    try:
        named(dataset.cases)
    except ValueError as error:
        notes.error(("cases",), str(error))
    return notes.findings()


def check_tool(tool: Tool, written: Json = None) -> Findings:
    notes = Notes(written)
    with suppress(Enough):
        _tool(tool, notes)
    return notes.findings()


def _tool(tool: Tool, notes: Notes) -> None:
    mistakes = check_schema(tool.input)
    for parts, message in mistakes:
        notes.error(("input", *parts), message)
    if not mistakes and tool.input.get("type", "object") != "object":
        notes.error(("input", "type"), "the arguments of a tool are an object: write `type: object`")
    if tool.name in NOT_NAMES:
        notes.error(("name",), "this is a word of the API's own: choose another name")
    if tool.name == READ_MORE:
        notes.error(("name",), "this is what agents read long results with: choose another name")
    if tool.approval is not None and tool.approval.when is not None:
        _condition(tool.approval.when, ("approval", "when"), notes)
    if tool.http is not None:
        _http(tool.http, notes)
    for number, example in enumerate(tool.examples if not mistakes else ()):
        for parts, message in check_value(example.arguments, tool.input):
            notes.error(("examples", number, "arguments", *parts), message)


def _http(http: HttpCall, notes: Notes) -> None:
    _template(http.url, ("http", "url"), notes)
    if wrong := _not_an_address(http.url):
        notes.error(("http", "url"), wrong)
    for name, value in http.headers.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            notes.error(("http", "headers", name), "the name of a header is letters, digits and hyphens")
        if name.lower() in ("idempotency-key", "host", "content-length"):
            notes.error(("http", "headers", name), "this header is set by the service itself")
        if isinstance(value, str):
            _template(value, ("http", "headers", name), notes)
    for name, value in http.query.items():
        if isinstance(value, str):
            _template(value, ("http", "query", name), notes)
    _templates(http.body, ("http", "body"), notes)
    if http.method in ("GET", "DELETE") and "body" in http.model_fields_set:
        notes.warning(("http", "body"), f"this is not sent with {http.method}; put it into the `url`")


def _not_an_address(url: str) -> str | None:
    """What is wrong with it, as far as no `${…}` hides it."""
    if "${" not in url.partition("/")[0] and url.partition(":")[0].lower() not in ("http", "https"):
        return "an address begins with https:// and a host name"
    if "${" in url.partition("://")[2].partition("/")[0]:
        return None
    try:
        scheme, host, *_ = urlsplit(url)
    except ValueError as error:
        return f"this is no address: {error}"
    return "this address has no host name" if scheme and not host else None


def _templates(value: Json, at: Parts, notes: Notes) -> None:
    if isinstance(value, str):
        _template(value, at, notes)
    elif isinstance(value, dict):
        for key, child in value.items():
            _templates(child, (*at, key), notes)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _templates(child, (*at, index), notes)


def _template(source: str, at: Parts, notes: Notes) -> None:
    try:
        check_template(source, IN_TOOL)
    except ProblemError as error:
        notes.error(at, error.problem.message)


def _condition(source: str, at: Parts, notes: Notes) -> None:
    try:
        check(source, IN_TOOL)
    except ProblemError as error:
        notes.error(at, error.problem.message)
