"""What an agent answers that may pass the conversation on: the answer itself, whom it passes to, and why."""

from __future__ import annotations

from typing import Any

NOBODY = "nobody"
"""Said in place of a name by an agent that keeps the conversation: its answer is the result."""
PICKED = ("pass_to", "reason", "answer")


def handoff_schema(choices: tuple[str, ...]) -> dict[str, Any]:
    """JSON Schema of the answer: the only way to pass it on is to name one it may be passed to."""
    return {
        "type": "object",
        "properties": {
            "pass_to": {"type": "string", "enum": [*choices, NOBODY]},
            "reason": {"type": "string", "maxLength": 200},
            "answer": {"type": "string"},
        },
        "required": ["pass_to", "reason", "answer"],
        "additionalProperties": False,
    }
