"""A tool function, as a deployment registers its own: `TOOL_MODULES=examples.tools.orders` makes it known."""

from __future__ import annotations

from services.tools.functions import tool_function

ORDERS = {
    "A-1001": {"item": "clip-on reading lamp", "state": "shipped", "arrives": "2026-03-04"},
    "A-1002": {"item": "desk lamp", "state": "in production", "arrives": "2026-03-19"},
}
"""Stands for a database."""


@tool_function("find-order")
def find_order(number: str) -> dict[str, str]:
    """What is known of the order; its `state` is `unknown` when there is none of that number."""
    return ORDERS.get(number, {"state": "unknown"})
