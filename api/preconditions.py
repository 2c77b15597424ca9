"""`If-Match` and `If-None-Match` (RFC 9110), as far as they are needed here."""

from __future__ import annotations

import re

from domain.errors import Code, Fault, Problem, ProblemError, invalid_request

_TAGS = re.compile(r'\s*(?:W/)?"[^"]*"\s*(?:,\s*(?:W/)?"[^"]*"\s*)*')
_STRONG = re.compile(r'(?<!W/)"([^"]*)"')


def quoted(etag: str) -> str:
    return f'"{etag}"'


def expected_etag(if_match: str | None, current: str | None) -> str | None:
    """The etag that the name must still have when it is written; None when anything may be written over.

    `current` is the etag the name has now, None if it does not exist. Raises `ProblemError` precondition_failed when
    the header already cannot be met, invalid_request when it cannot be read.
    """
    if if_match is None:
        return None
    wanted = {current} if if_match.strip() == "*" else _tags(if_match)
    if current is None or current not in wanted:
        raise ProblemError(
            Problem(
                code=Code.PRECONDITION_FAILED,
                message="It is no longer what you read, or is not there.",
                action="Read it again, redo your change on it, and send that.",
                fault=Fault.CALLER,
            )
        )
    return current


def only_create(if_none_match: str | None) -> bool:
    """Whether the request must not change what is there. Raises `ProblemError` invalid_request for anything but `*`."""
    if if_none_match is not None and if_none_match.strip() != "*":
        raise ProblemError(invalid_request("If-None-Match is not understood here.", "Send `If-None-Match: *` or none."))
    return if_none_match is not None


def _tags(header: str) -> set[str | None]:
    if not _TAGS.fullmatch(header):
        raise ProblemError(invalid_request("If-Match is not understood.", 'Send the ETag as it came: `"…"`.'))
    # A weak tag never matches: what was read may differ from what is stored.
    return set(_STRONG.findall(header))
