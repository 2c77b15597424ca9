"""What every stored or received shape shares."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, StringConstraints


class Shape(BaseModel):
    """A frozen record that refuses unknown keys, so a typing error is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""Lower-case letters, digits and hyphens, at most 63 characters: safe in URLs, document ids and group names."""

STEP_ID_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$"
StepId = Annotated[str, StringConstraints(pattern=STEP_ID_PATTERN)]

REFERENCE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}(@[1-9][0-9]{0,8})?$"
Reference = Annotated[str, StringConstraints(pattern=REFERENCE_PATTERN)]
"""A definition's name, or `name@version` to pin one version."""


class Definition(Shape):
    """What all versioned definitions have: agents, datasets, prompts, tools, workflows."""

    name: Name
    description: str = ""


def split_reference(reference: str) -> tuple[str, int | None]:
    """`"writer@3"` gives `("writer", 3)`; without a version, `("writer", None)` which means the latest."""
    name, _, version = reference.partition("@")
    return name, int(version) if version else None


def one_key_of(*keys: str) -> Discriminator:
    """Chooses the member of a union by the one key of `keys` that is present, so errors speak of that member alone."""

    def choose(value: Any) -> str | None:
        # A key that is a word of Python's own is an attribute with an underscore after it.
        attributes = value if isinstance(value, dict) else {name.rstrip("_") for name in dir(value)}
        present = [key for key in keys if key in attributes]
        return present[0] if len(present) == 1 else None

    return Discriminator(
        choose,
        custom_error_type="one_key",
        custom_error_message=f"exactly one of these keys is needed: {', '.join(keys)}",
    )
