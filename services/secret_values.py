"""What a secret of the environment is called and looks like, before anything uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.secrets import SECRET_PATTERN

PREFIX = "SECRET_"
SHORTEST = 8
"""Characters. A shorter one is guessed, and taking it out of texts would tear holes into harmless words."""
_OTHERS = ("SECRET_HOSTS", "SECRET_TENANTS")


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Name to value, without the line break that files end in."""
    found = environment.items()
    return {name.removeprefix(PREFIX): value.strip() for name, value in found if _is_secret(name)}


def check_secret(name: str, value: str) -> None:
    """Raises `ValueError`, which does not repeat the value."""
    if len(value) < SHORTEST:
        raise ValueError(f"{PREFIX}{name} is shorter than {SHORTEST} characters")
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{PREFIX}{name} has something else in it than printable ASCII on one line")


def _is_secret(name: str) -> bool:
    return name.startswith(PREFIX) and name not in _OTHERS and bool(re.match(SECRET_PATTERN, name[len(PREFIX) :]))
