"""Kinds of values that a variable's text may be."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from domain.base import NAME_PATTERN

LIMITED = r"^(model:[a-z0-9-]{1,63}|tool:[a-z0-9-]{1,63}|tenant(:[^:]{1,100})?)$"
"""What a limit on calls may be of."""


def _names(text: object) -> object:
    return tuple(filter(None, re.split(r"[\s,]+", text))) if isinstance(text, str) else text


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """What cannot be a label protects none: nothing is served rather than that it goes unnoticed."""
    odd = next((name for name in names if name != "-" and not re.fullmatch(NAME_PATTERN, name)), None)
    if odd is not None:
        raise ValueError(f"{odd!r} cannot be a label: lower-case letters, digits and hyphens")
    return names


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""Several names in one variable."""

Labels = Annotated[Names, AfterValidator(_labels)]

Limit = Annotated[int, Field(ge=1, le=10_000)]
"""Calls at the same time."""

Limited = Annotated[str, Field(pattern=LIMITED)]
