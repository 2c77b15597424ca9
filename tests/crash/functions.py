"""A tool function of the host that is killed: its effect is a line in a file that outlives it."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from services.tools.functions import tool_function
from tests.crash.counting import FILE, result_of


@tool_function("noted")
def noted(idempotency_key: str, **arguments: Any) -> dict[str, Any]:
    result = result_of("noted", arguments)
    line = json.dumps({"key": idempotency_key, "tool": "noted", "result": result})
    # One write: there as a whole, or not at all.
    file = os.open(os.environ[FILE], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)
    time.sleep(0.02)  # it has happened, and nobody has been told yet: a good moment for a kill
    return result
