"""Everything wrong with a definition or an input, found before anything runs and said where its author can see it.

Belongs here: checks that are pure functions of what was written. Does not belong here: looking anything up.
"""

from domain.validation.definitions import check_agent, check_dataset, check_tool
from domain.validation.estimates import Most, estimate
from domain.validation.findings import Findings
from domain.validation.known import Known
from domain.validation.pointers import pointer
from domain.validation.prompts import check_given, check_prompt, refuse_filled
from domain.validation.schemas import check_schema, check_value
from domain.validation.shapes import details_of
from domain.validation.workflows import MAX_DEPTH, MAX_STEPS, check_workflow

__all__ = [
    "MAX_DEPTH",
    "MAX_STEPS",
    "Findings",
    "Known",
    "Most",
    "check_agent",
    "check_dataset",
    "check_given",
    "check_prompt",
    "check_schema",
    "check_tool",
    "check_value",
    "check_workflow",
    "details_of",
    "estimate",
    "pointer",
    "refuse_filled",
]
