"""How a command ends: its exit code, and what it says when something is wrong."""

from __future__ import annotations

from enum import IntEnum

from rich.console import Console
from rich.text import Text

from meta_agents.errors import ApiError, MetaAgentsError
from meta_agents.live.style import safe


class ExitCode(IntEnum):
    """Stable: scripts branch on them. Documented in docs/cli.md."""

    COMPLETED = 0
    EXECUTION_FAILED = 1
    BAD_INPUT = 2
    NOT_FOUND = 3
    UNAUTHENTICATED = 4
    UNREACHABLE = 5
    CANCELED = 6
    INTERRUPTED = 130


_OF_STATUS = {
    "completed": ExitCode.COMPLETED,
    "failed": ExitCode.EXECUTION_FAILED,
    "canceled": ExitCode.CANCELED,
}


class BadInput(MetaAgentsError):
    """The command line or a file says something that cannot be done. `places` name the bad spots, one line each."""

    def __init__(self, message: str, action: str, places: tuple[str, ...] = ()) -> None:
        super().__init__(message, action)
        self.places = places


def code_of_status(status: str) -> ExitCode:
    """The code of an ended execution; one whose status is not known did not complete."""
    return _OF_STATUS.get(status, ExitCode.EXECUTION_FAILED)


def code_of_error(error: MetaAgentsError) -> ExitCode:
    match error:
        case ApiError(status=401 | 403):
            return ExitCode.UNAUTHENTICATED
        case ApiError(status=404, code="not_found"):
            return ExitCode.NOT_FOUND
        case ApiError(code="unexpected_answer"):
            # Somebody else answers there.
            return ExitCode.UNREACHABLE
        case _:
            return ExitCode.UNREACHABLE if error.is_temporary else ExitCode.BAD_INPUT


def show_error(console: Console, error: MetaAgentsError) -> None:
    """What is wrong, where, and what to do."""
    text = Text.assemble(("error: ", "bold red"), safe(error.message))
    for line in _places(error):
        text.append(f"\n  {safe(line)}")
    if error.action:
        text.append(f"\n{safe(error.action)}", "bright_black")
    console.print(text, soft_wrap=True)


def _places(error: MetaAgentsError) -> tuple[str, ...]:
    match error:
        case ApiError(details=details):
            return tuple(f"{detail.pointer or '/'}: {detail.message}" for detail in details)
        case BadInput(places=places):
            return places
        case _:
            return ()
