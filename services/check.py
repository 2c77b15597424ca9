"""Says whether the configuration can be used, without starting anything: `python -m services.check [FILE]`.

FILE is a local.settings.json; what the environment sets goes before it, as on a host. Exit code 1: the configuration
cannot be used; 2: the file cannot be read.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from services.models.catalogue import from_file
from services.settings import Settings, SettingsError
from services.signalr_endpoint import Endpoint


def _artifacts(settings: Settings) -> None:
    """A connection string is read by the SDK alone, which is slow to import."""
    if settings.blob_connection_string is not None:
        from services.wiring import artifacts_of  # noqa: PLC0415 - as slow, and only some need it

        artifacts_of(settings)


_PARTS: tuple[Callable[[Settings], object], ...] = (Endpoint.of, from_file, _artifacts)
"""What else a start makes of the settings, and may refuse."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Tells on standard output what is set, never to what; on standard error what is wrong."""
    try:
        whole = {**(values_of(Path(arguments[0])) if arguments else {}), **environment}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{arguments[0]} is no local.settings.json that can be read: {error!r}", file=sys.stderr)
        return 2
    if wrong := faults(whole):
        print(wrong, file=sys.stderr)
        return 1
    for sentence in Settings.unread(whole):
        print(sentence, file=sys.stderr)
    fields = Settings.from_environment(whole).model_fields_set
    names = sorted(str(Settings.model_fields[name].alias) for name in fields)
    print(f"The configuration can be used. Set: {', '.join(names) or 'nothing'}.")
    return 0


def faults(environment: Mapping[str, str]) -> str:
    """Why the app could not start with these variables: some lines, or nothing when it could."""
    try:
        settings = Settings.from_environment(environment)
    except SettingsError as error:
        return str(error)
    return "\n".join(_refusals(settings))


def values_of(path: Path) -> dict[str, str]:
    """The variables of a local.settings.json. Raises what reading and taking it apart raise."""
    values: Mapping[str, object] = json.loads(path.read_text("utf-8"))["Values"]
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _refusals(settings: Settings) -> Iterator[str]:
    for part in _PARTS:
        try:
            part(settings)
        except SettingsError as error:
            yield str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
