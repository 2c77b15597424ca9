"""Everything wrong with a definition or an input, found before anything runs and said where its author can see it.

Belongs here: checks that are pure functions of what was written. Does not belong here: looking anything up.
"""

from domain.validation.estimates import estimate_model_calls
from domain.validation.pointers import pointer
from domain.validation.schemas import check_schema, check_value
from domain.validation.shapes import details_of
from domain.validation.workflows import MAX_DEPTH, MAX_STEPS, check_workflow

__all__ = [
    "MAX_DEPTH",
    "MAX_STEPS",
    "check_schema",
    "check_value",
    "check_workflow",
    "details_of",
    "estimate_model_calls",
    "pointer",
]
