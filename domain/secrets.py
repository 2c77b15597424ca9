"""A secret as definitions name it: its value stays with the deployment, and is looked up when a call is made."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from domain.base import Shape

SECRET_PATTERN = r"^[A-Z][A-Z0-9_]{0,63}$"  # noqa: S105 - what names look like
SecretName = Annotated[str, StringConstraints(pattern=SECRET_PATTERN)]
"""As it stands after `SECRET_` in the name of the setting that holds the value."""


class SecretReference(Shape):
    """Where a text may stand, the value of one of the deployment's secrets."""

    secret: SecretName = Field(description="Its name: the deployment sets `SECRET_<name>`.")
    prefix: str = Field(
        default="", max_length=20, pattern=r"^[ -~]*$", description="Stands before the value, such as `Bearer `."
    )
