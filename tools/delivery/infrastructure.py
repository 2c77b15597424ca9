"""Brings the infrastructure of one environment up to date, and tells the names of what is there.

`python -m tools.delivery.infrastructure deploy FILE` fills FILE in, as `tools.delivery.parameters` does, and deploys.
`python -m tools.delivery.infrastructure names` prints what the last deployment said, as lines for a shell to `eval`.
AZURE_ENV_NAME and AZURE_LOCATION name the environment; the pipeline and people use the same two commands.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.delivery.azure import DeliveryError, az
from tools.delivery.parameters import filled, given_values

TEMPLATE = Path(__file__).parents[2] / "infra" / "bicep" / "main.bicep"


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Bring the infrastructure up to date, or tell its names.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("deploy").add_argument("file", type=Path, help="file of parameters")
    commands.add_parser("names")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    try:
        if options.command == "deploy":
            deploy(options.file, given_values())
        else:
            print("\n".join(names(f"meta-agents-{os.environ['AZURE_ENV_NAME']}")))
    except DeliveryError as error:
        print(f"infrastructure: {error}", file=sys.stderr)
        return 1
    return 0


def deploy(file: Path, values: Mapping[str, str]) -> None:
    """Raises `DeliveryError` with what Azure said."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder, "parameters.json")
        parameters.write_text(json.dumps(filled(file.read_text("utf-8"), values)), "utf-8")
        place = "--name", f"meta-agents-{values['AZURE_ENV_NAME']}", "--location", values["AZURE_LOCATION"]
        what = "--template-file", str(TEMPLATE), "--parameters", f"@{parameters}"
        az("deployment", "sub", "create", *place, *what, "--output", "none")


def names(deployment: str) -> Iterator[str]:
    """`export NAME=value` of each output, and of META_AGENTS_URL. Raises `DeliveryError`."""
    told: dict[str, Any] = json.loads(
        az("deployment", "sub", "show", "--name", deployment, "--query", "properties.outputs", "--output", "json")
    )
    # Azure changes the case of the first letters: AZURE_X comes back as azurE_X.
    outputs = {name.upper(): output["value"] for name, output in told.items()}
    # Where there is a Front Door, nothing else may reach the app.
    outputs["META_AGENTS_URL"] = outputs["AZURE_FRONT_DOOR_URL"] or outputs["AZURE_FUNCTION_APP_URL"]
    for name, value in sorted(outputs.items()):
        yield f"export {name}={shlex.quote(value if isinstance(value, str) else json.dumps(value))}"


if __name__ == "__main__":
    raise SystemExit(main())
