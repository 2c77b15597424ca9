"""Asks the Azure CLI's table about commands: `PYTHON-OF-AZURE-CLI tests/docs/az_table.py < NAMES > az_commands.json`.

NAMES has a command a line (`functionapp restart`). Nothing is sent anywhere. The CLI is no package of this project: it
is large and pins what the app needs otherwise, so install `azure-cli` elsewhere. Commands of extensions are not in it.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

EVERYWHERE = ["--help", "--ids", "--only-show-errors", "--output", "--query", "--subscription", "-h", "-o"]


def main() -> int:
    cli: Any = importlib.import_module("azure.cli.core").get_default_cli()
    found = {}
    for name in sorted({line.strip() for line in sys.stdin if line.strip()}):
        known = options_of(cli, name)
        if known is None:
            print(f"no such command: {name}", file=sys.stderr)
            return 1
        found[name] = known
    version = importlib.import_module("azure.cli.core").__version__
    print(json.dumps({"version": version, "commands": found}, indent=1))
    return 0


def options_of(cli: Any, name: str) -> dict[str, Any] | None:
    """The options that a command has, and the ways to write each that it needs; None: there is no such command."""
    cli.invocation = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls
    )
    loader = cli.invocation.commands_loader
    loader.load_command_table(name.split())
    if name not in loader.command_table:
        return None
    cli.invocation.data["command_string"] = name
    loader.load_arguments(name)
    options, needed = set(EVERYWHERE), []
    for argument in loader.command_table[name].arguments.values():
        settings = argument.type.settings
        ways = [str(getattr(way, "target", way)) for way in settings.get("options_list") or []]
        options.update(way for way in ways if way != "--cmd")
        if settings.get("required") and settings.get("id_part") is None:
            needed.append(ways)
    return {"options": sorted(options), "needed": needed}


if __name__ == "__main__":
    sys.exit(main())
