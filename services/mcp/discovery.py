"""A server's tools as definitions of ours: what is kept is what models are told, whatever the server says later."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from domain.tools import MOST_DESCRIPTION, Tool
from domain.values import Json, content_hash

if TYPE_CHECKING:
    from mcp.types import Tool as Offered


@dataclass(frozen=True)
class Discovered:
    """`definition` is None where no tool can be made of it; `notes` say why, or what was left out."""

    tool: str
    definition: dict[str, Json] | None
    notes: tuple[str, ...] = ()


def fingerprint(offered: Offered) -> str:
    """Of what a model is told, and asked for: the same as long as the server says the same."""
    return content_hash({"description": offered.description or "", "input": offered.input_schema})


def discovered(server: str, offered: Offered) -> Discovered:
    from domain.openapi import DocumentError, standing_alone  # noqa: PLC0415 - slow to import
    from domain.validation import check_tool  # noqa: PLC0415 - slow to import

    try:
        schema, notes = standing_alone(offered.input_schema)
    except DocumentError as error:
        return Discovered(offered.name, None, (str(error),))
    hints = offered.annotations
    definition: dict[str, Any] = {
        "name": _name(server, offered.name),
        "description": (offered.description or offered.title or "")[:MOST_DESCRIPTION],
        "input": schema,
        "mcp": {"server": server, "tool": offered.name, "fingerprint": fingerprint(offered)},
        "delivery": "idempotent" if hints and (hints.read_only_hint or hints.idempotent_hint) else "at_most_once",
    }
    try:
        errors = check_tool(Tool.model_validate(definition)).errors
    except ValidationError as error:
        return Discovered(offered.name, None, (error.errors(include_url=False, include_input=False)[0]["msg"],))
    if errors:
        return Discovered(offered.name, None, tuple(f"{error.pointer}: {error.message}" for error in errors[:5]))
    return Discovered(offered.name, definition, tuple(f"Left out: {note}." for note in notes))


def _name(server: str, tool: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", f"{server}-{tool}")
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:63].rstrip("-")
