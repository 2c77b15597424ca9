"""Looks at what `azd up` would fail on half-way, before anything is created: `python -m tools.delivery.preflight`.

Node.js builds the page, and the region (AZURE_LOCATION) must offer what the template asks for. What cannot be asked,
because `az` is not there or not signed in, is said and passes. Needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

NODE = 20
DURABLE_TASK = (
    *("provider", "show", "--namespace", "Microsoft.DurableTask"),
    *("--query", "resourceTypes[?resourceType=='schedulers'].locations | [0]"),
)
FLEX = ("functionapp", "list-flexconsumption-locations", "--query", "[].name")


def main() -> int:
    wrong = [*of_node(), *of_region(os.environ.get("AZURE_LOCATION", ""))]
    for line in wrong:
        print(f"preflight: {line}", file=sys.stderr)
    return 1 if wrong else 0


def of_node() -> Iterator[str]:
    """What is wrong with Node.js."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        yield f"Node.js {NODE} or later is needed to build the page; node or npm was not found."
        return
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)", said)
    if version is None or int(version[1]) < NODE:
        yield f"Node.js {NODE} or later is needed to build the page; this is {said.strip()}."


def of_region(region: str) -> Iterator[str]:
    """What the region does not offer."""
    if not region:
        return  # azd asks for it after this, the first time
    for what, question in (("Durable Task Scheduler", DURABLE_TASK), ("Flex Consumption", FLEX)):
        offering = _asked(question)
        if offering is None:
            print(f"preflight: whether {region} offers {what} could not be asked (az login)")
        elif _plain(region) not in map(_plain, offering):
            yield f"{region} does not offer {what}; these do: {', '.join(sorted(offering))}."


def _asked(question: tuple[str, ...]) -> list[str] | None:
    """What `az` answers; None where it cannot be asked."""
    program = shutil.which("az")
    if program is None:
        return None
    done = subprocess.run(
        [program, *question, "--output", "json", "--only-show-errors"], capture_output=True, text=True, check=False
    )
    answer: Any = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None
    return answer or None


def _plain(region: str) -> str:
    """`West Europe` and `westeurope` are the same."""
    return region.replace(" ", "").lower()


if __name__ == "__main__":
    raise SystemExit(main())
