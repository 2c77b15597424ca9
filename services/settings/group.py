"""A group of settings: fields that belong together, and what of them cannot be together."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """Each field is one environment variable, its alias; the docstring is the group's heading in the documentation."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    def conflicts(self) -> Iterator[str]:
        """A sentence for each combination of values that cannot be meant: what is set, and what to do."""
        yield from ()
